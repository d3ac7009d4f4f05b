//! Where in a request a token stands. It is read there, told apart from what is no token, and taken out of what goes to the
//! upstream.

use weir::source::Source;
use weir::{Request, Result, Several};

use crate::text::decoded;

/// One place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `Authorization: Bearer ...`
    Bearer,
    Header(String),
    Query(String),
    Cookie(String),
}

/// What stands in all the places together.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen<'a> {
    Nothing,
    Token(String, &'a Place),
    /// It cannot be said which token counts, or there is none where one was begun: why.
    Unclear(&'static str),
    /// Something that cannot be a token: why.
    NoToken(&'static str),
}

/// Bytes of a token.
pub(crate) const LONGEST: usize = 8 << 10;

/// Bytes of a parameter's name: longer ones cannot be concealed.
const LONGEST_NAME: usize = 256;

impl Place {
    /// Reads a place as it is written, or says what is wrong with it.
    pub(crate) fn parse(text: &str) -> std::result::Result<Self, String> {
        match Source::parse(text) {
            _ if text == "bearer" => Ok(Self::Bearer),
            Ok(Source::Header(name)) if name.eq_ignore_ascii_case("authorization") => {
                Err("write `bearer` for the token of `Authorization`".to_owned())
            }
            Ok(Source::Header(name)) if name.eq_ignore_ascii_case("cookie") => {
                Err("write `cookie:NAME` for a cookie".to_owned())
            }
            Ok(Source::Header(name)) => Ok(Self::Header(name)),
            Ok(Source::Query(name)) if name.len() > LONGEST_NAME => {
                Err("a parameter's name has at most 256 bytes".to_owned())
            }
            Ok(Source::Query(name)) => Ok(Self::Query(name)),
            Ok(Source::Cookie(name)) => Ok(Self::Cookie(name)),
            _ => {
                Err(["no token can stand in `", text, "`; bearer, header:NAME, query:NAME and cookie:NAME are places"]
                    .concat())
            }
        }
    }

    /// What stands there: the values, or what is wrong.
    fn read(&self, request: &Request) -> std::result::Result<Vec<Vec<u8>>, &'static str> {
        match self {
            Self::Bearer => match request.sole_header("authorization") {
                Ok(field) => field.map_or(Ok(Vec::new()), |field| bearer(&field)),
                Err(Several) => Err("there are two fields `Authorization`"),
            },
            Self::Header(name) => Ok(request.header_values(name)),
            Self::Query(name) => {
                let query = request.query().unwrap_or_default();
                let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
                Ok(pairs.filter(|(key, _)| decoded(key) == name.as_bytes()).map(|(_, value)| decoded(value)).collect())
            }
            Self::Cookie(name) => {
                let lines = request.header_values("cookie");
                let pairs = lines.iter().flat_map(|line| cookies(line));
                Ok(pairs.filter(|pair| is_named(pair, name)).map(value).collect())
            }
        }
    }

    /// Takes the token out of what goes to the upstream. One in a query is gone already.
    pub(crate) fn take_out(&self, request: &mut Request) -> Result<()> {
        match self {
            Self::Bearer => request.remove_header("authorization")?,
            Self::Header(name) => request.remove_header(name)?,
            Self::Query(_) => {}
            Self::Cookie(name) => {
                let mut rest: Vec<u8> = Vec::new();
                for line in request.header_values("cookie") {
                    for pair in cookies(&line).filter(|pair| !pair.is_empty() && !is_named(pair, name)) {
                        if !rest.is_empty() {
                            rest.extend_from_slice(b"; ");
                        }
                        rest.extend_from_slice(pair);
                    }
                }
                if rest.is_empty() {
                    request.remove_header("cookie")?;
                } else {
                    request.set_header("cookie", rest)?;
                }
            }
        }
        Ok(())
    }
}

/// Looks for a token in all the places. What stands in a query goes neither to the upstream nor into any record, whatever
/// becomes of the request.
pub(crate) fn look<'a>(places: &'a [Place], request: &mut Request) -> Result<Seen<'a>> {
    let mut seen = Seen::Nothing;
    for place in places {
        let values = place.read(request);
        if let Place::Query(name) = place
            && values.as_ref().is_ok_and(|values| !values.is_empty())
        {
            request.conceal_parameter(name)?;
        }
        let found = match values {
            Err(why) => Seen::Unclear(why),
            Ok(values) if values.len() > 1 => Seen::Unclear("there are two tokens in one place"),
            // Browsers keep empty cookies, and forms send empty fields.
            Ok(values) => match values.into_iter().next().filter(|value| !value.is_empty()) {
                Some(value) => token(value).map_or_else(Seen::NoToken, |token| Seen::Token(token, place)),
                None => continue,
            },
        };
        seen = match seen {
            Seen::Nothing => found,
            Seen::Unclear(_) => seen,
            _ => Seen::Unclear("there are tokens in two places"),
        };
    }
    Ok(seen)
}

/// The tokens in these fields `Authorization`.
fn bearer(field: &[u8]) -> std::result::Result<Vec<Vec<u8>>, &'static str> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let length = field.iter().take_while(|byte| is_part(byte)).count();
    let (scheme, rest) = field.split_at_checked(length).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Ok(Vec::new());
    }
    // Another separator is one for some servers: what they would take for a token must not go on as none.
    let token = rest.strip_prefix(b" ").map(<[u8]>::trim_ascii).filter(|token| !token.is_empty());
    token.map(|token| vec![token.to_vec()]).ok_or("no token follows `Bearer`")
}

/// The token, if it is one by RFC 6750: what else there is would have to be escaped on its way.
fn token(bytes: Vec<u8>) -> std::result::Result<String, &'static str> {
    if bytes.len() > LONGEST {
        return Err("it is longer than 8 KiB");
    }
    let padding = bytes.iter().rev().take_while(|byte| **byte == b'=').count();
    let rest = bytes.get(..bytes.len() - padding).unwrap_or_default();
    let is_token = !rest.is_empty() && rest.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(byte));
    String::from_utf8(bytes).ok().filter(|_| is_token).ok_or("it has characters that no token has")
}

/// The pairs of a field `Cookie`.
fn cookies(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| *byte == b';').map(<[u8]>::trim_ascii)
}

fn is_named(pair: &[u8], name: &str) -> bool {
    pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii_end() == name.as_bytes()
}

fn value(pair: &[u8]) -> Vec<u8> {
    let behind = pair.iter().position(|byte| *byte == b'=').map_or(pair.len(), |place| place + 1);
    pair.get(behind..).unwrap_or_default().trim_ascii_start().to_vec()
}
