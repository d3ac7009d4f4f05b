//! How values are written so that they stay values, wherever they go.
//!
//! ```
//! use weir::escape::{self, Destination};
//!
//! let mut header = String::from("id=");
//! escape::push(&mut header, "a\r\nSet-Cookie: b", Destination::Header);
//! assert_eq!(header, "id=a%0D%0ASet-Cookie: b");
//! ```

/// Where a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Destination {
    /// A text that nobody parses.
    Text,
    /// HTML or XML, between tags.
    Markup,
    /// A text of JSON, between its quotes.
    Json,
    /// A header's value.
    Header,
    /// A part of a URL: what is not a letter, a digit or `-._~` has no meaning of its own.
    UrlPart,
    /// A URL's path, which has its escapes already.
    UrlPath,
    /// A URL's query, which has its escapes already.
    UrlQuery,
}

/// Appends a value.
pub fn push(text: &mut String, value: &str, into: Destination) {
    for character in value.chars() {
        match into {
            Destination::Text => text.push(if is_control(character) { '\u{fffd}' } else { character }),
            Destination::Markup => match character {
                '&' => text.push_str("&amp;"),
                '<' => text.push_str("&lt;"),
                '>' => text.push_str("&gt;"),
                '"' => text.push_str("&quot;"),
                '\'' => text.push_str("&#39;"),
                _ => text.push(if is_control(character) { '\u{fffd}' } else { character }),
            },
            Destination::Json => json(text, character),
            Destination::Header => percent(text, character, " !#$&'()*+-./:=?@[]^_`{|}~"),
            Destination::UrlPart => percent(text, character, "-._~"),
            Destination::UrlPath => percent(text, character, "-._~!$&'()*+,;=:@/%"),
            Destination::UrlQuery => percent(text, character, "-._~!$&'()*+,;=:@/?%"),
        }
    }
}

/// Terminals obey these, and XML has none of them.
fn is_control(character: char) -> bool {
    character.is_control() && !matches!(character, '\t' | '\n')
}

fn json(text: &mut String, character: char) {
    match character {
        '"' | '\\' => text.extend(['\\', character]),
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        // Where JSON is put into a page's script, it is to end there, too.
        '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => unit(text, character),
        _ if character.is_control() => unit(text, character),
        _ => text.push(character),
    }
}

/// All that come here have one UTF-16 unit.
fn unit(text: &mut String, character: char) {
    text.push_str("\\u");
    for shift in [12, 8, 4, 0] {
        text.push(digit(u32::from(character) >> shift));
    }
}

/// A letter, a digit or one of the plain ones, else its bytes in percent-encoding.
fn percent(text: &mut String, character: char, plain: &str) {
    for byte in character.encode_utf8(&mut [0; 4]).bytes() {
        if byte.is_ascii_alphanumeric() || plain.as_bytes().contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push(digit(u32::from(byte) >> 4));
            text.push(digit(u32::from(byte)));
        }
    }
}

/// The last four bits.
fn digit(number: u32) -> char {
    char::from_digit(number & 15, 16).unwrap_or_default().to_ascii_uppercase()
}

/// A parameter's name or value without its escapes, as forms have them; what is no escape stays.
///
/// ```
/// assert_eq!(weir::escape::decoded("a+b%26%zz"), b"a b&%zz");
/// ```
pub fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        let escaped = match (byte, behind) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(if *byte == b'+' { b' ' } else { *byte });
                rest = behind;
            }
        }
    }
    bytes
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::{Destination, push};

    fn escaped(value: &str, into: Destination) -> String {
        let mut text = String::new();
        push(&mut text, value, into);
        text
    }

    #[test]
    fn values_stay_values() {
        for (into, value, wanted) in [
            (Destination::Text, "a<b> ü\tc\nd\re\u{1b}[2J\0", "a<b> ü\tc\nd\u{fffd}e\u{fffd}[2J\u{fffd}"),
            (
                Destination::Markup,
                "<script>alert('\"&')</script>\0",
                "&lt;script&gt;alert(&#39;&quot;&amp;&#39;)&lt;/script&gt;\u{fffd}",
            ),
            (
                Destination::Json,
                "\"}, \\\r\n\t\u{1}ü</script>\u{2028}\u{7f}",
                "\\\"}, \\\\\\r\\n\\t\\u0001ü\\u003C/script\\u003E\\u2028\\u007F",
            ),
            (
                Destination::Header,
                "a\r\nSet-Cookie: x=1; y, \"ü\" 100%",
                "a%0D%0ASet-Cookie: x=1%3B y%2C %22%C3%BC%22 100%25",
            ),
            (Destination::UrlPart, "//evil.example/?a=b&c#d\\ %2F", "%2F%2Fevil.example%2F%3Fa%3Db%26c%23d%5C%20%252F"),
            (Destination::UrlPath, "/a%20b/ü?#\\\"\r\n", "/a%20b/%C3%BC%3F%23%5C%22%0D%0A"),
            (Destination::UrlQuery, "a=%20?/#\r\n<", "a=%20?/%23%0D%0A%3C"),
        ] {
            assert_eq!(escaped(value, into), wanted, "{into:?}");
        }
    }

    #[test]
    fn no_value_ever_leaves_its_place() {
        let all: String = (0..=0x2030_u32).filter_map(char::from_u32).collect();
        let json: String = serde_json::from_str(&format!("\"{}\"", escaped(&all, Destination::Json))).unwrap();
        assert_eq!(json, all);
        for into in [Destination::Header, Destination::UrlPart, Destination::UrlPath, Destination::UrlQuery] {
            assert!(escaped(&all, into).bytes().all(|byte| (b' '..0x7f).contains(&byte)), "{into:?}");
        }
        assert!(!escaped(&all, Destination::Markup).contains(['<', '>', '"', '\'']));
    }
}
