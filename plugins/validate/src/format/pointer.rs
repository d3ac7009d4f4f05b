//! Pointers into JSON (RFC 6901, and relative ones).

pub(super) fn is_pointer(text: &str) -> bool {
    let is_escaped = |token: &str| token.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    text.is_empty() || text.starts_with('/') && is_escaped(text)
}

pub(super) fn is_relative(text: &str) -> bool {
    let rest = text.trim_start_matches(|character: char| character.is_ascii_digit());
    let number = text.get(..text.len() - rest.len()).unwrap_or_default();
    let is_number = !number.is_empty() && (number == "0" || !number.starts_with('0'));
    is_number && (rest == "#" || is_pointer(rest))
}
