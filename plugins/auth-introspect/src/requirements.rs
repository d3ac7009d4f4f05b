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
mod tests {
    use std::time::Duration;

    use super::{Required, Requirements, Unfit, date, is_date};
    use crate::json::Value;

    fn json(text: &str) -> Value {
        Value::read(text.as_bytes()).unwrap()
    }

    fn requirements() -> Requirements {
        Requirements {
            issuer: None,
            audience: Vec::new(),
            claims: Vec::new(),
            scopes: Vec::new(),
            leeway: Duration::from_secs(30),
        }
    }

    fn check(requirements: &Requirements, claims: &str, now: u64) -> Result<(), Unfit> {
        requirements.check(&json(claims), Duration::from_secs(now))
    }

    #[test]
    fn dates_are_plain_numbers_of_seconds() {
        for (written, milliseconds) in [
            ("0", Some(0)),
            ("1700000000", Some(1_700_000_000_000)),
            ("1700000000.25", Some(1_700_000_000_250)),
            ("1.9999999999", Some(1999)),
            ("253402300799", Some(253_402_300_799_000)),
            ("253402300800", None),
            ("1700000000000", None),
            ("99999999999999999999999999", None),
            ("-1", None),
            ("-0", None),
            ("1e9", None),
            ("1.5e3", None),
            ("\"1700000000\"", None),
            ("true", None),
            ("null", None),
            ("[1]", None),
        ] {
            let claims = json(&["{\"exp\":", written, "}"].concat());
            assert_eq!(date(&claims, "exp").map(|date| date.as_millis()), milliseconds, "{written}");
            assert_eq!(is_date(claims.member("exp").unwrap()), milliseconds.is_some(), "{written}");
        }
    }

    #[test]
    fn the_clock_counts_with_its_leeway() {
        let plain = requirements();
        for (claims, now, result) in [
            (r#"{"exp":1000}"#, 1029, Ok(())),
            (r#"{"exp":1000}"#, 1030, Err(Unfit::Expired)),
            (r#"{"exp":1000.5}"#, 1030, Ok(())),
            (r#"{"nbf":1000}"#, 970, Ok(())),
            (r#"{"nbf":1000}"#, 969, Err(Unfit::Early)),
            (r#"{"exp":1000,"nbf":2000}"#, 1500, Err(Unfit::Expired)),
            ("{}", 1, Ok(())),
        ] {
            assert_eq!(check(&plain, claims, now), result, "{claims} at {now}");
        }
    }

    #[test]
    fn issuer_and_audience_are_compared_exactly() {
        let issuer = Requirements { issuer: Some("https://a.example".into()), ..requirements() };
        assert_eq!(check(&issuer, r#"{"iss":"https://a.example"}"#, 1), Ok(()));
        for claims in [
            "{}",
            r#"{"iss":"https://a.example/"}"#,
            r#"{"iss":"HTTPS://a.example"}"#,
            r#"{"iss":["https://a.example"]}"#,
        ] {
            assert_eq!(check(&issuer, claims, 1), Err(Unfit::Issuer), "{claims}");
        }
        let audience = Requirements { audience: vec!["api".into(), "web".into()], ..requirements() };
        for claims in [r#"{"aud":"api"}"#, r#"{"aud":["x","web"]}"#] {
            assert_eq!(check(&audience, claims, 1), Ok(()), "{claims}");
        }
        for claims in ["{}", r#"{"aud":"API"}"#, r#"{"aud":[]}"#, r#"{"aud":"api web"}"#, r#"{"aud":{"api":1}}"#] {
            assert_eq!(check(&audience, claims, 1), Err(Unfit::Audience), "{claims}");
        }
    }

    #[test]
    fn claims_must_be_there_and_have_one_of_the_values() {
        let required = |claim: &str, values: &[&str]| {
            let values = values.iter().map(ToString::to_string).collect();
            Requirements { claims: vec![Required { claim: claim.into(), values }], ..requirements() }
        };
        let lacks = |requirements: &Requirements| Err(Unfit::Claim(requirements.claims[0].clone()));
        let sub = required("sub", &[]);
        assert_eq!(check(&sub, r#"{"sub":""}"#, 1), Ok(()));
        assert_eq!(check(&sub, "{}", 1), lacks(&sub));
        let role = required("role", &["admin", "editor"]);
        for claims in [r#"{"role":"editor"}"#, r#"{"role":["x","admin"]}"#] {
            assert_eq!(check(&role, claims, 1), Ok(()), "{claims}");
        }
        for claims in [r#"{"role":"Admin"}"#, r#"{"role":[]}"#, r#"{"role":"admin editor"}"#, r#"{"role":{"admin":1}}"#]
        {
            assert_eq!(check(&role, claims, 1), lacks(&role), "{claims}");
        }
        let level = required("level", &["2", "true"]);
        for claims in [r#"{"level":2}"#, r#"{"level":true}"#, r#"{"level":[1,2]}"#] {
            assert_eq!(check(&level, claims, 1), Ok(()), "{claims}");
        }
        for claims in [r#"{"level":2.0}"#, r#"{"level":false}"#, r#"{"level":12}"#] {
            assert_eq!(check(&level, claims, 1), lacks(&level), "{claims}");
        }
        let scope = required("scope", &["read", "write"]);
        assert_eq!(check(&scope, r#"{"scope":"write x"}"#, 1), Ok(()));
        for claims in ["{}", r#"{"scope":"reader"}"#] {
            assert_eq!(check(&scope, claims, 1), Err(Unfit::Scopes(vec!["read".into(), "write".into()])), "{claims}");
        }
    }

    #[test]
    fn all_scopes_must_be_there() {
        let scopes = Requirements { scopes: vec!["read".into(), "write".into()], ..requirements() };
        for claims in [r#"{"scope":"write other read"}"#, r#"{"scope":["read","write"]}"#] {
            assert_eq!(check(&scopes, claims, 1), Ok(()), "{claims}");
        }
        for claims in [
            "{}",
            r#"{"scope":"read"}"#,
            r#"{"scope":"read writes"}"#,
            r#"{"scope":"read,write"}"#,
            r#"{"scope":["read write"]}"#,
            r#"{"scope":true}"#,
        ] {
            assert_eq!(check(&scopes, claims, 1), Err(Unfit::Scopes(scopes.scopes.clone())), "{claims}");
        }
    }
}
