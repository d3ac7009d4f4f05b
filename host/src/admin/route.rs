//! A row of the table of what the address answers: the request, who may send it, and what comes back.
//!
//! Requests are matched by it, `Allow` and the document of the API are made of it.

use std::pin::Pin;

use http::{Method, StatusCode};
use serde_json::Value;

use super::asked::Asked;
use super::reply::{Answer, Refusal};
use super::schema::{Shapes, Shown};

/// An answer to come.
pub(super) type Answering = Pin<Box<dyn Future<Output = Result<Answer, Refusal>>>>;

/// What answers a request.
pub(super) type Handler = fn(Asked) -> Answering;

/// One row.
pub(super) struct Route {
    pub(super) method: Method,
    /// `/upstreams/{upstream}`: what stands in braces is one segment, decoded.
    pub(super) path: &'static str,
    /// What it does, in a sentence.
    pub(super) words: &'static str,
    /// In the query, or in braces in the path.
    pub(super) parameters: &'static [Parameter],
    pub(super) takes: Takes,
    pub(super) gives: Gives,
    /// Statuses besides the good one and those that every request can get, and when.
    pub(super) refuses: &'static [(StatusCode, &'static str)],
    /// What else can be asked with what the answer says.
    pub(super) leads_to: &'static [Link],
    /// Whether it says in a view of its own what it refuses as 422 or 503, and not as a problem.
    pub(super) views_refusals: bool,
    /// Whether probes ask it, which may need no token.
    pub(super) is_probe: bool,
    pub(super) handler: Handler,
}

/// From an answer to another request.
#[derive(Debug)]
pub(super) struct Link {
    /// The other request, as the API's document names it.
    pub(super) operation: &'static str,
    /// Its parameters, each with the JSON pointer of its value in the answer.
    pub(super) parameters: &'static [(&'static str, &'static str)],
}

/// A parameter.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) words: &'static str,
    pub(super) kind: Kind,
    pub(super) is_required: bool,
}

/// What a parameter must be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Anything.
    Text,
    /// A text that begins with a slash: what URLs are made of.
    Path,
    /// A word as methods are.
    Token,
    /// A whole number from the first to the second.
    Number(u64, u64),
    /// One of these.
    Word(&'static [&'static str]),
    /// A SHA-256 digest in hexadecimal.
    Digest,
}

/// What a request's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// There is none.
    Nothing,
    /// `{}` as JSON: an order without details, in a form that no page of a browser can send.
    Order,
    /// Bytes of one of these content types, at most so many; the handler reads them.
    Bytes(&'static [&'static str], usize),
}

/// What the good answer is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Gives {
    /// JSON of this schema.
    Json(fn(&mut Shapes) -> Value),
    /// Text of this content type.
    Text(&'static str),
}

impl Route {
    /// What only tells.
    pub(super) const fn get<T: Shown>(path: &'static str, words: &'static str, handler: Handler) -> Self {
        Self::new(Method::GET, path, words, Takes::Nothing, Gives::Json(T::schema), handler)
    }

    /// What changes something.
    pub(super) const fn post<T: Shown>(path: &'static str, words: &'static str, handler: Handler) -> Self {
        Self::new(Method::POST, path, words, Takes::Order, Gives::Json(T::schema), handler)
    }

    pub(super) const fn new(
        method: Method,
        path: &'static str,
        words: &'static str,
        takes: Takes,
        gives: Gives,
        handler: Handler,
    ) -> Self {
        Self {
            method,
            path,
            words,
            parameters: &[],
            takes,
            gives,
            refuses: &[],
            leads_to: &[],
            views_refusals: true,
            is_probe: false,
            handler,
        }
    }

    /// The same with parameters.
    pub(super) const fn with(mut self, parameters: &'static [Parameter]) -> Self {
        self.parameters = parameters;
        self
    }

    /// The same with further statuses.
    pub(super) const fn refuses(mut self, refuses: &'static [(StatusCode, &'static str)]) -> Self {
        self.refuses = refuses;
        self
    }

    /// The same with links.
    pub(super) const fn leads_to(mut self, links: &'static [Link]) -> Self {
        self.leads_to = links;
        self
    }

    /// The same, but all that it refuses is told as a problem.
    pub(super) const fn problems(mut self) -> Self {
        self.views_refusals = false;
        self
    }

    /// The same for probes.
    pub(super) const fn probe(mut self) -> Self {
        self.is_probe = true;
        self
    }

    /// What stands in the path for its parameters, if it is this one.
    pub(super) fn matches(&self, path: &str) -> Option<Vec<(&'static str, String)>> {
        let (mut wanted, mut segments) = (self.path.split('/'), path.split('/'));
        let mut captured = Vec::new();
        loop {
            match (wanted.next(), segments.next()) {
                (None, None) => return Some(captured),
                (Some(wanted), Some(segment)) => {
                    match wanted.strip_prefix('{').and_then(|wanted| wanted.strip_suffix('}')) {
                        Some(name) if !segment.is_empty() => {
                            captured.push((name, super::asked::decode(segment, false)?));
                        }
                        None if wanted == segment => {}
                        _ => return None,
                    }
                }
                _ => return None,
            }
        }
    }

    /// Those of its parameters that stand in the path, and those in the query.
    pub(super) fn is_in_path(&self, parameter: &Parameter) -> bool {
        self.path.contains(&format!("{{{}}}", parameter.name))
    }
}

impl Parameter {
    /// One that may be left out.
    pub(super) const fn optional(name: &'static str, kind: Kind, words: &'static str) -> Self {
        Self { name, words, kind, is_required: false }
    }

    /// One that must be there.
    pub(super) const fn required(name: &'static str, kind: Kind, words: &'static str) -> Self {
        Self { name, words, kind, is_required: true }
    }

    /// What is wrong with a value.
    pub(super) fn refuse(&self, value: &str) -> Option<String> {
        let name = self.name;
        match self.kind {
            Kind::Path if !is_target(value) => {
                Some(format!("`{name}` begins with a slash and is made of what URLs are, as in {name}=/users/7"))
            }
            Kind::Token if !is_token(value) => Some(format!("`{name}` is made of capital letters, as in {name}=GET")),
            Kind::Word(words) if !words.contains(&value) => Some(format!("`{name}` is one of: {}", words.join(", "))),
            Kind::Digest if value.len() != 64 || !value.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
                Some(format!("`{name}` is 64 hexadecimal digits; `sha256sum FILE` prints them"))
            }
            Kind::Number(least, most)
                if !is_number(value) || !value.parse().is_ok_and(|number| (least..=most).contains(&number)) =>
            {
                Some(format!("`{name}` is a whole number from {least} to {most}"))
            }
            _ => None,
        }
    }
}

/// Path and query of a URL.
fn is_target(value: &str) -> bool {
    value.starts_with('/') && value.bytes().all(|byte| byte.is_ascii_graphic() && !b"#\"<>\\^`{|}".contains(&byte))
}

fn is_token(value: &str) -> bool {
    (1..=32).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// `+5` is one for Rust only.
fn is_number(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_digit())
}
