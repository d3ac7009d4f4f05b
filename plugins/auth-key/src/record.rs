//! What is known of a key: `ada plan=gold roles=admin roles=staff expires=2027-01-01T00:00:00Z`, an id and what
//! operators write about it. Keys of the configuration are kept in the same form.

use std::borrow::Cow;

use crate::moment;

/// Of an id.
pub(crate) const LONGEST_ID: usize = 255;

/// Of all that is known of a key.
pub(crate) const LONGEST: usize = 4 << 10;

/// When a key ends.
const EXPIRES: &str = "expires";

/// One key's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record<'a>(&'a str);

impl<'a> Record<'a> {
    /// Of a text that [`Record::check`] found sound.
    pub(crate) fn of(text: &'a str) -> Self {
        Self(text)
    }

    /// The second since 1970 at which the key ends, if it does; or what is wrong.
    pub(crate) fn check(self) -> Result<Option<u64>, String> {
        if self.0.len() > LONGEST {
            return Err("what is known of a key has at most 4 KiB".to_owned());
        }
        check_id(self.id())?;
        let mut expires = None;
        for word in self.words() {
            let Some((name, value)) = word.split_once('=') else {
                return Err(["`", &start(word), "` is no `name=value`; a space in a value is written `%20`"].concat());
            };
            check_name(name)?;
            let Some(value) = decoded(value) else {
                return Err(
                    ["the value of `", name, "` has an escape that is none; `%` itself is written `%25`"].concat()
                );
            };
            if value.chars().any(char::is_control) {
                return Err(["the value of `", name, "` has control characters in it"].concat());
            }
            if name == EXPIRES {
                if expires.is_some() {
                    return Err("`expires` stands there twice".to_owned());
                }
                expires = Some(moment::read(&value).ok_or_else(|| no_moment(&value))?);
            }
        }
        Ok(expires)
    }

    /// Whose key it is.
    pub(crate) fn id(self) -> &'a str {
        self.0.split_ascii_whitespace().next().unwrap_or_default()
    }

    /// What is known of it under a name; a list if the name stands there more than once.
    pub(crate) fn get(self, name: &str) -> Option<Cow<'a, str>> {
        if name == "id" {
            return Some(Cow::Borrowed(self.id()));
        }
        let of_name = |word: &'a str| word.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value);
        let mut values = self.words().filter_map(of_name).filter_map(decoded);
        let first = values.next()?;
        match values.next() {
            None => Some(first),
            Some(second) => {
                let all: Vec<Cow<'_, str>> = [first, second].into_iter().chain(values).collect();
                serde_json::to_string(&all).ok().map(Cow::Owned)
            }
        }
    }

    fn words(self) -> impl Iterator<Item = &'a str> {
        self.0.split_ascii_whitespace().skip(1)
    }
}

/// Whether this can be an id, or what is wrong with it.
pub(crate) fn check_id(id: &str) -> Result<(), String> {
    let shown = start(id);
    Err(match id {
        "" => "the id is missing: whose key is it?".to_owned(),
        // As `sha256sum` prints in place of a file's name.
        "-" => "`-` is no id: write whose key it is".to_owned(),
        _ if id.contains('=') => ["the id is missing before `", &shown, "`: whose key is it?"].concat(),
        _ if id.len() > LONGEST_ID => ["the id `", &shown, "...` has more than 255 bytes"].concat(),
        _ if id.chars().any(|character| character.is_control() || character.is_whitespace()) => {
            ["the id `", &shown, "` has spaces or control characters in it"].concat()
        }
        _ => return Ok(()),
    })
}

/// Whether something can be known of a key under this name, or what is wrong with it.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if name == "id" {
        return Err("`id` stands before all that is known of a key".to_owned());
    }
    if name.is_empty() || name.len() > 64 || !name.bytes().all(is_part) {
        let shown = start(name);
        return Err(["`", &shown, "` is no name: up to 64 letters, digits, `_`, `-` and `.`, as `plan`"].concat());
    }
    Ok(())
}

/// What is said of an `expires` that is none.
pub(crate) fn no_moment(written: &str) -> String {
    ["`", &start(written), "` is no time; write it as 2027-01-01T00:00:00Z"].concat()
}

/// A value so that it is one word.
pub(crate) fn encoded(value: &str) -> String {
    let escaped = |character: char| match character {
        '%' => "%25".to_owned(),
        ' ' => "%20".to_owned(),
        '\t' => "%09".to_owned(),
        '\n' => "%0A".to_owned(),
        '\u{c}' => "%0C".to_owned(),
        '\r' => "%0D".to_owned(),
        _ => character.into(),
    };
    value.chars().map(escaped).collect()
}

/// A value as it was before it became a word; none if that was not a text.
fn decoded(word: &str) -> Option<Cow<'_, str>> {
    if !word.contains('%') {
        return Some(Cow::Borrowed(word));
    }
    let mut parts = word.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        let is_escape = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| is_escape)?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// As much of a text as a line of the log needs.
fn start(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Record, check_id, decoded, encoded};

    #[test]
    fn a_record_has_an_id_and_what_is_known_under_names() {
        let record = Record::of("ada  plan=gold\troles=admin roles=staff%20member name=Zo%C3%AB%20%25 empty= note=a=b");
        assert_eq!(record.check(), Ok(None));
        for (name, value) in [
            ("id", Some("ada")),
            ("plan", Some("gold")),
            ("roles", Some(r#"["admin","staff member"]"#)),
            ("name", Some("Zoë %")),
            ("empty", Some("")),
            ("note", Some("a=b")),
            ("ada", None),
            ("role", None),
        ] {
            assert_eq!(record.get(name).as_deref(), value, "{name}");
        }
        assert_eq!(Record::of("ada expires=2027-01-01T00:00:00Z").check(), Ok(Some(1_798_761_600)));
    }

    #[test]
    fn what_is_wrong_with_a_record_is_said() {
        let long = format!("ada note={}", "x".repeat(LONGEST));
        let wide = "x".repeat(256);
        for (text, words) in [
            ("", "the id is missing"),
            ("-", "`-` is no id"),
            ("plan=gold", "the id is missing before `plan=gold`"),
            (wide.as_str(), "more than 255 bytes"),
            ("ada\u{1}", "control characters"),
            ("ada gold", "`gold` is no `name=value`"),
            ("ada =gold", "`` is no name"),
            ("ada pl/an=gold", "`pl/an` is no name"),
            ("ada id=eve", "`id` stands before"),
            ("ada plan=100%", "the value of `plan` has an escape that is none"),
            ("ada plan=%+1", "escape"),
            ("ada plan=%ff", "escape"),
            ("ada plan=a%0Ab", "control characters"),
            ("ada expires=2027-01-01", "`2027-01-01` is no time; write it as 2027-01-01T00:00:00Z"),
            ("ada expires=2027-01-01T00:00:00Z expires=2028-01-01T00:00:00Z", "twice"),
            (long.as_str(), "at most 4 KiB"),
        ] {
            let why = Record::of(text).check().unwrap_err();
            assert!(why.contains(words) && why.len() < 200, "{text}: {why}");
        }
        assert!(check_id("ada lovelace").is_err());
    }

    #[test]
    fn a_value_is_the_same_after_it_was_one_word() {
        for value in ["gold", "", "a b\t\r\n\u{c}", "100%", "%20", "[\"a b\",\"c%\"]", "Zoë"] {
            let word = encoded(value);
            assert!(!word.contains(|letter: char| letter.is_ascii_whitespace()), "{word}");
            assert_eq!(decoded(&word).as_deref(), Some(value));
        }
    }
}
