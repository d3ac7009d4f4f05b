//! Those whose tokens are trusted, and the whole check of a token.

use std::time::Duration;

use weir::{Document, Error};

use crate::algorithm::Algorithms;
use crate::claims::{Rules, Span};
use crate::identity::{Identity, Mapping};
use crate::json::{self, Object};
use crate::keys::{Found, Keys, Signed, When};
use crate::refusal::Refusal;
use crate::token::{LastHeader, Parts, is_typ};

/// One who makes tokens.
#[derive(Debug)]
pub(crate) struct Issuer {
    pub(crate) rules: Rules,
    pub(crate) algorithms: Algorithms,
    pub(crate) keys: Keys,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Issuers {
    all: Vec<Issuer>,
    last_header: LastHeader,
}

/// A token that was checked.
#[derive(Debug)]
pub(crate) struct Proven {
    pub(crate) span: Span,
    pub(crate) identity: Identity,
    /// Whose it is, by index, and with which version of the keys that was found out.
    issuer: usize,
    version: u64,
}

/// Why a check has no result.
#[derive(Debug)]
pub(crate) enum Stop<'a> {
    Refused(Refusal),
    /// This is to be fetched anew first.
    Ask(&'a Document),
    Failed(Error),
}

impl From<Refusal> for Stop<'_> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Error> for Stop<'_> {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Issuers {
    pub(crate) fn of(issuers: Vec<Issuer>) -> Self {
        Self { all: issuers, last_header: LastHeader::default() }
    }

    /// Whether what was found out still holds: a key that was withdrawn must not count for tokens that were seen before.
    pub(crate) fn stands(&self, proven: &Proven, now: Duration) -> weir::Result<bool> {
        let Some(issuer) = self.all.get(proven.issuer) else { return Ok(false) };
        Ok(proven.span.has(now) && issuer.keys.version()? == proven.version)
    }

    /// Checks a token, what is cheap first.
    pub(crate) fn check(&self, token: &[u8], mapping: &Mapping, when: When) -> Result<Proven, Stop<'_>> {
        let parts = Parts::of(token)?;
        let header = self.last_header.read(parts.header)?;
        let claims = json::object(&parts.claims).map_err(|why| Refusal::malformed(["its claims: ", why].concat()))?;
        let (index, issuer) = self.of_token(&claims)?;
        if !issuer.algorithms.has(header.algorithm) {
            let detail =
                ["`", header.algorithm.name(), "` is none that this issuer's tokens may be signed with"].concat();
            return Err(Refusal::token("algorithm-not-allowed", detail).into());
        }
        let wanted = &issuer.rules.typ;
        if !wanted.is_empty() && !header.typ.as_ref().is_some_and(|typ| wanted.iter().any(|wanted| is_typ(wanted, typ)))
        {
            return Err(Refusal::token("wrong-type", "`typ` in its header is another one, or missing").into());
        }
        let span = issuer.rules.check(&claims, when.now)?;
        // Looked at before the keys: if they change meanwhile, what was found out does not stand.
        let version = issuer.keys.version()?;
        let signed = Signed { message: parts.message, signature: &parts.signature };
        let mut found = issuer.keys.check(&header, signed, when)?;
        if matches!(found, Found::TooManyKeys) {
            // Those that are needed come back by themselves.
            self.all.iter().try_for_each(|issuer| issuer.keys.release())?;
            found = issuer.keys.check(&header, signed, when)?;
        }
        match found {
            Found::Right => {}
            Found::Refused(refusal) => return Err(refusal.into()),
            Found::Ask(document) => return Err(Stop::Ask(document)),
            Found::TooManyKeys => return Err(Refusal::no_keys("the host takes no more keys").into()),
        }
        // From here on the claims are the issuer's words.
        issuer.rules.demand(&claims)?;
        let identity = mapping.read(&claims)?;
        Ok(Proven { span, identity, issuer: index, version })
    }

    /// Of several, the one that the token names; its keys tell whether that is true.
    fn of_token(&self, claims: &Object<'_>) -> Result<(usize, &Issuer), Refusal> {
        let named = claims.text("iss");
        let found = match self.all.as_slice() {
            [only] => Some((0, only)),
            several => {
                several.iter().enumerate().find(|(_, issuer)| issuer.rules.issuer.as_deref() == named.as_deref())
            }
        };
        found.ok_or_else(|| Refusal::token("wrong-issuer", "`iss` is none of those that are trusted, or missing"))
    }
}
