//! What must hold of a token that the endpoint calls active. Looked at for each request, whatever is remembered: so what the
//! operator demands holds at once, and a token that has run out is refused by the clock.

use std::time::Duration;

use crate::json::Value;

/// What must hold.
#[derive(Debug)]
pub(crate) struct Requirements {
    pub(crate) issuer: Option<String>,
    /// One of them must be meant; none demands nothing.
    pub(crate) audience: Vec<String>,
    pub(crate) claims: Vec<Required>,
    /// All of them.
    pub(crate) scopes: Vec<String>,
    pub(crate) leeway: Duration,
}

/// A claim that must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Required {
    /// Its name, or a JSON Pointer.
    pub(crate) claim: String,
    /// One of them, as it stands in a variable; none demands nothing of the value.
    pub(crate) values: Vec<String>,
}

/// Why a token does not do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    Expired,
    Early,
    Issuer,
    Audience,
    /// The claim that is not there, or has another value.
    Claim(Required),
    /// The scopes, of which some or all are not there.
    Scopes(Vec<String>),
}

impl Requirements {
    /// The claims that are looked at.
    pub(crate) fn claims(&self) -> impl Iterator<Item = &str> {
        let always = ["exp", "nbf"].into_iter();
        let issuer = self.issuer.as_ref().map(|_| "iss");
        let audience = (!self.audience.is_empty()).then_some("aud");
        let scope = (!self.scopes.is_empty()).then_some("scope");
        let claims = self.claims.iter().map(|required| required.claim.as_str());
        always.chain(issuer).chain(audience).chain(scope).chain(claims)
    }

    /// Whether all of it holds of these claims at this time.
    pub(crate) fn check(&self, claims: &Value, now: Duration) -> Result<(), Unfit> {
        if date(claims, "exp").is_some_and(|end| end.saturating_add(self.leeway) <= now) {
            return Err(Unfit::Expired);
        }
        if date(claims, "nbf").is_some_and(|start| start > now.saturating_add(self.leeway)) {
            return Err(Unfit::Early);
        }
        if let Some(issuer) = &self.issuer
            && !claims.member("iss").is_some_and(|value| is_text(value, issuer))
        {
            return Err(Unfit::Issuer);
        }
        let is_meant = |audience: &String| claims.member("aud").is_some_and(|value| has_text(value, audience));
        if !self.audience.is_empty() && !self.audience.iter().any(is_meant) {
            return Err(Unfit::Audience);
        }
        for required in &self.claims {
            if !required.is_met(claims.member(&required.claim)) {
                return Err(required.unfit());
            }
        }
        let has = |scope: &String| claims.member("scope").is_some_and(|value| has_scope(value, scope));
        if self.scopes.iter().all(has) { Ok(()) } else { Err(Unfit::Scopes(self.scopes.clone())) }
    }
}

impl Required {
    fn is_met(&self, value: Option<&Value>) -> bool {
        let Some(value) = value else { return false };
        let is_one = |wanted: &String| match value {
            Value::List(values) => values.iter().any(|value| value.to_text() == *wanted),
            value if self.is_scope() => has_scope(value, wanted),
            value => value.to_text() == *wanted,
        };
        self.values.is_empty() || self.values.iter().any(is_one)
    }

    /// Where a text is a list of words.
    fn is_scope(&self) -> bool {
        ["scope", "scp"].contains(&self.claim.as_str())
    }

    fn unfit(&self) -> Unfit {
        if self.is_scope() && !self.values.is_empty() {
            Unfit::Scopes(self.values.clone())
        } else {
            Unfit::Claim(self.clone())
        }
    }
}

/// Whether the scope is among the words of a text (RFC 8693, 4.2), or in a list as some servers write it.
fn has_scope(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Text(scopes) => scopes.split(' ').any(|scope| scope == wanted),
        list => has_text(list, wanted),
    }
}

fn is_text(value: &Value, wanted: &str) -> bool {
    matches!(value, Value::Text(text) if text == wanted)
}

/// Whether it is the text, or a list with it.
fn has_text(value: &Value, wanted: &str) -> bool {
    match value {
        Value::List(values) => values.iter().any(|value| is_text(value, wanted)),
        value => is_text(value, wanted),
    }
}

/// The last second that a date can name: 9999-12-31T23:59:59Z. Larger numbers are milliseconds, or worse.
const LAST: u64 = 253_402_300_799;

/// A date of RFC 7519 (NumericDate): seconds since 1970, with a fraction or without. What is no such number is refused when
/// the answer is read ([`is_date`]).
pub(crate) fn date(claims: &Value, name: &str) -> Option<Duration> {
    match claims.member(name)? {
        Value::Number(number) => seconds(number),
        _ => None,
    }
}

/// Whether this is a date.
pub(crate) fn is_date(value: &Value) -> bool {
    matches!(value, Value::Number(number) if seconds(number).is_some())
}

fn seconds(number: &str) -> Option<Duration> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole = whole.parse().ok().filter(|seconds| *seconds <= LAST)?;
    let is_fraction = fraction.bytes().all(|byte| byte.is_ascii_digit());
    let nanos = fraction.bytes().chain([b'0'; 9]).take(9).fold(0, |nanos, digit| nanos * 10 + u32::from(digit & 15));
    is_fraction.then(|| Duration::new(whole, nanos))
}

#[cfg(test)]
mod tests;
