//! Where clients put their keys, as operators write it: `header:x-api-key`, `bearer`, `header:authorization ApiKey`,
//! `query:api_key`, `cookie:session`.

use weir::source::Source;
use weir::{Refusal, Request, Several};

use crate::query;

/// The challenge's scheme for a place that has none of its own. None is registered for API keys.
pub(crate) const SCHEME: &str = "ApiKey";

/// Where a key may stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A field; behind a scheme, if one is written.
    Header { name: String, scheme: Option<String> },
    /// A parameter of the query.
    Query(String),
    /// A cookie.
    Cookie(String),
}

/// What stands in a place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Nothing,
    /// This, which may be a key.
    Key(Vec<u8>),
    /// More than one.
    Several,
}

const KNOWN: &str = "a key stands in `header:NAME`, `header:NAME SCHEME`, `bearer`, `query:NAME` or `cookie:NAME`, as `header:x-api-key`";

impl Place {
    /// Reads a place, or says what is wrong with it.
    pub(crate) fn parse(written: &str) -> Result<Self, String> {
        let (place, scheme) = match written {
            "bearer" => ("header:authorization", Some("Bearer")),
            _ => match written.split_once(' ') {
                Some((place, scheme)) => (place, Some(scheme)),
                None => (written, None),
            },
        };
        let is_scheme = |scheme: &str| {
            !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+".contains(&byte))
        };
        match (Source::parse(place), scheme) {
            (Ok(Source::Header(name)), None) => Ok(Self::Header { name, scheme: None }),
            (Ok(Source::Header(name)), Some(scheme)) if is_scheme(scheme) => {
                Ok(Self::Header { name, scheme: Some(scheme.to_owned()) })
            }
            (Ok(Source::Query(name)), None) => Ok(Self::Query(name)),
            (Ok(Source::Cookie(name)), None) => Ok(Self::Cookie(name)),
            _ => Err(["`", written, "` is no place for a key: ", KNOWN].concat()),
        }
    }

    /// The scheme that a challenge names for it.
    pub(crate) fn scheme(&self) -> &str {
        match self {
            Self::Header { scheme: Some(scheme), .. } => scheme,
            _ => SCHEME,
        }
    }

    /// Whether it is this field, in any spelling that a server may take for it.
    pub(crate) fn is_field(&self, other: &str) -> bool {
        let spelt = |name: &str| name.to_ascii_lowercase().replace(|sign: char| !sign.is_ascii_alphanumeric(), "-");
        match self {
            Self::Header { name, .. } => spelt(name) == spelt(other),
            Self::Cookie(_) => other.eq_ignore_ascii_case("cookie"),
            Self::Query(_) => false,
        }
    }

    /// What the request shows there.
    pub(crate) fn look(&self, request: &Request) -> Shown {
        match self {
            Self::Header { name, scheme } => {
                let value = match request.sole_header(name) {
                    Ok(Some(value)) => value,
                    Ok(None) => return Shown::Nothing,
                    Err(Several) => return Shown::Several,
                };
                match scheme {
                    Some(scheme) => behind(&value, scheme).map_or(Shown::Nothing, Shown::Key),
                    None => Shown::Key(value),
                }
            }
            Self::Query(name) => one(query::values(&request.query().unwrap_or_default(), name)),
            Self::Cookie(name) => {
                let fields = request.header_values("cookie");
                let pairs = fields.iter().flat_map(|field| pairs(field));
                one(pairs.filter_map(|pair| of_cookie(pair, name)).map(<[u8]>::to_vec))
            }
        }
    }

    /// Takes the key out of what goes to the upstream.
    pub(crate) fn clear(&self, request: &mut Request) -> Result<(), Refusal> {
        match self {
            Self::Header { name, .. } => request.remove_header(name),
            // Those are concealed before anything else is done.
            Self::Query(_) => Ok(()),
            Self::Cookie(name) => {
                let fields = request.header_values("cookie");
                let others =
                    fields.iter().flat_map(|field| pairs(field)).filter(|pair| of_cookie(pair, name).is_none());
                let others: Vec<&[u8]> = others.filter(|pair| !pair.is_empty()).collect();
                if others.is_empty() {
                    request.remove_header("cookie")
                } else {
                    request.set_header("cookie", others.join(&b"; "[..]))
                }
            }
        }
    }
}

/// The only one of them.
fn one(mut values: impl Iterator<Item = Vec<u8>>) -> Shown {
    match (values.next(), values.next()) {
        (None, _) => Shown::Nothing,
        (Some(value), None) => Shown::Key(value),
        _ => Shown::Several,
    }
}

/// What follows the scheme and spaces, if it is this scheme.
fn behind(value: &[u8], scheme: &str) -> Option<Vec<u8>> {
    let (first, rest) = value.split_at_checked(scheme.len())?;
    let is_it = first.eq_ignore_ascii_case(scheme.as_bytes()) && rest.first().is_none_or(|byte| *byte == b' ');
    is_it.then(|| rest.trim_ascii_start().to_vec())
}

fn pairs(field: &[u8]) -> impl Iterator<Item = &[u8]> {
    field.split(|byte| *byte == b';').map(<[u8]>::trim_ascii)
}

/// The value of a cookie, if the pair is of this name.
fn of_cookie<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    let (key, value) = pair.split_at_checked(equals)?;
    (key.trim_ascii_end() == name.as_bytes()).then(|| value.get(1..).unwrap_or_default().trim_ascii_start())
}
