//! A user name and a password, as clients send them (RFC 7617): `Authorization: Basic YWRhOnNlc2FtZQ==`.

/// What a client showed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

/// What stands in an `Authorization` field.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Another scheme's credentials.
    Others,
    Credentials(Credentials),
    /// What is wrong with it, without what it is.
    Malformed(&'static str),
}

/// Of a user's name.
pub(crate) const LONGEST_USER: usize = 255;

/// Of a password. A hash may take less.
const LONGEST_PASSWORD: usize = 1 << 10;

/// Of both in base64.
const LONGEST: usize = (LONGEST_USER + 1 + LONGEST_PASSWORD).div_ceil(3) * 4;

const SCHEME: &[u8] = b"basic";

/// Reads the field's value.
pub(crate) fn read(value: &[u8]) -> Shown {
    let Some((scheme, rest)) = value.split_at_checked(SCHEME.len()) else { return Shown::Others };
    if !scheme.eq_ignore_ascii_case(SCHEME) || rest.first().is_some_and(|byte| *byte != b' ') {
        return Shown::Others;
    }
    match credentials(rest.trim_ascii_start()) {
        Ok(credentials) => Shown::Credentials(credentials),
        Err(why) => Shown::Malformed(why),
    }
}

fn credentials(written: &[u8]) -> Result<Credentials, &'static str> {
    if written.len() > LONGEST {
        return Err("they are longer than a name of 255 bytes and a password of 1 KiB");
    }
    let bytes = decoded(written).ok_or("they are not base64")?;
    let text = String::from_utf8(bytes).map_err(|_| "they are not UTF-8")?;
    if text.chars().any(char::is_control) {
        return Err("they have control characters in them");
    }
    let (user, password) = text.split_once(':').ok_or("they have no colon")?;
    if user.len() > LONGEST_USER || password.len() > LONGEST_PASSWORD {
        return Err("the name has more than 255 bytes or the password more than 1 KiB");
    }
    Ok(Credentials { user: user.to_owned(), password: password.to_owned() })
}

/// Base64 in the one form in which bytes are written (RFC 4648, 4): with its padding, and no bits that mean nothing.
fn decoded(written: &[u8]) -> Option<Vec<u8>> {
    let (groups, []) = written.as_chunks::<4>() else { return None };
    let mut bytes = Vec::with_capacity(groups.len() * 3);
    for (index, group) in groups.iter().enumerate() {
        let is_last = index + 1 == groups.len();
        let letters = match group {
            [_, _, b'=', b'='] if is_last => 2,
            [_, _, _, b'='] if is_last => 3,
            _ => 4,
        };
        let mut bits = 0_u32;
        for (index, letter) in group.iter().enumerate() {
            bits = bits << 6 | if index < letters { six(*letter)? } else { 0 };
        }
        let [_, whole @ ..] = bits.to_be_bytes();
        let (kept, left) = whole.split_at_checked(letters - 1)?;
        if left.iter().any(|byte| *byte != 0) {
            return None;
        }
        bytes.extend_from_slice(kept);
    }
    Some(bytes)
}

/// The six bits that a letter stands for.
fn six(letter: u8) -> Option<u32> {
    let six = match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(six.into())
}

#[cfg(test)]
mod tests {
    use super::{Credentials, Shown, decoded, read};

    fn is(value: &str, user: &str, password: &str) {
        let wanted = Credentials { user: user.to_owned(), password: password.to_owned() };
        assert_eq!(read(value.as_bytes()), Shown::Credentials(wanted), "{value}");
    }

    #[test]
    fn the_examples_of_rfc_7617_are_read() {
        is("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame");
        is("Basic dGVzdDoxMjPCow==", "test", "123\u{a3}");
        is("bASIC   YTpiOmM=", "a", "b:c");
        is("Basic Og==", "", "");
    }

    #[test]
    fn base64_is_as_rfc_4648_has_it_and_no_other() {
        for (written, bytes) in
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob"), ("Zm9vYmFy", "foobar")]
        {
            assert_eq!(decoded(written.as_bytes()).as_deref(), Some(bytes.as_bytes()), "{written}");
        }
        for written in [
            "Zg",
            "Zg=",
            "Zg===",
            "Zh==",
            "Zm9=",
            "Zm8",
            "Zg==Zg==",
            "=",
            "====",
            "Z===",
            "Zm 8",
            "Zm8=\n",
            "Zm9-",
            "Zm\u{e9}v",
        ] {
            assert_eq!(decoded(written.as_bytes()), None, "{written}");
        }
    }

    #[test]
    fn what_is_malformed_is_told_from_what_is_anothers() {
        for value in ["Bearer abc", "Basi", "", "Basics YTpi", "Basic\tYTpi"] {
            assert_eq!(read(value.as_bytes()), Shown::Others, "{value}");
        }
        let long = format!("Basic {}", "QUFB".repeat(1000));
        let wide = format!("Basic {}6", "QUFB".repeat(100));
        for (value, words) in [
            ("Basic", "no colon"),
            ("Basic YTpi YTpi", "not base64"),
            ("Basic a:b", "not base64"),
            ("Basic 4zo=", "not UTF-8"),
            ("Basic YTo=\u{7f}", "not base64"),
            ("Basic YQFiOmM=", "control characters"),
            ("Basic YTpiCg==", "control characters"),
            ("Basic YWI=", "no colon"),
            (long.as_str(), "longer"),
            (wide.as_str(), "not base64"),
        ] {
            let Shown::Malformed(why) = read(value.as_bytes()) else { panic!("{value}") };
            assert!(why.contains(words), "{value}: {why}");
        }
        // 256 letters and a colon.
        let name = format!("Basic {}QTo=", "QUFB".repeat(85));
        let Shown::Malformed(why) = read(name.as_bytes()) else { panic!() };
        assert!(why.contains("255 bytes"), "{why}");
    }
}
