//! Printing numbers with fractions: Rust's own is many times the code, for digits that nobody writes into an answer.

/// A number with up to 15 digits in decimal: the first scale at which it is whole. `None` for others.
#[allow(clippy::cast_possible_truncation, clippy::float_cmp, reason = "what is not exact is not taken")]
pub(super) fn fraction(number: f64) -> Option<String> {
    let mut scale = 1.0;
    for digits in 0..=15_usize {
        let whole = (number * scale).round();
        if whole.abs() >= 1e15 {
            return None;
        }
        if whole / scale == number {
            let text = (whole.abs() as i64).to_string();
            let text = ["0".repeat((digits + 1).saturating_sub(text.len())), text].concat();
            let (before, behind) = text.split_at_checked(text.len() - digits)?;
            let sign = if number < 0.0 { "-" } else { "" };
            let point = if digits > 0 { "." } else { "" };
            return Some([sign, before, point, behind].concat());
        }
        scale *= 10.0;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::fraction;

    #[test]
    fn fractions_are_written_as_they_were() {
        for (number, text) in [
            (0.5, Some("0.5")),
            (-0.05, Some("-0.05")),
            (1.25e3, Some("1250")),
            (0.1, Some("0.1")),
            (123.456, Some("123.456")),
            (99_999_999_999.999, Some("99999999999.999")),
            (1e-15, Some("0.000000000000001")),
            (1e300, None),
            (1e-300, None),
            (1.0 / 3.0, None),
            (f64::INFINITY, None),
        ] {
            assert_eq!(fraction(number).as_deref(), text, "{number}");
        }
    }
}
