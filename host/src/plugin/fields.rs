//! Header fields as filters may read and change them; the same for requests and responses.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::bindings::Refusal;

/// Fields of one head; far beyond what peers take.
const MOST_FIELDS: usize = 256;

/// Bytes of one value.
const LONGEST_VALUE: usize = 64 << 10;

pub(super) fn first(headers: &HeaderMap, name: &str) -> Option<Vec<u8>> {
    headers.get(name).map(|value| value.as_bytes().to_vec())
}

/// An error if there are several.
pub(super) fn sole(headers: &HeaderMap, name: &str) -> Result<Option<Vec<u8>>, ()> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(|value| value.as_bytes().to_vec());
    if values.next().is_none() { Ok(value) } else { Err(()) }
}

pub(super) fn values(headers: &HeaderMap, name: &str) -> Vec<Vec<u8>> {
    headers.get_all(name).iter().map(|value| value.as_bytes().to_vec()).collect()
}

pub(super) fn all(headers: &HeaderMap, most: u32) -> Vec<(String, Vec<u8>)> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    headers.iter().take(most).map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

pub(super) fn set(headers: &mut HeaderMap, (name, value): (HeaderName, HeaderValue)) -> Result<(), Refusal> {
    room(headers)?;
    headers.insert(name, value);
    Ok(())
}

pub(super) fn append(headers: &mut HeaderMap, (name, value): (HeaderName, HeaderValue)) -> Result<(), Refusal> {
    room(headers)?;
    headers.append(name, value);
    Ok(())
}

/// A field that a filter may write.
pub(super) fn parse(name: &str, value: &[u8]) -> Result<(HeaderName, HeaderValue), Refusal> {
    if value.len() > LONGEST_VALUE {
        return Err(Refusal::TooLarge);
    }
    Ok((editable(name)?, HeaderValue::from_bytes(value).map_err(|_| Refusal::InvalidValue)?))
}

fn room(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers.len() < MOST_FIELDS { Ok(()) } else { Err(Refusal::TooLarge) }
}

/// A name whose field belongs to the message's meaning; what frames the message is the host's.
pub(super) fn editable(name: &str) -> Result<HeaderName, Refusal> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Refusal::InvalidName)?;
    let forbidden = [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::HOST,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ];
    if forbidden.contains(&name) || matches!(name.as_str(), "keep-alive" | "proxy-connection") {
        return Err(Refusal::Forbidden);
    }
    Ok(name)
}
