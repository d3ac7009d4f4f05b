//! Lists in fields: items between commas, in one field or several.

/// The items of all values, without the spaces around them; empty ones are none. A value that is no text has none.
pub(crate) fn items(values: &[Vec<u8>]) -> impl Iterator<Item = &str> {
    let texts = values.iter().filter_map(|value| std::str::from_utf8(value).ok());
    texts.flat_map(|text| text.split(',')).map(str::trim_ascii).filter(|item| !item.is_empty())
}

/// Whether one of the items is this word, in any case.
pub(crate) fn has(values: &[Vec<u8>], word: &str) -> bool {
    items(values).any(|item| item.eq_ignore_ascii_case(word))
}
