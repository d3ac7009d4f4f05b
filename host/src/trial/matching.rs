//! Whether what came is what was to come, and both in words.

use serde_json::Value;

use crate::config::cases::Match;

/// Whether values are as they are to be: those of a field, or the one of something else.
pub(super) fn fits(wanted: &Match, values: &[&[u8]]) -> bool {
    let only = |is: &dyn Fn(&[u8]) -> bool| matches!(values, [value] if is(value));
    match wanted {
        Match::Is(text) => only(&|value| value == text.as_bytes()),
        Match::Bytes(bytes) => only(&|value| value == *bytes),
        Match::Each(texts) => {
            values.len() == texts.len() && values.iter().zip(texts).all(|(value, text)| *value == text.as_bytes())
        }
        Match::Any => !values.is_empty(),
        Match::Absent => values.is_empty(),
        Match::Like(pattern) => values.iter().any(|value| is_like(value, pattern.as_bytes())),
        Match::Contains(parts) => parts.iter().all(|part| values.iter().any(|value| holds(value, part.as_bytes()))),
        Match::Json(json) => only(&|value| serde_json::from_slice::<Value>(value).is_ok_and(|value| value == *json)),
        Match::Not(text) => values.iter().all(|value| *value != text.as_bytes()),
    }
}

/// Whether a value is such a pattern, in which `*` stands for anything.
fn is_like(value: &[u8], pattern: &[u8]) -> bool {
    let mut parts = pattern.split(|byte| *byte == b'*');
    let Some(mut rest) = parts.next().and_then(|first| value.strip_prefix(first)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match find(rest, part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn holds(value: &[u8], part: &[u8]) -> bool {
    find(value, part).is_some()
}

fn find(value: &[u8], part: &[u8]) -> Option<usize> {
    if part.is_empty() { Some(0) } else { value.windows(part.len()).position(|window| window == part) }
}

/// What was to come.
pub(super) fn expected(wanted: &Match) -> String {
    match wanted {
        Match::Is(text) => text.clone(),
        Match::Each(texts) => list(texts.iter().map(String::as_str)),
        Match::Any => "anything".to_owned(),
        Match::Absent => "nothing".to_owned(),
        Match::Like(pattern) => format!("like `{pattern}`"),
        Match::Contains(parts) => format!("with {} in it", list(parts.iter().map(String::as_str))),
        Match::Json(json) => pretty(json),
        Match::Bytes(bytes) => hex(bytes),
        Match::Not(text) => format!("anything but `{text}`"),
    }
}

/// What came, as it is best compared with what was to come.
pub(super) fn got(wanted: &Match, values: &[&[u8]]) -> String {
    let one = |value: &[u8]| match (wanted, serde_json::from_slice::<Value>(value)) {
        (Match::Json(_), Ok(json)) => pretty(&json),
        (Match::Bytes(_), _) => hex(value),
        _ => String::from_utf8_lossy(value).into_owned(),
    };
    match values {
        [] => "nothing".to_owned(),
        [value] => one(value),
        several => list(several.iter().map(|value| String::from_utf8_lossy(value).into_owned())),
    }
}

/// `a`, `b`
pub(super) fn list(texts: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let texts: Vec<String> = texts.into_iter().map(|text| format!("`{}`", text.as_ref())).collect();
    if texts.is_empty() { "none".to_owned() } else { texts.join(", ") }
}

fn pretty(json: &Value) -> String {
    format!("{json:#}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        for (value, pattern, is) in [
            ("max-age=60", "max-age=*", true),
            ("max-age=60", "*=*", true),
            ("max-age=60", "*age*60", true),
            ("max-age=60", "max-age=60", true),
            ("max-age=60", "max-age", false),
            ("max-age=60", "*60*60", false),
            ("", "*", true),
            ("ab", "a*b", true),
            ("a", "a*a", false),
        ] {
            assert_eq!(is_like(value.as_bytes(), pattern.as_bytes()), is, "{value} {pattern}");
        }
    }
}
