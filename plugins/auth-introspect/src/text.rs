//! How bytes are written where not all of them can stand: base64, forms, header fields.

use crate::json::Value;

/// Base64 with padding (RFC 4648, 4).
pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits =
            (0..3).fold(0_usize, |bits, index| bits << 8 | group.get(index).map_or(0, |byte| usize::from(*byte)));
        for place in 0..4 {
            let digit = DIGITS.get(bits >> (18 - 6 * place) & 63).copied().unwrap_or_default();
            text.push(if place <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

/// As forms write a value (`application/x-www-form-urlencoded`).
pub(crate) fn form(value: &[u8]) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'*' => text.push(char::from(*byte)),
            b' ' => text.push('+'),
            other => escape(*other, &mut text),
        }
    }
    text
}

/// As a claim stands in a header field: a list as its values with commas between them. Everything but visible ASCII is
/// percent-encoded, `%` too, and in a list the commas in its values, so that what was there can be read back. Nothing can end
/// the field or be taken for the space around it.
pub(crate) fn field(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::List(values) => {
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                visible(&value.to_text(), b"%,", &mut text);
            }
        }
        value => visible(&value.to_text(), b"%", &mut text),
    }
    text
}

fn visible(value: &str, but: &[u8], to: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_graphic() && !but.contains(&byte) {
            to.push(char::from(byte));
        } else {
            escape(byte, to);
        }
    }
}

fn escape(byte: u8, to: &mut String) {
    to.push('%');
    for digit in [byte >> 4, byte & 15] {
        to.push(char::from_digit(digit.into(), 16).unwrap_or('0').to_ascii_uppercase());
    }
}

/// A name or value of a query, decoded as forms are. What is no escape stays as it is.
pub(crate) fn decoded(text: &str) -> Vec<u8> {
    let hex = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match (byte, behind) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push(hex(*high).unwrap_or_default() << 4 | hex(*low).unwrap_or_default());
                rest = after;
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(*byte),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::{base64, decoded, field, form};
    use crate::json::Value;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
    }

    #[test]
    fn forms_and_fields_escape_what_cannot_stand_there() {
        assert_eq!(form("a-b._*Z9 ~+/=&%é".as_bytes()), "a-b._*Z9+%7E%2B%2F%3D%26%25%C3%A9");
        for (claim, written) in [
            (r#""ada@example.com""#, "ada@example.com"),
            (r#""50% \u00e9, \r\nx: y\u007f\u0000""#, "50%25%20%C3%A9,%20%0D%0Ax:%20y%7F%00"),
            (r#"["a,b","c d",1,{"e":"f"}]"#, r#"a%2Cb,c%20d,1,{"e":"f"}"#),
            ("[]", ""),
            ("true", "true"),
        ] {
            assert_eq!(field(&Value::read(claim.as_bytes()).unwrap()), written, "{claim}");
        }
    }

    #[test]
    fn queries_are_decoded_as_forms_are() {
        assert_eq!(decoded("a%20b+c%2b%zz%4"), b"a b c+%zz%4");
        assert_eq!(decoded("%c3%A9%"), "é%".as_bytes());
    }
}
