//! The policy endpoint: a server of the operator's that is asked whether a request may go on.
//!
//! What cannot be understood is never an allowance. Knows nothing of rules, nor of what the client is told.

mod answer;
mod decision;
mod freshness;
mod question;
mod written;

pub(crate) use decision::Decision;
pub(crate) use written::Written;

use std::time::Duration;

use question::Question;
use weir::crypto::{Hash, digest};
use weir::metrics::Counter;
use weir::{Error, Request, Store, Upstream};

use crate::caller::{Caller, Names};

/// Of a decision with its fields.
const LARGEST_ANSWER: u32 = 64 << 10;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The endpoint, and what it is told.
pub(crate) struct Endpoint {
    upstream: Upstream,
    path: String,
    timeout: Duration,
    /// No decision is kept for longer.
    longest: Duration,
    store: Store,
    question: Question,
    /// Names of fields that decisions may give to the upstream, and to the client; in small letters.
    forwarded: Vec<String>,
    answered: Vec<String>,
    /// What else a decision that is kept depends on.
    identity: String,
    decisions: Counter<2>,
}

/// What came of asking.
pub(crate) enum Said {
    Decision(Decision),
    /// There is none, and why.
    Failed(String),
}

impl Endpoint {
    /// Asks, unless the decision is known still.
    pub(crate) fn ask(&self, request: &Request, names: &Names, caller: &Caller<'_>) -> Result<Said, Error> {
        let body = self.question.ask(request, names, caller)?;
        let key = self.key(&body);
        if let Some(known) = self.known(&key) {
            self.count(&known, "cache");
            return Ok(Said::Decision(known));
        }
        let call = self.upstream.post(self.path.as_str()).header("content-type", "application/json");
        let call = call.header("accept", "application/json").timeout(self.timeout).max_body(LARGEST_ANSWER);
        let answer = match call.body(body).send_shared(&key) {
            Ok(answer) => answer,
            Err(error) => return Ok(self.failed(&["the request to it ended so: ", error.name()])),
        };
        let decision = match Decision::read(&answer, &self.forwarded, &self.answered) {
            Ok(decision) => decision,
            Err(why) => return Ok(self.failed(&[&why])),
        };
        if let Some(lifetime) = freshness::lifetime(&answer) {
            self.keep(&key, &decision, lifetime.min(self.longest));
        }
        self.count(&decision, "endpoint");
        Ok(Said::Decision(decision))
    }

    fn failed(&self, why: &[&str]) -> Said {
        self.decisions.add(["failed", "endpoint"], 1);
        Said::Failed(["`", self.upstream.name(), "` decided nothing: ", &why.concat()].concat())
    }

    fn count(&self, decision: &Decision, from: &str) {
        self.decisions.add([if decision.allow { "allowed" } else { "denied" }, from], 1);
    }

    /// What names a question with all that its decision depends on.
    fn key(&self, body: &[u8]) -> String {
        let hash = digest(Hash::Sha256, &[self.identity.as_bytes(), body].concat());
        let digit = |half: u8| char::from(HEX[usize::from(half & 15)]);
        hash.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
    }

    /// A decision that is kept. A store that does not answer keeps none: the endpoint can still be asked.
    fn known(&self, key: &str) -> Option<Decision> {
        if self.longest.is_zero() {
            return None;
        }
        match self.store.get(key) {
            Ok(kept) => kept.as_deref().and_then(Decision::of_kept),
            Err(error) => {
                weir::warn!("decisions are not read from the store `{}`: {}", self.store.name(), error.name());
                None
            }
        }
    }

    fn keep(&self, key: &str, decision: &Decision, lifetime: Duration) {
        if lifetime.is_zero() {
            return;
        }
        let Ok(kept) = decision.to_kept() else { return };
        if let Err(error) = self.store.set(key, kept, Some(lifetime)) {
            weir::warn!("decisions are not kept in the store `{}`: {}", self.store.name(), error.name());
        }
    }
}
