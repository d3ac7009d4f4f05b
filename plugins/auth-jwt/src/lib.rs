//! `auth-jwt`: lets in who has a JSON Web Token (RFC 7519) of an issuer that is trusted, signed (RFC 7515) by a key of the
//! issuer's. Says to the filters that follow, and to the upstream, who that is.

mod algorithm;
mod base64;
mod claims;
mod config;
mod credential;
mod identity;
mod issuer;
mod json;
mod jwks;
mod keys;
mod path;
mod refusal;
mod token;

use std::cell::RefCell;

use config::Config;
use credential::{Credential, Place};
use identity::Mapping;
use issuer::{Issuers, Proven, Stop};
use keys::When;
use refusal::{Refusal, Told};
use weir::memo::Memo;
use weir::{Ended, Faults, Flow, Request, Result, Resumed, clock, exchange};

#[derive(Debug)]
struct AuthJwt {
    places: Vec<Place>,
    is_optional: bool,
    mapping: Mapping,
    is_forwarded: bool,
    realm: String,
    issuers: Issuers,
    /// What was found out about tokens, by the tokens.
    cache: RefCell<Memo<Proven>>,
}

#[weir::filter]
impl AuthJwt {
    fn configure(config: Config) -> std::result::Result<Self, Faults> {
        let mut faults = Faults::default();
        let filter = config.into_filter(&mut faults);
        faults.or(filter)
    }

    fn on_request(&self, request: &mut Request) -> Result {
        credential::conceal(&self.places, request)?;
        self.decide(request, None)
    }

    /// The keys have been asked for, and it is decided with what is there.
    fn on_resume(&self, resumed: &mut Resumed) -> Result {
        self.decide(&mut resumed.request, Some(resumed.outcome))
    }
}

impl AuthJwt {
    fn decide(&self, request: &mut Request, resumed: Option<Ended>) -> Result {
        let credential = match credential::find(&self.places, request) {
            Ok(Some(credential)) => credential,
            Ok(None) if self.is_optional => {
                exchange::note("anonymous");
                return Ok(Flow::Next);
            }
            Ok(None) => {
                let detail = "there is no token where it may stand".to_owned();
                return Refusal { told: Told::NoToken, code: "no-token", detail }.answer(&self.realm);
            }
            Err(refusal) => return refusal.answer(&self.realm),
        };
        let when = When { now: clock::now(), resumed };
        if self.is_known(&credential.token, request, when)? {
            return self.go_on(&credential, request);
        }
        match self.issuers.check(&credential.token, &self.mapping, when) {
            Ok(proven) => {
                self.mapping.apply(&proven.identity, request)?;
                self.keep(&credential.token, proven, when);
                self.go_on(&credential, request)
            }
            Err(Stop::Refused(refusal)) => credential.refused(refusal).answer(&self.realm),
            Err(Stop::Ask(document)) => document.refresh(),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    /// Whether the token was verified before, and that still holds; then what it says is set.
    fn is_known(&self, token: &[u8], request: &mut Request, when: When) -> Result<bool> {
        let mut cache = self.cache.borrow_mut();
        let Some(proven) = cache.get(token, when.now) else { return Ok(false) };
        if !self.issuers.stands(proven, when.now)? {
            cache.remove(token);
            return Ok(false);
        }
        self.mapping.apply(&proven.identity, request)?;
        Ok(true)
    }

    fn keep(&self, token: &[u8], proven: Proven, when: When) {
        let (bytes, until) = (proven.identity.bytes(), proven.span.until);
        self.cache.borrow_mut().insert(token, proven, bytes, until, when.now);
    }

    /// The chain goes on, with the token or without.
    fn go_on(&self, credential: &Credential<'_>, request: &mut Request) -> Result {
        if !self.is_forwarded {
            credential.place.take_out(request)?;
        }
        Ok(Flow::Next)
    }
}

#[cfg(test)]
mod tests;
