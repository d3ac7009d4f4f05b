//! Where a value comes from, as operators write it everywhere: `client.ip`, `header:x`, `query:x`, `cookie:x`, `path`,
//! `upstream.path`, `method`, otherwise a variable, as `user.id`.

use crate::escape::decoded;
use crate::{Request, exchange, fields};

/// A value's source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// `client.ip`: the client's address.
    ClientIp,
    /// `method`: the request's method.
    Method,
    /// `path`: the path that the client asked for.
    Path,
    /// `upstream.path`: the path without the prefix that the route takes off.
    UpstreamPath,
    /// `header:NAME`: the first value of a field of the request.
    Header(String),
    /// `query:NAME`: the first value of a parameter, decoded.
    Query(String),
    /// `cookie:NAME`: the first value of a cookie.
    Cookie(String),
    /// A variable of the exchange, set by a filter before this one.
    Var(String),
}

const KNOWN: &str =
    "there are client.ip, method, path, upstream.path, header:NAME, query:NAME, cookie:NAME and variables, as user.id";

impl Source {
    /// Reads a source as it is written, or says what is wrong with it.
    ///
    /// ```
    /// use weir::source::Source;
    ///
    /// assert_eq!(Source::parse("header:X-Key"), Ok(Source::Header("X-Key".into())));
    /// assert_eq!(Source::parse("user.id"), Ok(Source::Var("user.id".into())));
    /// assert!(Source::parse("clientip").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, String> {
        let unknown = || Err(["there is no value `", text, "`; ", KNOWN].concat());
        Ok(match (text, text.split_once(':')) {
            ("client.ip", _) => Self::ClientIp,
            ("method", _) => Self::Method,
            ("path", _) => Self::Path,
            ("upstream.path", _) => Self::UpstreamPath,
            (_, Some(("header", name))) if fields::is_name(name) => Self::Header(name.to_owned()),
            (_, Some(("query", name))) if !name.is_empty() => Self::Query(name.to_owned()),
            // The names of cookies are tokens, too (RFC 6265, 4.1.1).
            (_, Some(("cookie", name))) if fields::is_name(name) => Self::Cookie(name.to_owned()),
            (_, Some(("header" | "query" | "cookie", name))) => {
                return Err(["`", name, "` is not a name that can stand in `", text, "`"].concat());
            }
            (_, None) if is_var(text) => Self::Var(text.to_owned()),
            _ => return unknown(),
        })
    }

    /// The value in the current exchange; what is not UTF-8 in it becomes U+FFFD. `None` if it is not there.
    pub fn read(&self, request: &Request) -> Option<String> {
        match self {
            Self::ClientIp => Some(exchange::client_address()),
            Self::Method => Some(request.method()),
            Self::Path => Some(request.path()),
            Self::UpstreamPath => Some(request.upstream_path()),
            Self::Header(name) => request.header(name).map(lossy),
            Self::Query(name) => parameter(&request.query()?, name),
            Self::Cookie(name) => {
                request.header_values("cookie").into_iter().find_map(|line| cookie(&lossy(line), name))
            }
            Self::Var(name) => exchange::var(name),
        }
    }
}

/// Whether this is a variable's name: words joined by dots. What has no dot is nobody's, and what begins as the words
/// above is misspelt.
fn is_var(text: &str) -> bool {
    let is_word = |word: &str| {
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
        !word.is_empty() && word.bytes().all(is_part)
    };
    text.len() <= 64
        && text.contains('.')
        && text.split('.').all(is_word)
        && !["client.", "upstream."].iter().any(|own| text.starts_with(own))
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The first value of a parameter, decoded as forms are.
fn parameter(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (!pair.is_empty() && decoded(key) == name.as_bytes()).then(|| lossy(decoded(value)))
    })
}

fn cookie(line: &str, name: &str) -> Option<String> {
    line.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::Source;
    use crate::testing::Host;

    fn read(host: &mut Host, source: &str) -> Option<String> {
        let source = Source::parse(source).unwrap();
        host.enter(|| source.read(&crate::head::request()))
    }

    #[test]
    fn every_source_is_read() {
        let mut host = Host::new();
        host.request.method("PUT").path("/a%20b").query("a=1&b=x%20y+z&b=2&%63=3&d&e=%zz%4");
        host.request
            .header("X-Key", b"k\xffz")
            .header("x-key", "2")
            .header("cookie", "a=1; b=\"2\"")
            .header("cookie", "c=3=4");
        host.vars.insert("user.id".into(), "ada".into());
        for (source, value) in [
            ("client.ip", Some("192.0.2.1")),
            ("method", Some("PUT")),
            ("path", Some("/a%20b")),
            ("upstream.path", Some("/a%20b")),
            ("header:x-key", Some("k\u{fffd}z")),
            ("header:x-none", None),
            ("query:b", Some("x y z")),
            ("query:c", Some("3")),
            ("query:d", Some("")),
            ("query:e", Some("%zz%4")),
            ("query:f", None),
            ("cookie:b", Some("\"2\"")),
            ("cookie:c", Some("3=4")),
            ("cookie:d", None),
            ("user.id", Some("ada")),
            ("user.name", None),
        ] {
            assert_eq!(read(&mut host, source).as_deref(), value, "{source}");
        }
        let mut bare = Host::new();
        assert_eq!(read(&mut bare, "query:a"), None);
    }

    #[test]
    fn what_is_no_source_is_told() {
        for text in [
            "",
            "ip",
            "client.address",
            "upstream.host",
            "header:",
            "header:x y",
            "query:",
            "cookie:a b",
            "User.Id",
            "user..id",
            "user.",
            "host:x",
            "path:x",
        ] {
            let said = Source::parse(text).unwrap_err();
            assert!(said.contains(&format!("`{text}`")), "{text}: {said}");
        }
        assert!(Source::parse("clientip").unwrap_err().contains("client.ip"));
    }
}
