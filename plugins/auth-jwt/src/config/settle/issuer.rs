//! An issuer, from what is written about it and, where nothing is, above the list of issuers.

use std::time::Duration;

use weir::{Document, Faults, Secret};

use super::super::{Claim, Config, Issuer as Written};
use crate::algorithm::{Algorithm, Algorithms};
use crate::claims::{Required, Rules};
use crate::issuer::Issuer;
use crate::keys::{Keys, Set, Shared};
use crate::path::Path;

const LONGEST_LEEWAY: Duration = Duration::from_secs(300);

/// The host fetches no document more often.
const SHORTEST: Duration = Duration::from_secs(1);

/// The only issuer.
pub(super) fn alone(config: &Config, faults: &mut Faults) -> Option<Issuer> {
    let mut settling = Settling { config, own: None, at: String::new(), faults };
    settling.issuer(config.issuer.clone(), config.jwks.as_ref(), config.secret.as_ref())
}

/// One of several.
pub(super) fn one_of(config: &Config, own: &Written, index: usize, faults: &mut Faults) -> Option<Issuer> {
    let at = ["/issuers/", &index.to_string()].concat();
    let mut settling = Settling { config, own: Some(own), at, faults };
    settling.issuer(Some(own.issuer.clone()), own.jwks.as_ref(), own.secret.as_ref())
}

struct Settling<'a> {
    config: &'a Config,
    own: Option<&'a Written>,
    /// Where the issuer is written.
    at: String,
    faults: &'a mut Faults,
}

impl<'a> Settling<'a> {
    fn issuer(&mut self, name: Option<String>, jwks: Option<&Document>, secret: Option<&Secret>) -> Option<Issuer> {
        if name.as_ref().is_some_and(String::is_empty) {
            self.faults.at(&self.place("issuer"), "an issuer has a name");
        }
        let algorithms = self.algorithms(secret.is_some());
        let rules = self.rules(name);
        let keys = self.keys(jwks, secret);
        Some(Issuer { rules, algorithms, keys: keys? })
    }

    /// What is written with the issuer, or above; and where.
    fn pick<T>(&self, key: &str, own: impl Fn(&'a Written) -> Option<T>, above: T) -> (String, T) {
        match self.own.and_then(own) {
            Some(own) => (self.place(key), own),
            None => (["/", key].concat(), above),
        }
    }

    fn place(&self, key: &str) -> String {
        [&self.at, "/", key].concat()
    }

    /// What is wrong above the list is wrong for all in it, and is told once.
    fn fault(&mut self, at: &str, message: &str) {
        if !self.faults.iter().any(|fault| fault.pointer == at && fault.message == message) {
            self.faults.at(at, message);
        }
    }

    fn keys(&mut self, jwks: Option<&Document>, secret: Option<&Secret>) -> Option<Keys> {
        let (refresh_at, refresh) = self.pick("refresh", |own| own.refresh, self.config.refresh);
        let (refetch_at, refetch) = self.pick("refetch", |own| own.refetch, self.config.refetch);
        for (at, time) in [(refresh_at, refresh), (refetch_at, refetch)] {
            if time.get() < SHORTEST {
                self.fault(&at, "documents are fetched at most once in 1s");
            }
        }
        match (jwks, secret) {
            (Some(document), None) => {
                if let Err(refusal) = document.keep_fresh(refresh.get()) {
                    let words = ["the host does not keep it fresh: ", refusal.name()].concat();
                    self.faults.at(&self.place("jwks"), &words);
                }
                Some(Keys::Set(Set::of(document.clone(), refetch.get())))
            }
            (None, Some(secret)) => Some(Keys::Secret(Shared::of(secret.clone()))),
            (Some(_), Some(_)) => {
                self.faults.at(&self.place("secret"), "an issuer has `jwks` or `secret`, not both");
                None
            }
            (None, None) => {
                let at = self.at.clone();
                self.faults.at(&at, "nothing says what tokens are checked with; write `jwks` or `secret`");
                None
            }
        }
    }

    fn algorithms(&mut self, is_secret: bool) -> Algorithms {
        let (at, written) =
            self.pick("algorithms", |own| own.algorithms.as_ref().map(Some), self.config.algorithms.as_ref());
        let Some(written) = written else {
            return if is_secret { Algorithms::of(&[Algorithm::Hs256]) } else { Algorithms::PUBLIC };
        };
        if written.is_empty() {
            self.fault(&at, "no algorithm would do");
        }
        let algorithms = Algorithms::of(written);
        if is_secret && !algorithms.and(Algorithms::PUBLIC).is_empty() {
            self.fault(&at, "with `secret` there are HS256, HS384 and HS512");
        }
        algorithms
    }

    fn rules(&mut self, issuer: Option<String>) -> Rules {
        let config = self.config;
        let (leeway_at, leeway) = self.pick("leeway", |own| own.leeway, config.leeway);
        if leeway.get() > LONGEST_LEEWAY {
            self.fault(&leeway_at, "clocks may differ by at most 5m");
        }
        let (required_at, required) =
            self.pick("required_claims", |own| own.required_claims.as_deref(), config.required_claims.as_slice());
        let (_, audience) = self.pick("audience", |own| own.audience.as_deref(), config.audience.as_slice());
        let (_, typ) = self.pick("typ", |own| own.typ.as_deref(), config.typ.as_slice());
        let (_, max_age) = self.pick("max_age", |own| own.max_age.map(Some), config.max_age);
        let (_, requires_exp) = self.pick("require_exp", |own| own.require_exp, config.require_exp);
        Rules {
            issuer,
            audience: audience.to_vec(),
            typ: typ.to_vec(),
            leeway: leeway.get(),
            max_age: max_age.map(weir::config::Duration::get),
            requires_exp,
            required: self.required(&required_at, required),
        }
    }

    fn required(&mut self, at: &str, written: &[Claim]) -> Vec<Required> {
        let mut required = Vec::new();
        for (index, claim) in written.iter().enumerate() {
            let at = [at, "/", &index.to_string()].concat();
            match Path::parse(&claim.name) {
                Ok(path) => {
                    let claim = Required { path, values: claim.values.clone() };
                    if claim.is_scope() && !claim.values.iter().all(|scope| is_scope(scope)) {
                        self.fault(&at, "a scope is a word of visible ASCII without `\"` and `\\`");
                    }
                    required.push(claim);
                }
                Err(why) => self.fault(&at, why),
            }
        }
        required
    }
}

/// RFC 6749, 3.3: it is told to clients, in quotes.
fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte))
}
