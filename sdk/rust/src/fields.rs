//! Names and values of header fields that stand in a configuration, checked in `configure`: what the host would refuse
//! in a hook is told to the operator, with its place, before anything serves.

use crate::Faults;

/// Fields that frame a message or belong to one connection: the host lets no filter set them.
pub(crate) const HOSTS_OWN: [&str; 9] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Notes a fault at `pointer` if a filter cannot set a field of this name.
///
/// ```
/// let mut faults = weir::Faults::default();
/// weir::fields::check_name(&mut faults, "/header", "x-request-id");
/// weir::fields::check_name(&mut faults, "/other", "Content-Length");
/// assert_eq!(faults.iter().next().unwrap().pointer, "/other");
/// ```
pub fn check_name(faults: &mut Faults, pointer: &str, name: &str) {
    let why = if HOSTS_OWN.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        "` is a header that the host sets itself; choose another, as `x-request-id`"
    } else if !is_name(name) {
        "` is not a header name; letters, digits and hyphens are, as in `x-request-id`"
    } else {
        return;
    };
    faults.at(pointer, &["`", name, why].concat());
}

/// Notes a fault at `pointer` if this text cannot stand in a field.
pub fn check_value(faults: &mut Faults, pointer: &str, value: &str) {
    let why = if !is_value(value.as_bytes()) {
        "a header cannot have line breaks or other control characters"
    } else if value.len() > LONGEST {
        "a header has at most 8 KiB"
    } else {
        return;
    };
    faults.at(pointer, why);
}

/// What servers and browsers take; the host itself takes more.
const LONGEST: usize = 8 << 10;

/// Whether this is a field's name (RFC 9110, 5.1).
pub(crate) fn is_name(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_token)
}

/// Whether these bytes can stand in a field.
pub(crate) fn is_value(value: &[u8]) -> bool {
    value.iter().all(|byte| (*byte >= b' ' || *byte == b'\t') && *byte != 0x7F)
}

#[cfg(test)]
mod tests {
    use super::{check_name, check_value};
    use crate::Faults;

    #[test]
    fn names_are_tokens_that_are_not_the_hosts() {
        let said = |name: &str| {
            let mut faults = Faults::default();
            check_name(&mut faults, "/name", name);
            faults.iter().map(|fault| fault.message.clone()).collect::<String>()
        };
        assert_eq!(said("x-request-id"), "");
        for name in ["", "x request", "x:id", "x-größe", "x\n"] {
            assert!(said(name).contains("is not a header name"), "{name:?}");
        }
        for name in ["Host", "content-length", "Upgrade"] {
            assert!(said(name).contains("the host sets itself"), "{name:?}");
        }
    }

    #[test]
    fn values_have_no_line_breaks_and_an_end() {
        let is_fine = |value: &str| {
            let mut faults = Faults::default();
            check_value(&mut faults, "/value", value);
            faults.or(()).is_ok()
        };
        assert!(is_fine("a, b;\tc=\"ü\"") && is_fine(""));
        for value in ["a\r\nb", "a\nb", "a\0", "a\u{7f}", &"a".repeat(8193)] {
            assert!(!is_fine(value), "{value:?}");
        }
    }
}
