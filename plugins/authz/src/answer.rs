//! What those who are refused are told. Nothing of rules, roles or decisions is in it.

use weir::{Reply, Result, exchange};

/// How refusals are worded.
pub(crate) struct Answers {
    pub(crate) status: u16,
    pub(crate) message: String,
    pub(crate) challenge: Option<String>,
}

/// Why a request does not go on.
#[derive(Debug)]
pub(crate) enum Refusal<'a> {
    /// A rule denies it.
    Denied(&'a str),
    /// No rule allows it.
    NoRule(String),
    /// The endpoint denies it, with a reason and fields for the client.
    Policy(String, Vec<(String, String)>),
    /// The path can be read in more than one way.
    Ambiguous(String),
    /// A header names another method.
    Override(&'static str),
    /// The endpoint decided nothing.
    Failed(String),
}

impl Refusal<'_> {
    /// For counting and for records.
    fn code(&self) -> &'static str {
        match self {
            Self::Denied(_) => "denied",
            Self::NoRule(_) => "no-rule",
            Self::Policy(..) => "policy-denied",
            Self::Ambiguous(_) => "ambiguous-path",
            Self::Override(_) => "method-override",
            Self::Failed(_) => "policy-failed",
        }
    }

    /// For operators.
    fn detail(&self) -> String {
        match self {
            Self::Denied(rule) => ["the rule `", rule, "` denies it"].concat(),
            Self::NoRule(why) | Self::Ambiguous(why) | Self::Failed(why) => why.clone(),
            Self::Policy(reason, _) if reason.is_empty() => "the policy endpoint denies it".to_owned(),
            Self::Policy(reason, _) => ["the policy endpoint denies it: ", reason].concat(),
            Self::Override(name) => ["the header `", name, "` names another method than the request's"].concat(),
        }
    }
}

impl Answers {
    fn status(&self, refusal: &Refusal<'_>) -> u16 {
        match refusal {
            Refusal::Ambiguous(_) | Refusal::Override(_) => 400,
            Refusal::Failed(_) => 503,
            _ if self.challenge.is_some() && exchange::var("user.id").is_none() => 401,
            _ => self.status,
        }
    }

    /// Refuses.
    pub(crate) fn send(&self, refusal: Refusal<'_>) -> Result {
        let (status, code, detail) = (self.status(&refusal), refusal.code(), refusal.detail());
        let message = match status {
            503 => "Not available now",
            _ if matches!(refusal, Refusal::Ambiguous(_) | Refusal::Override(_)) => "Bad request",
            _ => &self.message,
        };
        let mut reply = Reply::new(status).header("cache-control", "no-store").text([message, "\n"].concat());
        match (status, &self.challenge) {
            (503, _) => reply = reply.header("retry-after", "1"),
            (401, Some(challenge)) => reply = reply.header("www-authenticate", challenge.as_str()),
            _ => {}
        }
        if let Refusal::Policy(_, headers) = refusal {
            reply = headers.into_iter().fold(reply, |reply, (name, value)| reply.header(name, value));
        }
        reply.detail(detail).send(code)
    }

    /// Says what would have been.
    pub(crate) fn tell(&self, refusal: &Refusal<'_>) {
        let status = self.status(refusal);
        weir::info!("would refuse with {status} ({}): {}", refusal.code(), refusal.detail());
        exchange::note("would-refuse");
    }
}
