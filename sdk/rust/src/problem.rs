//! Problem details (RFC 9457): an answer that says in JSON what is wrong, for programs.

use crate::Reply;

/// A problem in the making.
///
/// ```
/// use weir::problem::{Problem, quoted};
/// use weir::{Request, Result, testing::Host};
///
/// #[derive(Default)]
/// struct NoName;
///
/// #[weir::filter]
/// impl NoName {
///     fn on_request(&self, _request: &Request) -> Result {
///         let error = [r#"[{"pointer":"#, &quoted("#/name"), "}]"].concat();
///         Problem::new(400).detail("A \"name\" is missing").member("errors", &error).into_reply().send("no-name")
///     }
/// }
///
/// let mut host = Host::new();
/// host.on_request(&NoName);
/// let reply = host.reply.unwrap();
/// assert_eq!(reply.get("content-type"), Some("application/problem+json"));
/// assert_eq!(
///     reply.text(),
///     Some(concat!(
///         r##"{"type":"about:blank","title":"Bad Request","status":400,"detail":"A \"name\" is missing","##,
///         r##""errors":[{"pointer":"#/name"}]}"##,
///     ))
/// );
/// ```
#[derive(Debug)]
#[must_use = "a problem is told by `into_reply().send(code)`"]
pub struct Problem {
    status: u16,
    kind: String,
    title: String,
    members: String,
}

impl Problem {
    /// A problem without a type of its own: its title is the status's phrase.
    pub fn new(status: u16) -> Self {
        Self { status, kind: "about:blank".to_owned(), title: phrase(status).to_owned(), members: String::new() }
    }

    /// The problem's type, a URI, and its title, which is the same for all problems of the type.
    pub fn kind(mut self, uri: impl Into<String>, title: impl Into<String>) -> Self {
        (self.kind, self.title) = (uri.into(), title.into());
        self
    }

    /// What is wrong this time, for people.
    pub fn detail(self, detail: &str) -> Self {
        let detail = quoted(detail);
        self.member("detail", &detail)
    }

    /// A member more, whose value is this JSON.
    pub fn member(mut self, name: &str, json: &str) -> Self {
        self.members.push_str(&[",", &quoted(name), ":", json].concat());
        self
    }

    /// The answer.
    pub fn into_reply(self) -> Reply {
        let Self { status, kind, title, members } = self;
        let number = status.to_string();
        let body =
            ["{\"type\":", &quoted(&kind), ",\"title\":", &quoted(&title), ",\"status\":", &number, &members, "}"];
        Reply::new(status).header("content-type", "application/problem+json").body(body.concat())
    }
}

/// The text as JSON.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\0'..='\u{1f}' => {
                let digit = |number: u32| char::from_digit(number, 16).unwrap_or('0');
                quoted.push_str("\\u00");
                quoted.extend([digit(u32::from(character) >> 4), digit(u32::from(character) & 15)]);
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// The usual words for a status.
fn phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        status if status < 500 => "The request cannot be served",
        _ => "The server cannot answer",
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn every_text_is_a_json_text_again() {
        let all: String = ('\0'..'\u{300}').chain("\u{2028}\u{1F600}\u{7f}".chars()).collect();
        assert_eq!(serde_json::from_str::<String>(&quoted(&all)).unwrap(), all);
    }
}
