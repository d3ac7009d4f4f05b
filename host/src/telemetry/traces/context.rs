//! W3C Trace Context, level 2: what `traceparent` and `tracestate` say, read strictly, and `traceparent` written.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Which trace a request belongs to.
pub static PARENT: HeaderName = HeaderName::from_static("traceparent");

/// What vendors keep beside it.
pub static STATE: HeaderName = HeaderName::from_static("tracestate");

/// Of a `traceparent` of version 00: `00-<32 digits>-<16 digits>-<2 digits>`.
pub const LENGTH: usize = 55;

/// More members than this invalidate a `tracestate` (3.3.1.1).
const MOST_MEMBERS: usize = 32;

/// Bytes of a `tracestate`; the specification wants 512 at least.
const LARGEST_STATE: usize = 8 << 10;

/// The trace is recorded.
pub(super) const SAMPLED: u8 = 1;

/// The trace id's last 7 bytes are random.
pub(super) const RANDOM: u8 = 2;

/// Whether one of the two may be there. A look at the names is cheaper than a search for each.
pub(super) fn may_have_any(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| name.as_str().starts_with("trace"))
}

/// What a `traceparent` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parent {
    pub(super) trace: u128,
    pub(super) span: u64,
    pub(super) flags: u8,
}

impl Parent {
    /// None if there is none, or not exactly one that is valid.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(&PARENT).iter();
        let value = values.next()?;
        if values.next().is_some() {
            return None;
        }
        Self::read(value.as_bytes())
    }

    fn read(value: &[u8]) -> Option<Self> {
        let (known, rest) = value.split_at_checked(LENGTH)?;
        let dashes = [2, 35, 52].iter().all(|place| known[*place] == b'-');
        let version = hex(&known[..2])?;
        // Later versions may only add to it; 255 is forbidden.
        let is_whole = if version == 0 { rest.is_empty() } else { rest.first().is_none_or(|next| *next == b'-') };
        if !dashes || !is_whole || version == 255 {
            return None;
        }
        let trace = u128::from(hex(&known[3..19])?) << 64 | u128::from(hex(&known[19..35])?);
        let span = hex(&known[36..52])?;
        let flags = u8::try_from(hex(&known[53..])?).ok()?;
        // What other flags mean is not known, so they are not passed on.
        (trace != 0 && span != 0).then_some(Self { trace, span, flags: flags & (SAMPLED | RANDOM) })
    }
}

/// Up to 16 digits, lower case only.
fn hex(digits: &[u8]) -> Option<u64> {
    let (mut number, mut wrong) = (0, 0);
    for digit in digits {
        let value = VALUES[usize::from(*digit)];
        wrong |= value;
        number = number << 4 | u64::from(value);
    }
    (wrong < 16).then_some(number)
}

