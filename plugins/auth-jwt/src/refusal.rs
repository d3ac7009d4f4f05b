//! Why a request does not go on, and what its client is told of that: what RFC 6750 has words for, and nothing more.

use weir::{Reply, Result};

/// What the client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Nobody said who asks.
    NoToken,
    /// More than one did, or in no form that there is.
    InvalidRequest,
    /// It is not a token that counts here.
    InvalidToken,
    /// It counts, but is not for this; for want of these scopes, if that is it.
    Forbidden(Option<String>),
    /// Nobody can say now.
    Unavailable,
}

/// A refusal, for the client and for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) told: Told,
    /// The reason's code.
    pub(crate) code: &'static str,
    /// Never the token; of what was not proven nothing but the key's id.
    pub(crate) detail: String,
}

impl Refusal {
    /// A token that does not count.
    pub(crate) fn token(code: &'static str, detail: impl Into<String>) -> Self {
        Self { told: Told::InvalidToken, code, detail: detail.into() }
    }

    /// A token in which something is wrong that no issuer makes.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::token("malformed-token", detail)
    }

    /// Nothing is there that the token could be checked with.
    pub(crate) fn no_keys(detail: &str) -> Self {
        Self { told: Told::Unavailable, code: "no-keys", detail: detail.to_owned() }
    }

    /// Answers with it.
    pub(crate) fn answer(&self, realm: &str) -> Result {
        let (status, words, challenge) = match &self.told {
            Told::NoToken => (401, "Unauthorized\n", Some(String::new())),
            Told::InvalidRequest => (400, "Bad Request\n", Some(error("invalid_request"))),
            Told::InvalidToken => (401, "Unauthorized\n", Some(error("invalid_token"))),
            Told::Forbidden(Some(scopes)) => {
                let challenge = [&error("insufficient_scope"), ", scope=\"", scopes, "\""].concat();
                (403, "Forbidden\n", Some(challenge))
            }
            Told::Forbidden(None) => (403, "Forbidden\n", None),
            Told::Unavailable => (503, "Not available now\n", None),
        };
        let mut reply = Reply::new(status).header("cache-control", "no-store");
        if let Some(error) = challenge {
            reply = reply.header("www-authenticate", ["Bearer realm=\"", realm, "\"", &error].concat());
        }
        if self.told == Told::Unavailable {
            reply = reply.header("retry-after", "5");
        }
        reply.text(words).detail(self.detail.as_str()).send(self.code)
    }
}

fn error(code: &str) -> String {
    [", error=\"", code, "\""].concat()
}

/// What a stranger wrote, short and visible, for the log.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 64;
    let mut shown: String =
        text.chars().take(LONGEST).map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push_str("...");
    }
    shown
}
