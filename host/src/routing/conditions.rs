//! What must be true of a request besides its host and path.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::Asked;
use crate::config::{Conditions, Wanted};

/// Why a route does not match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// Its path is another.
    Path,
    /// Everything else fits.
    Method,
    /// This field.
    Header(HeaderName),
    /// This parameter.
    Query(String),
}

/// The method that routes see: a CORS preflight is matched as what it asks about.
pub(super) fn method<'a>(asked: &Asked<'a>) -> Cow<'a, Method> {
    if *asked.method == Method::OPTIONS
        && asked.headers.contains_key(header::ORIGIN)
        && let Some(wanted) = asked.headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)
        && let Ok(wanted) = Method::from_bytes(wanted.as_bytes())
    {
        return Cow::Owned(wanted);
    }
    Cow::Borrowed(asked.method)
}

/// What does not fit. The method is looked at last: where everything else fits, the answer is 405.
pub(super) fn mismatch(conditions: &Conditions, asked: &Asked<'_>, method: &Method) -> Option<Mismatch> {
    if let Some((name, _)) = conditions.headers.iter().find(|(name, wanted)| !has_field(asked.headers, name, wanted)) {
        return Some(Mismatch::Header(name.clone()));
    }
    if let Some((name, _)) = conditions.query.iter().find(|(name, wanted)| !has_parameter(asked.query, name, wanted)) {
        return Some(Mismatch::Query(name.clone()));
    }
    let methods = &conditions.methods;
    let fits =
        methods.is_empty() || methods.contains(method) || *method == Method::HEAD && methods.contains(&Method::GET);
    (!fits).then_some(Mismatch::Method)
}

/// Adds what a route would take, for `Allow`.
pub(super) fn allow(conditions: &Conditions, allowed: &mut Vec<Method>) {
    let implied = conditions.methods.contains(&Method::GET).then_some(Method::HEAD);
    for method in conditions.methods.iter().cloned().chain(implied) {
        if !allowed.contains(&method) {
            allowed.push(method);
        }
    }
}

fn has_field(headers: &HeaderMap, name: &HeaderName, wanted: &Wanted<HeaderValue>) -> bool {
    let mut values = headers.get_all(name).iter();
    match (wanted, values.next()) {
        (Wanted::None, first) => first.is_none(),
        (Wanted::Any, first) => first.is_some(),
        (Wanted::Is(wanted), first) => first == Some(wanted) && values.next().is_none(),
    }
}

fn has_parameter(query: Option<&str>, name: &str, wanted: &Wanted<String>) -> bool {
    let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let mut values = pairs.filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(key) == name.as_bytes()).then(|| decoded(value))
    });
    match (wanted, values.next()) {
        (Wanted::None, first) => first.is_none(),
        (Wanted::Any, first) => first.is_some(),
        (Wanted::Is(wanted), first) => first.is_some_and(|first| first == wanted.as_bytes()) && values.next().is_none(),
    }
}

/// As forms are encoded: `+` is a space, `%XX` a byte; what is no escape stays.
fn decoded(text: &str) -> Cow<'_, [u8]> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text.as_bytes());
    }
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let (bytes, mut decoded, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while at < bytes.len() {
        let (byte, length) = match (bytes[at], digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'+', ..) => (b' ', 1),
            (b'%', Some(high), Some(low)) => (u8::try_from(high * 16 + low).unwrap_or_default(), 3),
            (byte, ..) => (byte, 1),
        };
        decoded.push(byte);
        at += length;
    }
    Cow::Owned(decoded)
}
