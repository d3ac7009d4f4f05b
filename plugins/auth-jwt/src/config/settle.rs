//! From what is written to the filter; what is wrong with it is noted, all of it.

mod issuer;

use std::collections::BTreeMap;

use weir::memo::Memo;
use weir::{Faults, fields, setup};

use super::Config;
use crate::AuthJwt;
use crate::credential::Place;
use crate::identity::{METHOD, Mapping};
use crate::issuer::Issuers;
use crate::path::Path;

/// Issuers of one entry.
const MOST_ISSUERS: usize = 32;

/// Verified tokens of one worker, and what they may take of an instance's memory.
const MOST_CACHED: u32 = 100_000;
const CACHE: usize = 4 << 20;

/// Variables, or fields, that are set from claims.
const MOST_MAPPED: usize = 32;

impl Config {
    /// The filter; what is wrong is noted.
    pub(crate) fn into_filter(self, faults: &mut Faults) -> AuthJwt {
        let issuers = self.issuers(faults);
        // It stands in quotes.
        let is_word = |byte: u8| matches!(byte, b' '..=b'~') && !b"\"\\".contains(&byte);
        if self.realm.len() > 128 || !self.realm.bytes().all(is_word) {
            faults.at("/realm", "a realm is up to 128 visible characters of ASCII, without `\"` and `\\`");
        }
        if self.cache > MOST_CACHED {
            faults.at("/cache", "at most 100000 tokens are kept");
        }
        let places = places(&self.from, faults);
        for name in self.headers.keys() {
            let is_same = |place: &Place| matches!(place, Place::Header(of) if of.eq_ignore_ascii_case(name));
            if places.iter().any(is_same) {
                let at = ["/headers/", &escaped(name)].concat();
                faults.at(&at, "clients send their token in this field (`from`); choose another");
            }
        }
        AuthJwt {
            places,
            is_optional: self.optional,
            mapping: Mapping { vars: vars(self.claims, faults), headers: headers(self.headers, faults) },
            is_forwarded: self.forward,
            realm: self.realm,
            cache: Memo::new(self.cache as usize, CACHE).into(),
            issuers,
        }
    }

    fn issuers(&self, faults: &mut Faults) -> Issuers {
        if self.issuers.is_empty() {
            return Issuers::of(issuer::alone(self, faults).into_iter().collect());
        }
        let above =
            [("/jwks", self.jwks.is_some()), ("/secret", self.secret.is_some()), ("/issuer", self.issuer.is_some())];
        for (pointer, _) in above.into_iter().filter(|(_, is_there)| *is_there) {
            faults.at(pointer, "with `issuers` this stands with each of them");
        }
        if self.issuers.len() > MOST_ISSUERS {
            faults.at("/issuers", "there are at most 32 issuers");
        }
        let mut settled = Vec::new();
        for (index, written) in self.issuers.iter().enumerate() {
            if self.issuers.iter().take(index).any(|other| other.issuer == written.issuer) {
                faults.at(&["/issuers/", &index.to_string(), "/issuer"].concat(), "this issuer stands here twice");
            }
            settled.extend(issuer::one_of(self, written, index, faults));
        }
        Issuers::of(settled)
    }
}

fn places(written: &[String], faults: &mut Faults) -> Vec<Place> {
    if written.is_empty() {
        faults.at("/from", "nothing says where a token may stand");
    }
    let mut places: Vec<Place> = Vec::new();
    for (index, written) in written.iter().enumerate() {
        let at = ["/from/", &index.to_string()].concat();
        match Place::parse(written) {
            Ok(place) if places.contains(&place) => faults.at(&at, "this place stands here twice"),
            Ok(place) => places.push(place),
            Err(why) => faults.at(&at, &why),
        }
    }
    places
}

/// Variables and the claims that they are set from.
fn vars(written: Option<BTreeMap<String, String>>, faults: &mut Faults) -> Vec<(String, Path)> {
    let written = written.unwrap_or_else(|| {
        let usual = [("user.id", "sub"), ("auth.roles", "roles"), ("auth.role", "role"), ("auth.scope", "scope")];
        usual.into_iter().map(|(name, claim)| (name.to_owned(), claim.to_owned())).collect()
    });
    mapped(written, "claims", faults, |name| match name {
        METHOD => Err("this variable says how the identity was proven; it is always `jwt`"),
        _ if is_var(name) => Ok(()),
        _ => Err("this is no variable: words of a-z, 0-9, _ and -, joined by dots, at most 64 characters"),
    })
}

/// Fields and the claims that they are set from. They are the filter's own: clients cannot send them.
fn headers(written: BTreeMap<String, String>, faults: &mut Faults) -> Vec<(String, Path)> {
    for name in written.keys() {
        let at = ["/headers/", &escaped(name)].concat();
        let before = faults.iter().count();
        fields::check_name(faults, &at, name);
        if name.eq_ignore_ascii_case("authorization") || name.eq_ignore_ascii_case("cookie") {
            faults.at(&at, "this field has credentials of clients; choose another, as `x-user-id`");
        }
        if faults.iter().count() == before
            && let Err(refusal) = setup::own_header(name)
        {
            faults.at(&at, &["the host does not keep clients from sending it: ", refusal.name()].concat());
        }
    }
    mapped(written, "headers", faults, |_| Ok(()))
}

fn mapped(
    written: BTreeMap<String, String>,
    key: &str,
    faults: &mut Faults,
    check: impl Fn(&str) -> Result<(), &'static str>,
) -> Vec<(String, Path)> {
    if written.len() > MOST_MAPPED {
        faults.at(&["/", key].concat(), "there are at most 32 here");
    }
    let mut mapped = Vec::new();
    for (name, claim) in written {
        let at = ["/", key, "/", &escaped(&name)].concat();
        match (check(&name), Path::parse(&claim)) {
            (Ok(()), Ok(path)) => mapped.push((name, path)),
            (name, path) => {
                for why in [name.err(), path.err()].into_iter().flatten() {
                    faults.at(&at, why);
                }
            }
        }
    }
    mapped
}

/// As a token of a JSON Pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// As the contract has it.
fn is_var(name: &str) -> bool {
    let is_word = |word: &str| {
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
        !word.is_empty() && word.bytes().all(is_part)
    };
    name.len() <= 64 && name.contains('.') && name.split('.').all(is_word)
}
