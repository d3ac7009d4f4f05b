//! What must be true of a request besides its host and path.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::Asked;
use crate::config::{Conditions, Wanted};
use crate::query::{decoded, parameters};

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
    let pairs = query.into_iter().flat_map(parameters).filter(|(key, value)| !key.is_empty() || value.is_some());
    let named = pairs.filter(|(key, _)| decoded(key) == name.as_bytes());
    let mut values = named.map(|(_, value)| decoded(value.unwrap_or_default()));
    match (wanted, values.next()) {
        (Wanted::None, first) => first.is_none(),
        (Wanted::Any, first) => first.is_some(),
        (Wanted::Is(wanted), first) => first.is_some_and(|first| first == wanted.as_bytes()) && values.next().is_none(),
    }
}
