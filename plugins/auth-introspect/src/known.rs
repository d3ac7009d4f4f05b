//! What is known of tokens: answers of the endpoint, kept in the store for all workers. A token itself is never in it, only a
//! digest; of an answer only what is used.

use std::time::Duration;

use weir::{Refusal, Store};

use crate::endpoint::Client;
use crate::json::Value;
use crate::requirements::date;
use crate::text::base64;

/// The store, and how long what stays in it.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) store: Store,
    pub(crate) active: Duration,
    pub(crate) inactive: Duration,
    /// What else an answer depends on: another configuration finds nothing of what this one kept.
    pub(crate) about: String,
}

/// What is known of a token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// With the claims that are used.
    Active(Value),
    Inactive,
    /// The endpoint failed over it a moment ago.
    Failed,
}

/// How long the endpoint is not asked again about a token that it failed over.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

const INACTIVE: &[u8] = b"inactive";
const FAILED: &[u8] = b"failed";

impl Known {
    /// Where a token's state is kept.
    pub(crate) fn key(&self, client: &Client, token: &str) -> Result<String, Refusal> {
        let data = [&self.about, "\0", token].concat();
        Ok(["token.", &base64(&client.digest(data.as_bytes())?)].concat())
    }

    /// What is known. A store that fails knows nothing: then the endpoint is asked.
    pub(crate) fn find(&self, key: &str) -> Option<State> {
        match self.store.get(key).ok()?? {
            value if value == INACTIVE => Some(State::Inactive),
            value if value == FAILED => Some(State::Failed),
            value => Value::read(&value).ok().map(State::Active),
        }
    }

    /// Keeps it, as long as this and the endpoint allow and never beyond the token's own end. What finds no room is asked
    /// about again.
    pub(crate) fn keep(&self, key: &str, state: &State, allowed: Option<Duration>, now: Duration) {
        let (value, most) = match state {
            State::Active(claims) => {
                let mut value = String::new();
                claims.write(&mut value);
                let most = match date(claims, "exp") {
                    Some(end) => self.active.min(end.saturating_sub(now)),
                    None => self.active,
                };
                (value.into_bytes(), most)
            }
            State::Inactive => (INACTIVE.to_vec(), self.inactive),
            State::Failed => (FAILED.to_vec(), PAUSE),
        };
        let time = allowed.map_or(most, |allowed| allowed.min(most));
        if time >= Duration::from_millis(1) {
            let _ = self.store.set(key, value, Some(time));
        }
    }
}
