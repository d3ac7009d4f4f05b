//! `auth-key`: lets in who shows an API key, and says whose it is. Only hashes of keys are kept.

mod answer;
mod config;
mod hash;
mod keys;
mod moment;
mod place;
mod query;
mod record;
mod table;
mod text;

use answer::Refused;
use config::Config;
use keys::{Found, Keys};
use place::{Place, Shown};
use table::Key;
use weir::crypto::{self, Hash};
use weir::identity::Mapping;
use weir::{Faults, Flow, Request, Result, Resumed, clock};

struct AuthKey {
    keys: Keys,
    places: Vec<Place>,
    mapping: Mapping<String>,
    is_optional: bool,
    is_forwarded: bool,
    realm: String,
}

/// A key that was shown.
struct Presented<'a> {
    bytes: Vec<u8>,
    place: &'a Place,
}

/// Of a key: what has more is none, and is not hashed.
const LONGEST: usize = 512;

#[weir::filter]
impl AuthKey {
    fn configure(config: Config) -> std::result::Result<Self, Faults> {
        let mut faults = Faults::default();
        let filter = config.into_filter(&mut faults);
        faults.or(filter)
    }

    fn on_request(&self, request: &mut Request) -> Result {
        self.conceal(request)?;
        self.judge(request, false)
    }

    /// The file has been asked for; or there is time to read on.
    fn on_resume(&self, resumed: &mut Resumed) -> Result {
        self.judge(&mut resumed.request, true)
    }
}

impl AuthKey {
    /// Whatever comes of it: a key in a query goes nowhere.
    fn conceal(&self, request: &mut Request) -> Result<()> {
        for place in &self.places {
            if let Place::Query(name) = place {
                request.conceal_parameter(name)?;
            }
        }
        Ok(())
    }

    fn judge(&self, request: &mut Request, has_waited: bool) -> Result {
        let Some(key) = self.presented(request)? else {
            return if self.is_optional { Ok(Flow::Next) } else { Err(self.refuse(&Refused::NoKey)) };
        };
        if key.bytes.len() > LONGEST {
            return Err(self.refuse(&Refused::TooLong));
        }
        let hash = crypto::digest(Hash::Sha256, &key.bytes);
        match self.keys.find(&hash, |found| self.admit(request, &key, &found))? {
            Found::Key(admitted) => admitted,
            Found::Unknown => Err(self.refuse(&Refused::Unknown)),
            Found::Missing(_) if has_waited => Err(self.refuse(&Refused::NoFile)),
            Found::Missing(document) | Found::Reading(document) => document.refresh(),
        }
    }

    /// The one key of the request.
    fn presented(&self, request: &Request) -> Result<Option<Presented<'_>>> {
        let mut presented = None;
        for place in &self.places {
            match place.look(request) {
                Shown::Nothing => {}
                Shown::Key(bytes) if presented.is_none() => presented = Some(Presented { bytes, place }),
                Shown::Key(_) | Shown::Several => return Err(self.refuse(&Refused::Several)),
            }
        }
        Ok(presented)
    }

    fn admit(&self, request: &mut Request, presented: &Presented<'_>, key: &Key<'_>) -> Result {
        if key.expires.is_some_and(|expires| clock::now().as_secs() >= expires) {
            return Err(self.refuse(&Refused::Expired(key.record.id())));
        }
        if !self.is_forwarded {
            presented.place.clear(request)?;
        }
        self.mapping.tell(request, "key", |name| key.record.get(name))?;
        Ok(Flow::Next)
    }
}

#[cfg(test)]
mod tests;
