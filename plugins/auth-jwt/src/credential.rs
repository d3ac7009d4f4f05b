//! Where a request carries its token, and taking it out of there.

use weir::source::Source;
use weir::{Request, Result, Several};

use crate::refusal::{Refusal, Told};

/// A place in which a token may stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `Authorization: Bearer`.
    Bearer,
    Header(String),
    Query(String),
    Cookie(String),
}

/// A token and where it stood.
#[derive(Debug)]
pub(crate) struct Credential<'a> {
    pub(crate) token: Vec<u8>,
    pub(crate) place: &'a Place,
}

const KNOWN: &str = "there are bearer, header:NAME, query:NAME and cookie:NAME";

impl Place {
    /// Reads a place as it is written, or says what is wrong with it.
    pub(crate) fn parse(text: &str) -> std::result::Result<Self, String> {
        match Source::parse(text) {
            _ if text == "bearer" => Ok(Self::Bearer),
            Ok(Source::Header(name)) if name.eq_ignore_ascii_case("authorization") => {
                Err("write `bearer` for the token in `Authorization`".to_owned())
            }
            Ok(Source::Header(name)) if name.eq_ignore_ascii_case("cookie") => {
                Err("write `cookie:NAME` for the token in a cookie".to_owned())
            }
            Ok(Source::Header(name)) => Ok(Self::Header(name.to_ascii_lowercase())),
            Ok(Source::Query(name)) => Ok(Self::Query(name)),
            Ok(Source::Cookie(name)) => Ok(Self::Cookie(name)),
            _ => Err(["a token cannot stand in `", text, "`; ", KNOWN].concat()),
        }
    }

    /// What stands here; empty ones are none. `Err` is more than one, or in no form that there is.
    fn find(&self, request: &Request) -> std::result::Result<Option<Vec<u8>>, &'static str> {
        match self {
            Self::Bearer => match request.sole_header("authorization") {
                Ok(value) => value.filter(|value| !value.is_empty()).map_or(Ok(None), bearer),
                Err(Several) => Err("there are two `Authorization` fields"),
            },
            Self::Header(name) => match request.sole_header(name) {
                Ok(value) => Ok(value.filter(|value| !value.is_empty())),
                Err(Several) => Err("there are two fields with a token"),
            },
            Self::Query(name) => {
                let query = request.query().unwrap_or_default();
                only(parameters(&query, name), "there are two parameters with a token")
            }
            Self::Cookie(name) => {
                let lines = request.header_values("cookie");
                only(cookies(&lines, name), "there are two cookies with a token")
            }
        }
    }

    /// Keeps the token from the upstream.
    pub(crate) fn take_out(&self, request: &mut Request) -> Result<()> {
        match self {
            Self::Bearer => request.remove_header("authorization")?,
            Self::Header(name) => request.remove_header(name)?,
            // One that is concealed never gets there.
            Self::Query(_) => {}
            Self::Cookie(name) => {
                let lines = request.header_values("cookie");
                request.remove_header("cookie")?;
                for line in lines {
                    let left = without(&line, name);
                    if !left.is_empty() {
                        request.append_header("cookie", left)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Keeps tokens that stand in the query from the upstream, the log and everywhere else; those that are refused, too.
pub(crate) fn conceal(places: &[Place], request: &mut Request) -> Result<()> {
    for place in places {
        if let Place::Query(name) = place
            && !parameters(&request.query().unwrap_or_default(), name).is_empty()
        {
            request.conceal_parameter(name)?;
        }
    }
    Ok(())
}

/// The one token of a request, in one of these places.
pub(crate) fn find<'a>(places: &'a [Place], request: &Request) -> std::result::Result<Option<Credential<'a>>, Refusal> {
    let invalid =
        |detail: &str| Refusal { told: Told::InvalidRequest, code: "invalid-request", detail: detail.to_owned() };
    let mut found: Option<Credential<'a>> = None;
    for place in places {
        if let Some(token) = place.find(request).map_err(invalid)? {
            if found.is_some() {
                return Err(invalid("there are tokens in two places"));
            }
            found = Some(Credential { token, place });
        }
    }
    Ok(found)
}

fn only(values: Vec<Vec<u8>>, otherwise: &'static str) -> std::result::Result<Option<Vec<u8>>, &'static str> {
    let mut values = values.into_iter();
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(otherwise),
        (value, None) => Ok(value.filter(|value| !value.is_empty())),
    }
}

impl Credential<'_> {
    /// What is to be said of a token that is refused: behind `Bearer` something may stand that is none of any kind (RFC 6750,
    /// 2.1), and then the request is at fault. Only those that are refused pay for looking.
    pub(crate) fn refused(&self, refusal: Refusal) -> Refusal {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte);
        if *self.place != Place::Bearer || refusal.told != Told::InvalidToken || self.token.iter().all(is_part) {
            return refusal;
        }
        invalid("what stands behind `Bearer` is no token")
    }
}

fn invalid(detail: &str) -> Refusal {
    Refusal { told: Told::InvalidRequest, code: "invalid-request", detail: detail.to_owned() }
}

/// The token of `Bearer TOKEN`. Another scheme is somebody else's.
fn bearer(mut value: Vec<u8>) -> std::result::Result<Option<Vec<u8>>, &'static str> {
    const SCHEME: &[u8] = b"bearer";
    let Some((scheme, rest)) = value.split_at_checked(SCHEME.len()) else { return Ok(None) };
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return Ok(None);
    }
    let token = match rest {
        [] | [b' ', ..] => rest.trim_ascii(),
        // A scheme that begins with the same letters.
        [next, ..] if next.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(next) => return Ok(None),
        // Some servers take what follows for a token, so it must not go on as if there were none.
        _ => return Err("what stands behind `Bearer` is no token"),
    };
    if token.is_empty() {
        return Err("there is no token behind `Bearer`");
    }
    let length = token.len();
    let start = value.len() - rest.trim_ascii_start().len();
    value.drain(..start);
    value.truncate(length);
    Ok(Some(value))
}

/// Every value of a parameter, decoded.
fn parameters(query: &str, name: &str) -> Vec<Vec<u8>> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let named = pairs.filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(key) == name.as_bytes()).then(|| decoded(value))
    });
    named.collect()
}

fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => hex(*high).zip(hex(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            bytes.push(high << 4 | low);
            rest = behind.get(2..).unwrap_or_default();
        } else {
            bytes.push(if *first == b'+' { b' ' } else { *first });
            rest = behind;
        }
    }
    bytes
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Every value of a cookie.
fn cookies(lines: &[Vec<u8>], name: &str) -> Vec<Vec<u8>> {
    let pairs = lines.iter().flat_map(|line| line.split(|byte| *byte == b';'));
    pairs.filter_map(|pair| named(pair, name).map(<[u8]>::to_vec)).collect()
}

/// The value of a cookie, if it has this name.
fn named<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    let (key, value) = pair.split_at_checked(equals)?;
    (key.trim_ascii() == name.as_bytes()).then(|| value.get(1..).unwrap_or_default().trim_ascii())
}

/// A line of cookies without those of this name.
fn without(line: &[u8], name: &str) -> Vec<u8> {
    let left: Vec<&[u8]> = line.split(|byte| *byte == b';').filter(|pair| named(pair, name).is_none()).collect();
    left.join(&b';').trim_ascii().to_vec()
}
