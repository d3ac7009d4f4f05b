//! What must hold of a token's claims (RFC 7519, 4.1).

use std::time::Duration;

use crate::json::{Object, Value};
use crate::path::Path;
use crate::refusal::{Refusal, Told};

/// What an issuer's tokens must say.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) issuer: Option<String>,
    /// One of these; of none, any.
    pub(crate) audience: Vec<String>,
    /// As they are written; of none, any.
    pub(crate) typ: Vec<String>,
    pub(crate) leeway: Duration,
    pub(crate) max_age: Option<Duration>,
    pub(crate) requires_exp: bool,
    pub(crate) required: Vec<Required>,
}

/// A claim that must be there.
#[derive(Debug)]
pub(crate) struct Required {
    pub(crate) path: Path,
    /// And must be one of these, or have one of these among its own; of none, anything.
    pub(crate) values: Vec<String>,
}

/// The time in which a token counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// From here on.
    pub(crate) from: Duration,
    /// Until just before.
    pub(crate) until: Duration,
}

impl Span {
    pub(crate) fn has(self, now: Duration) -> bool {
        self.from <= now && now < self.until
    }
}

impl Rules {
    /// What does not depend on the signature, and costs less than it. Who sends a token for another time or place is refused
    /// before any key is looked for.
    pub(crate) fn check(&self, claims: &Object<'_>, now: Duration) -> Result<Span, Refusal> {
        let span = self.span(claims)?;
        if now >= span.until {
            return Err(Refusal::token("token-expired", "its time is over"));
        }
        if now < span.from {
            return Err(Refusal::token("token-not-yet-valid", "its time has not begun"));
        }
        if let Some(issuer) = &self.issuer
            && claims.text("iss").as_deref() != Some(issuer)
        {
            return Err(Refusal::token("wrong-issuer", "`iss` is another one, or missing"));
        }
        if !self.audience.is_empty() && !self.is_for_us(claims)? {
            return Err(Refusal::token("wrong-audience", "`aud` has none of those that are wanted, or is missing"));
        }
        Ok(span)
    }

    fn span(&self, claims: &Object<'_>) -> Result<Span, Refusal> {
        let [exp, nbf, iat] = ["exp", "nbf", "iat"].map(|name| date(claims, name));
        let (exp, nbf, iat) = (exp?, nbf?, iat?);
        if exp.is_none() && self.requires_exp {
            return Err(Refusal::token("token-expired", "it has no `exp`"));
        }
        if iat.is_none() && self.max_age.is_some() {
            return Err(Refusal::token("token-expired", "it has no `iat`, so its age cannot be told"));
        }
        let oldest = iat.zip(self.max_age).map(|(iat, age)| iat.saturating_add(age));
        let until =
            exp.into_iter().chain(oldest).min().map_or(Duration::MAX, |until| until.saturating_add(self.leeway));
        let from = nbf.into_iter().chain(iat).max().map_or(Duration::ZERO, |from| from.saturating_sub(self.leeway));
        Ok(Span { from, until })
    }

    fn is_for_us(&self, claims: &Object<'_>) -> Result<bool, Refusal> {
        let broken = || Refusal::malformed("`aud` is neither a text nor a list of texts");
        let Some(value) = claims.get("aud") else { return Ok(false) };
        if let Some(one) = value.text() {
            return Ok(self.audience.iter().any(|wanted| *wanted == one));
        }
        let mut is_found = false;
        for one in value.items().ok_or_else(broken)? {
            let one = one.text().ok_or_else(broken)?;
            is_found |= self.audience.iter().any(|wanted| *wanted == one);
        }
        Ok(is_found)
    }

    /// What a token that was proven lacks.
    pub(crate) fn demand(&self, claims: &Object<'_>) -> Result<(), Refusal> {
        for required in &self.required {
            if !required.is_met(required.path.find(claims)) {
                return Err(required.refusal());
            }
        }
        Ok(())
    }
}

impl Required {
    fn is_met(&self, value: Option<Value<'_>>) -> bool {
        let Some(value) = value else { return false };
        if self.values.is_empty() {
            return true;
        }
        let is_wanted = |plain: &str| self.values.iter().any(|wanted| wanted == plain);
        match value.items() {
            Some(items) => items.iter().any(|item| is_wanted(&item.plain())),
            None if self.is_scope() => value.plain().split(' ').any(is_wanted),
            None => is_wanted(&value.plain()),
        }
    }

    /// RFC 8693, 4.2: words in one text. Some issuers write a list, or `scp`.
    pub(crate) fn is_scope(&self) -> bool {
        ["scope", "scp"].contains(&self.path.claim())
    }

    fn refusal(&self) -> Refusal {
        let name = self.path.written();
        if self.values.is_empty() {
            let detail = ["`", &name, "` is missing"].concat();
            return Refusal { told: Told::Forbidden(None), code: "claim-missing", detail };
        }
        let values = self.values.join(" ");
        let detail = ["`", &name, "` has none of: ", &values].concat();
        if self.is_scope() {
            return Refusal { told: Told::Forbidden(Some(values)), code: "insufficient-scope", detail };
        }
        Refusal { told: Told::Forbidden(None), code: "claim-missing", detail }
    }
}

/// A claim that is a time: seconds since 1970, with a fraction or without (RFC 7519, 2). Signs, exponents and years beyond
/// 30000 are written by nobody who means a time.
fn date(claims: &Object<'_>, name: &str) -> Result<Option<Duration>, Refusal> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let (whole, fraction) = value.written().split_once('.').unwrap_or((value.written(), "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: Option<u64> = if whole.len() <= 12 && is_number(whole) { whole.parse().ok() } else { None };
    match seconds {
        Some(seconds) if is_number(fraction) => Ok(Some(Duration::new(seconds, nanoseconds(fraction)))),
        _ => Err(Refusal::malformed(["`", name, "` is no time"].concat())),
    }
}

fn nanoseconds(fraction: &str) -> u32 {
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    digits.fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
}
