//! Validators: compressed, a response has a weak one (RFC 9110, 8.8.1), for its bytes are others than the upstream's.

use weir::{Refusal, Request};

/// Gives the upstream its own tags in `If-Match`: it compares them strongly, and would never find the weak one that the
/// client got through this filter. If the upstream's own tag is weak, it does not match either way.
pub(crate) fn restore(request: &mut Request) -> Result<(), Refusal> {
    let Some(first) = request.header("if-match") else { return Ok(()) };
    let values = request.header_values("if-match");
    if !values.iter().any(|value| is_weak_somewhere(value)) {
        return Ok(());
    }
    // A list in several fields is the same list in one.
    let joined = if values.len() > 1 { values.join(&b", "[..]) } else { first };
    request.set_header("if-match", strong(&joined))
}

/// Whether the client holds this tag, which is a strong one, as a weak one: what it got was compressed.
pub(crate) fn is_held_weakly(values: &[Vec<u8>], tag: &[u8]) -> bool {
    tag.starts_with(b"\"") && values.iter().any(|value| weak_tags(value).any(|weak| weak == tag))
}

fn is_weak_somewhere(value: &[u8]) -> bool {
    weak_tags(value).next().is_some()
}

/// The tags of a list that are weak, without what says so.
fn weak_tags(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    tags(value).filter(|(is_weak, _)| *is_weak).map(|(_, tag)| tag)
}

/// The same list without `W/`.
fn strong(value: &[u8]) -> Vec<u8> {
    tags(value).map(|(_, tag)| tag).collect::<Vec<_>>().join(&b", "[..])
}

/// Tags with their quotes, and whether each is weak. Commas may stand inside of one.
fn tags(value: &[u8]) -> impl Iterator<Item = (bool, &[u8])> {
    let mut rest = value;
    std::iter::from_fn(move || {
        let start = rest.iter().position(|byte| *byte == b'"')?;
        let end = start + 2 + rest[start + 1..].iter().position(|byte| *byte == b'"')?;
        let (is_weak, tag) = (rest[..start].ends_with(b"W/"), &rest[start..end]);
        rest = &rest[end..];
        Some((is_weak, tag))
    })
}
