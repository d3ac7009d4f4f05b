//! Numbers of any length as JSON writes them: compared and divided as decimals, never rounded to floats.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// A number: its digits without zeros at either end, and what they are worth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number<'a> {
    is_negative: bool,
    /// Before the point and behind it; both together have no zero at either end, and are empty for 0.
    whole: &'a str,
    fraction: &'a str,
    /// The power of ten of the first digit.
    high: i64,
}

/// Beyond it an exponent is as good as endless.
const ENDLESS: i64 = 1 << 56;

impl<'a> Number<'a> {
    /// The number of this text, which has JSON's form.
    pub(crate) fn read(text: &'a str) -> Self {
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, read_exponent(exponent)),
            None => (text, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let mut high = exponent + length(whole) - 1;
        let mut fraction = fraction.trim_end_matches('0');
        let mut significant = whole.trim_start_matches('0');
        high -= length(whole) - length(significant);
        if significant.is_empty() {
            let trimmed = fraction.trim_start_matches('0');
            high -= length(fraction) - length(trimmed);
            fraction = trimmed;
        }
        if fraction.is_empty() {
            significant = significant.trim_end_matches('0');
        }
        let is_zero = significant.is_empty() && fraction.is_empty();
        Self {
            is_negative: is_negative && !is_zero,
            whole: significant,
            fraction,
            high: if is_zero { 0 } else { high },
        }
    }

    fn is_zero(&self) -> bool {
        self.whole.is_empty() && self.fraction.is_empty()
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        self.whole.bytes().chain(self.fraction.bytes())
    }

    /// The power of ten of the last digit.
    fn low(&self) -> i64 {
        self.high - (length(self.whole) + length(self.fraction) - 1).max(0)
    }

    /// Whether it has no fraction: `1.0` and `1e3` have none.
    pub(crate) fn is_whole(&self) -> bool {
        self.low() >= 0
    }

    /// As a count, as `minLength` has it; too large ones are the largest.
    pub(crate) fn as_count(&self) -> Option<u32> {
        if self.is_negative || !self.is_whole() {
            return None;
        }
        let zeros = usize::try_from(self.low()).unwrap_or(usize::MAX).min(10);
        let digits = self.digits().chain(std::iter::repeat_n(b'0', zeros)).take(11);
        Some(digits.fold(0_u32, |count, digit| count.saturating_mul(10).saturating_add(u32::from(digit - b'0'))))
    }
}

impl PartialEq for Number<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number<'_> {}

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| match (number.is_zero(), number.is_negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let size = || self.high.cmp(&other.high).then_with(|| self.digits().cmp(other.digits()));
        sign(self).cmp(&sign(other)).then_with(|| match sign(self) {
            0 => Ordering::Equal,
            1 => size(),
            _ => size().reverse(),
        })
    }
}

impl Hash for Number<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.is_negative, self.high).hash(state);
        self.digits().for_each(|digit| state.write_u8(digit));
    }
}

/// What others are to be a multiple of: `digits` times ten to the power `low`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Divisor {
    digits: u64,
    low: i64,
}

impl Divisor {
    /// Of a number above 0 with at most 18 digits.
    pub(crate) fn of(number: &Number<'_>) -> Option<Self> {
        if number.is_zero() || number.is_negative || number.whole.len() + number.fraction.len() > 18 {
            return None;
        }
        let digits = number.digits().fold(0, |digits, digit| digits * 10 + u64::from(digit - b'0'));
        Some(Self { digits, low: number.low() })
    }

    /// Whether the number is a whole multiple, exactly.
    pub(crate) fn divides(&self, number: &Number<'_>) -> bool {
        if number.is_zero() {
            return true;
        }
        let Ok(zeros) = u64::try_from(number.low() - self.low) else {
            // The number ends behind the divisor's last digit, and its own last one is no zero.
            return false;
        };
        let rest = number.digits().fold(0, |rest, digit| (rest * 10 + u64::from(digit - b'0')) % self.digits);
        times(rest, power_of_ten(zeros, self.digits), self.digits) == 0
    }
}

