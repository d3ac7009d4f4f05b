//! `auth-introspect`: asks an authorization server whether a token is good (OAuth 2.0 token introspection, RFC 7662), and
//! tells the filters that follow and the upstream whose it is. What cannot be known is refused.

mod config;
mod endpoint;
mod identity;
mod json;
mod known;
mod pace;
mod places;
mod refusals;
mod requirements;
mod text;
mod written;

use config::Config;
use endpoint::Endpoint;
use identity::Identity;
use known::{Known, State};
use pace::{Leave, Pace};
use places::{Place, Seen};
use refusals::Refusals;
use requirements::Requirements;
use weir::{Faults, Flow, Request, Result, clock, exchange};

struct AuthIntrospect {
    places: Vec<Place>,
    is_optional: bool,
    is_forwarded: bool,
    endpoint: Endpoint,
    known: Known,
    pace: Pace,
    requirements: Requirements,
    identity: Identity,
    refusals: Refusals,
    /// The claims that are used, by name or JSON Pointer.
    used: Vec<String>,
}

#[weir::filter]
impl AuthIntrospect {
    fn configure(config: Config) -> std::result::Result<Self, Faults> {
        let mut faults = Faults::default();
        let filter = config.into_filter(&mut faults);
        faults.or(filter)
    }

    fn on_request(&self, request: &mut Request) -> Result {
        match places::look(&self.places, request)? {
            Seen::Nothing if self.is_optional => {
                exchange::note("anonymous");
                Ok(Flow::Next)
            }
            Seen::Nothing => self.refusals.anonymous(),
            Seen::Unclear(why) => self.refusals.unclear(why),
            Seen::NoToken(why) => self.refusals.invalid("malformed-token", why),
            Seen::Token(token, place) => self.decide(&token, place, request),
        }
    }
}

impl AuthIntrospect {
    fn decide(&self, token: &str, place: &Place, request: &mut Request) -> Result {
        let key = self.known.key(&self.endpoint.client, token)?;
        let state = match self.known.find(&key) {
            Some(State::Failed) => {
                return refusals::unknown("introspection-failed", "it failed for this token a moment ago", "1");
            }
            Some(state) => state,
            None => match self.pace.leave(&self.known.store, &key) {
                Leave::Ask { is_doubtful } => match self.ask(token, &key, is_doubtful) {
                    Ok(state) => state,
                    Err(detail) => return refusals::unknown("introspection-failed", &detail, "5"),
                },
                Leave::TooMany => {
                    let detail = "more tokens are new in this second than `rate` allows";
                    return refusals::unknown("introspection-limited", detail, "1");
                }
                Leave::Resting => {
                    let detail = "the endpoint has failed five times in a row; one request in a second tries it";
                    return refusals::unknown("introspection-failed", detail, "5");
                }
            },
        };
        let State::Active(claims) = state else {
            return self.refusals.invalid("token-inactive", "the endpoint calls it inactive");
        };
        if let Err(unfit) = self.requirements.check(&claims, clock::now()) {
            return self.refusals.unfit(&unfit);
        }
        let texts = match self.identity.texts(&claims) {
            Ok(texts) => texts,
            Err(claim) => return refusals::too_long(claim),
        };
        self.identity.tell(request, &texts)?;
        if !self.is_forwarded {
            place.take_out(request)?;
        }
        Ok(Flow::Next)
    }

    /// Asks the endpoint and keeps what it says; or why that is not known.
    fn ask(&self, token: &str, key: &str, is_doubtful: bool) -> std::result::Result<State, String> {
        let store = &self.known.store;
        let told = self.endpoint.ask(token, key);
        let now = clock::now();
        let told = match told {
            Ok(told) => told,
            Err(failure) => {
                self.known.keep(key, &State::Failed, None, now);
                if failure.is_outage {
                    Pace::failed(store, key);
                } else {
                    Pace::answered(store, key, is_doubtful);
                }
                return Err(failure.detail);
            }
        };
        let state = match told.active {
            Some(answer) => State::Active(identity::used(&answer, &self.used)),
            None => State::Inactive,
        };
        self.known.keep(key, &state, told.keep, now);
        Pace::answered(store, key, is_doubtful);
        Ok(state)
    }
}

#[cfg(test)]
mod tests;