/// What bytes stand for as digits; 255 for those that are none.
const VALUES: [u8; 256] = {
    let mut values = [255; 256];
    let mut value = 0;
    while value < 16 {
        values[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    values
};

/// A `traceparent` of version 00.
pub(super) fn write(trace: u128, span: u64, flags: u8) -> [u8; LENGTH] {
    let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
    digits(&mut text[3..35], &trace.to_be_bytes());
    digits(&mut text[36..52], &span.to_be_bytes());
    digits(&mut text[53..], &[flags]);
    text
}

fn digits(to: &mut [u8], bytes: &[u8]) {
    for ([high, low], byte) in to.as_chunks_mut().0.iter_mut().zip(bytes) {
        *high = b"0123456789abcdef"[usize::from(byte >> 4)];
        *low = b"0123456789abcdef"[usize::from(byte & 15)];
    }
}

/// Whether the `tracestate` is one that is passed on, or there is none. Its fields stand for one list.
pub(super) fn has_sound_state(headers: &HeaderMap) -> bool {
    let (mut members, mut size) = (0, 0);
    headers.get_all(&STATE).iter().all(|line| {
        size += line.len();
        let sound = line.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii).all(|member| {
            members += usize::from(!member.is_empty());
            member.is_empty() || is_member(member)
        });
        sound && members <= MOST_MEMBERS && size <= LARGEST_STATE
    })
}

/// `key=value` (3.3.1.3).
fn is_member(member: &[u8]) -> bool {
    let Some(equals) = member.iter().position(|byte| *byte == b'=') else { return false };
    let (key, value) = (&member[..equals], &member[equals + 1..]);
    let is_lower = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_key = key.first().is_some_and(is_lower) && key.iter().all(|byte| is_lower(byte) || b"_-*/@".contains(byte));
    let is_value = value.iter().all(|byte| matches!(byte, 0x20..=0x7e) && *byte != b'=');
    is_key && is_value && key.len() <= 256 && (1..=256).contains(&value.len())
}

/// The fields of a `tracestate` as one list.
pub(super) fn state(headers: &HeaderMap) -> String {
    let lines = headers.get_all(&STATE).iter().filter_map(|line| HeaderValue::to_str(line).ok());
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: u128 = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;
    const SPAN: u64 = 0xb7ad_6b71_6920_3331;

    fn read(text: &str) -> Option<u8> {
        let parent = Parent::read(text.as_bytes());
        parent.map(|parent| {
            assert_eq!((parent.trace, parent.span), (TRACE, SPAN));
            parent.flags
        })
    }

    /// The cases of the W3C's own test suite for `traceparent`.
    #[test]
    fn a_parent_is_read_as_the_specification_says() {
        let known = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
        for (prefix, suffix, expected) in [
            ("00-", "-01", Some(1)),
            ("00-", "-00", Some(0)),
            ("00-", "-03", Some(3)),
            // Flags that are not known are dropped.
            ("00-", "-ff", Some(3)),
            // Later versions.
            ("cc-", "-01", Some(1)),
            ("01-", "-00-", Some(0)),
            ("cc-", "-01-what-the-future-will-be-like", Some(1)),
            ("cc-", "-01.what-the-future-will-not-be-like", None),
            ("cc-", "-010", None),
            ("ff-", "-01", None),
            // A known version has nothing more.
            ("00-", "-01-", None),
            ("00-", "-01-what-the-future-will-be-like", None),
            ("00-", "-010", None),
            ("00-", "-0", None),
            ("00-", "-.0", None),
            ("00-", "-0A", None),
            ("00-", "", None),
            (".0-", "-01", None),
            ("0.-", "-01", None),
            ("000-", "-01", None),
            ("0-", "-01", None),
            ("-", "-01", None),
            ("", "-01", None),
            (" 00-", "-01", None),
            ("00_", "-01", None),
        ] {
            assert_eq!(read(&format!("{prefix}{known}{suffix}")), expected, "{prefix}...{suffix}");
        }
        for ids in [
            "00000000000000000000000000000000-b7ad6b7169203331",
            "0af7651916cd43dd8448eb211c80319c-0000000000000000",
            "0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331",
            "0af7651916cd43dd8448eb211c80319c-B7AD6B7169203331",
            ".af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "0af7651916cd43dd8448eb211c80319.-b7ad6b7169203331",
            "0af7651916cd43dd8448eb211c80319c0-b7ad6b7169203331",
            "0af7651916cd43dd8448eb211c80319-b7ad6b7169203331",
            "0af7651916cd43dd8448eb211c80319c-b7ad6b71692033311",
            "0af7651916cd43dd8448eb211c80319c-b7ad6b716920333",
            "0af7651916cd43dd8448eb211c80319c-.7ad6b7169203331",
            "0af7651916cd43dd8448eb211c80319cb7ad6b7169203331-",
        ] {
            assert_eq!(Parent::read(format!("00-{ids}-01").as_bytes()), None, "{ids}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(
            std::str::from_utf8(&write(TRACE, SPAN, 3)).unwrap(),
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03"
        );
        assert_eq!(Parent::read(&write(7, 9, 2)), Some(Parent { trace: 7, span: 9, flags: 2 }));
    }

    #[test]
    fn a_state_is_passed_on_if_it_is_one() {
        let long_key = format!("{}=1", "k".repeat(256));
        let longer_key = format!("{}=1", "k".repeat(257));
        let long_value = format!("k={}", "v".repeat(256));
        let longer_value = format!("k={}", "v".repeat(257));
        let many = (0..32).map(|index| format!("k{index}=1")).collect::<Vec<_>>().join(",");
        let more = format!("{many},k=1");
        let large = (0..32).map(|index| format!("k{index}={}", "v".repeat(256))).collect::<Vec<_>>().join(",");
        for (lines, expected) in [
            (&[][..], true),
            (&[""], true),
            (&["foo=1"], true),
            (&["foo=1,bar=2"], true),
            (&["foo=1 \t , \t bar=2, \t baz=3"], true),
            (&["foo=1,", ",bar=2"], true),
            (&["foo=1", "bar=2"], true),
            (&["0a_-*/@b=! $%&'()*+-./09:;<>?@AZ[]^_`az{|}~"], true),
            (&[&long_key], true),
            (&[&long_value], true),
            (&[&many], true),
            (&["foo"], false),
            (&["=1"], false),
            (&["foo="], false),
            (&["foo =1"], false),
            (&["FOO=1"], false),
            (&["foo.bar=1"], false),
            (&["_foo=1"], false),
            (&["foo=bar=baz"], false),
            (&["foo=1", "bar"], false),
            (&["foo=\u{e4}"], false),
            (&[&longer_key], false),
            (&[&longer_value], false),
            (&[&more], false),
            (&[&many, "k=1"], false),
            (&[&large], false),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(&STATE, HeaderValue::from_bytes(line.as_bytes()).unwrap());
            }
            assert_eq!(has_sound_state(&headers), expected, "{lines:?}");
        }
    }
}
