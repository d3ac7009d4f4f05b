//! Why a message does not go on, and what is told of it: to clients by problem details (RFC 9457), to operators in the log.
//! No value of a message is ever told, only its place.

use weir::problem::{Problem, quoted};
use weir::{Error, Reply, exchange};

use crate::check::Misfit;
use crate::json::Unreadable;

/// Why a message does not go on.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// For metrics and records.
    pub(crate) code: &'static str,
    /// Of an answer to a request; none is what is configured.
    status: Option<u16>,
    /// For people, without anything of the message.
    detail: &'static str,
    /// What exactly.
    errors: Vec<Misfit>,
    /// A field that says how to do better.
    field: Option<(&'static str, String)>,
    /// Errors are about parameters of the query.
    is_query: bool,
}

/// How refusals are worded.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) status: u16,
    /// The type of problems, and its title.
    pub(crate) kind: Option<(String, String)>,
}

/// Of a pointer that is told: names in it are the client's.
const LONGEST_POINTER: usize = 256;

/// Of what is told to operators.
const MOST_IN_LOG: usize = 5;

impl Refusal {
    pub(crate) fn new(code: &'static str, detail: &'static str) -> Self {
        Self { code, status: None, detail, errors: Vec::new(), field: None, is_query: false }
    }

    fn status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    fn error(mut self, pointer: String, detail: String) -> Self {
        self.errors.push(Misfit { pointer, keyword: "", detail });
        self
    }

    pub(crate) fn unfit(errors: Vec<Misfit>) -> Self {
        Self { errors, ..Self::new("unfit", "The body does not fit its schema") }
    }

    pub(crate) fn query(errors: Vec<Misfit>) -> Self {
        Self { errors, is_query: true, ..Self::new("unfit-query", "The query does not fit its schema") }
    }

    pub(crate) fn too_complex() -> Self {
        Self::new("too-complex", "It takes too long to check this").status(413)
    }

    pub(crate) fn no_body() -> Self {
        Self::new("no-body", "A body is missing")
    }

    pub(crate) fn too_large() -> Self {
        Self::new("too-large", "The body is too long").status(413)
    }

    pub(crate) fn too_slow() -> Self {
        Self::new("too-slow", "The body did not come in time").status(408)
    }

    pub(crate) fn broken_off() -> Self {
        Self::new("broken-off", "The body broke off, or is damaged").status(400)
    }

    pub(crate) fn no_schema() -> Self {
        Self::new("no-schema", "Not available now").status(503)
    }

    pub(crate) fn wrong_type(accept: String) -> Self {
        let refusal = Self::new("wrong-type", "The body is of a type that is not taken here").status(415);
        Self { field: (!accept.is_empty()).then_some(("accept", accept)), ..refusal }
    }

    pub(crate) fn wrong_charset() -> Self {
        Self::new("wrong-charset", "JSON is written in UTF-8").status(415)
    }

    pub(crate) fn wrong_coding() -> Self {
        let field = Some(("accept-encoding", "gzip, br, zstd, deflate".to_owned()));
        Self { field, ..Self::new("wrong-coding", "The body has a coding that is not taken here").status(415) }
    }

    pub(crate) fn unreadable(why: Unreadable) -> Self {
        let malformed = || Self::new("malformed", "The body is not JSON");
        match why {
            Unreadable::Encoding(byte) => malformed().error(String::new(), format!("is not UTF-8 from byte {byte} on")),
            Unreadable::Syntax(what, byte) => malformed().error(String::new(), format!("{what}, before byte {byte}")),
            Unreadable::Deep => Self::new("too-deep", "The body is nested too deeply"),
            Unreadable::Large => Self::too_complex(),
            Unreadable::Duplicate(pointer) => Self::new("duplicate", "A member stands in the body more than once")
                .error(pointer, "stands in its object more than once".to_owned()),
        }
    }

    /// Whether the message is not whole, and cannot go on whatever anybody says.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self.code, "too-slow" | "broken-off")
    }

    /// For operators.
    pub(crate) fn in_words(&self) -> String {
        let mut words = self.detail.to_owned();
        for (index, Misfit { pointer, detail, .. }) in self.errors.iter().take(MOST_IN_LOG).enumerate() {
            words.push_str(if index == 0 { ": " } else { "; " });
            words.push_str(&[&self.place(pointer), " ", detail].concat());
        }
        words
    }

    fn place(&self, pointer: &str) -> String {
        if self.is_query { pointer.get(1..).unwrap_or_default().to_owned() } else { fragment(pointer) }
    }

    fn errors(&self) -> String {
        let name = if self.is_query { "parameter" } else { "pointer" };
        let error = |Misfit { pointer, keyword, detail }: &Misfit| {
            let keyword = if keyword.is_empty() { String::new() } else { [",\"keyword\":", &quoted(keyword)].concat() };
            ["{\"", name, "\":", &quoted(&self.place(pointer)), ",\"detail\":", &quoted(detail), &keyword, "}"].concat()
        };
        ["[", &self.errors.iter().map(error).collect::<Vec<_>>().join(","), "]"].concat()
    }
}

impl Answers {
    /// The answer to a request that is refused, as an error for `?`.
    pub(crate) fn request(&self, refusal: &Refusal) -> Error {
        let mut problem = self.problem(self.status_of(refusal)).detail(refusal.detail);
        if !refusal.errors.is_empty() {
            problem = problem.member("errors", &refusal.errors());
        }
        let mut reply = identified(problem);
        if let Some((name, value)) = &refusal.field {
            reply = reply.header(*name, value.as_str());
        }
        if refusal.status == Some(503) {
            reply = reply.header("retry-after", "5");
        }
        reply.detail(refusal.in_words()).error(refusal.code)
    }

    pub(crate) fn status_of(&self, refusal: &Refusal) -> u16 {
        refusal.status.unwrap_or(self.status)
    }

    /// What stands in for a response that does not go on: what is wrong with it is nothing to the client.
    pub(crate) fn response(refusal: &Refusal) -> Error {
        let status = match refusal.status {
            Some(503) => 503,
            Some(408) => 504,
            _ => 502,
        };
        let problem = Problem::new(status).detail("The answer of the server behind is not as it should be");
        identified(problem).detail(refusal.in_words()).error(refusal.code)
    }

    fn problem(&self, status: u16) -> Problem {
        let problem = Problem::new(status);
        match &self.kind {
            Some((uri, title)) => problem.kind(uri.as_str(), title.as_str()),
            None => problem,
        }
    }
}

/// With the id by which an operator finds the exchange.
fn identified(problem: Problem) -> Reply {
    problem.member("request_id", &quoted(&exchange::id())).into_reply().header("cache-control", "no-store")
}

/// A pointer as a URI's fragment (RFC 6901, 6), as RFC 9457's example has it.
fn fragment(pointer: &str) -> String {
    let mut fragment = "#".to_owned();
    for byte in pointer.bytes() {
        if fragment.len() > LONGEST_POINTER {
            fragment.push_str("...");
            break;
        }
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&byte) {
            fragment.push(char::from(byte));
        } else {
            let digit = |number: u8| char::from_digit(number.into(), 16).unwrap_or('0').to_ascii_uppercase();
            fragment.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    fragment
}