fn times(one: u64, other: u64, modulus: u64) -> u64 {
    let product = u128::from(one) * u128::from(other) % u128::from(modulus);
    u64::try_from(product).unwrap_or_default()
}

/// Ten to this power, in the remainders of `modulus`.
fn power_of_ten(mut power: u64, modulus: u64) -> u64 {
    let (mut result, mut square) = (1 % modulus, 10 % modulus);
    while power > 0 {
        if power & 1 == 1 {
            result = times(result, square, modulus);
        }
        square = times(square, square, modulus);
        power >>= 1;
    }
    result
}

fn read_exponent(text: &str) -> i64 {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.trim_start_matches('0');
    let size = if digits.is_empty() { 0 } else { digits.parse().unwrap_or(ENDLESS).min(ENDLESS) };
    if is_negative { -size } else { size }
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::{Divisor, Number};

    #[test]
    fn numbers_are_ordered_by_what_they_are_worth() {
        let ascending = [
            "-1e400",
            "-9007199254740993",
            "-9007199254740992",
            "-1.5",
            "-1",
            "-1e-400",
            "0",
            "1e-400",
            "0.09",
            "0.1",
            "1",
            "1.0000000000000000000001",
            "1.5",
            "9.99",
            "10",
            "9007199254740992",
            "9007199254740993",
            "1e308",
            "1e400",
            "1e99999999999999999999",
        ];
        for (index, one) in ascending.iter().enumerate() {
            for (other_index, other) in ascending.iter().enumerate() {
                assert_eq!(Number::read(one).cmp(&Number::read(other)), index.cmp(&other_index), "{one} {other}");
            }
        }
    }

    #[test]
    fn the_same_number_may_be_written_in_many_ways() {
        for (one, other) in [
            ("1", "1.0"),
            ("100", "1e2"),
            ("100", "1E+2"),
            ("0.01", "1e-2"),
            ("0", "-0"),
            ("0", "0.000e7"),
            ("-10.50", "-1.05e1"),
            ("123456789012345678901234567890", "1.2345678901234567890123456789e29"),
            ("1e5", "1e00005"),
            ("0.10", "10e-2"),
        ] {
            assert_eq!(Number::read(one).cmp(&Number::read(other)), Ordering::Equal, "{one} {other}");
        }
    }

    #[test]
    fn whole_numbers_are_known_however_they_are_written() {
        for (text, is_whole) in [
            ("1", true),
            ("1.0", true),
            ("1.5", false),
            ("1.5e1", true),
            ("15e-1", false),
            ("10e-1", true),
            ("0.0", true),
            ("1e400", true),
            ("1e-400", false),
        ] {
            assert_eq!(Number::read(text).is_whole(), is_whole, "{text}");
        }
        let counts = [
            ("3", Some(3)),
            ("3.0", Some(3)),
            ("3e2", Some(300)),
            ("-1", None),
            ("0.5", None),
            ("1e30", Some(u32::MAX)),
            ("0", Some(0)),
        ];
        for (text, count) in counts {
            assert_eq!(Number::read(text).as_count(), count, "{text}");
        }
    }

    #[test]
    fn multiples_are_exact() {
        for (number, divisor, divides) in [
            ("19.99", "0.01", true),
            ("0.3", "0.1", true),
            ("4.35", "0.01", true),
            ("0.0075", "0.0001", true),
            ("0.00751", "0.0001", false),
            ("1e308", "0.123456789", false),
            ("1e308", "0.5", true),
            ("9007199254740993", "3", true),
            ("9007199254740993", "2", false),
            ("12391239123", "1e-8", true),
            ("0", "7", true),
            ("-21", "7", true),
            ("35", "1.5", false),
            ("4.5", "1.5", true),
            ("1e400", "1e399", true),
            ("5e399", "1e400", false),
            ("123456789012345678901234567890", "10", true),
            ("7", "999999999999999999", false),
        ] {
            let divisor_of = Divisor::of(&Number::read(divisor)).unwrap();
            assert_eq!(divisor_of.divides(&Number::read(number)), divides, "{number} {divisor}");
        }
        for none in ["0", "-1", "1.2345678901234567890"] {
            assert!(Divisor::of(&Number::read(none)).is_none(), "{none}");
        }
    }
}
