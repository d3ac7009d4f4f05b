//! The introspection endpoint (RFC 7662): how it is asked, and what its answer means. Everything that is not plainly a yes or
//! a no is a failure.

use std::time::Duration;

use weir::crypto::{self, Hash};
use weir::upstream::{Answer, Error};
use weir::{Refusal, Secret, Upstream};

use crate::json::Value;
use crate::requirements::is_date;
use crate::text::{base64, form};

/// Where tokens are asked about, and as whom.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) upstream: Upstream,
    pub(crate) path: String,
    pub(crate) client: Client,
    pub(crate) hint: Option<String>,
    pub(crate) timeout: Duration,
}

/// Who asks.
#[derive(Debug)]
pub(crate) enum Client {
    /// HTTP Basic with id and secret, as RFC 6749, 2.3.1 has it.
    Basic(String, Secret),
    /// A token of the proxy's own.
    Bearer(Secret),
    /// The endpoint knows its callers by other means.
    Unnamed,
}

/// What the endpoint said.
#[derive(Debug)]
pub(crate) struct Told {
    /// All members of the answer, if the token is active.
    pub(crate) active: Option<Value>,
    /// How long the answer may be kept, if it says so.
    pub(crate) keep: Option<Duration>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct Failure {
    /// For the operator. Nothing of the token and nothing of the answer's text.
    pub(crate) detail: String,
    /// Whether it is the endpoint that fails, whatever the token.
    pub(crate) is_outage: bool,
}

/// Bytes of an answer.
const LARGEST: u32 = 64 << 10;

impl Endpoint {
    /// What an answer depends on beside the token, if these claims are used of it.
    pub(crate) fn about(&self, used: &[String]) -> String {
        let client = match &self.client {
            Client::Basic(id, _) => id,
            Client::Bearer(_) | Client::Unnamed => "",
        };
        let hint = self.hint.as_deref().unwrap_or_default();
        [&[self.upstream.name(), &self.path, client, hint], &used.iter().map(String::as_str).collect::<Vec<_>>()[..]]
            .concat()
            .join("\0")
    }

    /// Asks about a token. Requests that ask with the same key at the same time are one.
    pub(crate) fn ask(&self, token: &str, key: &str) -> Result<Told, Failure> {
        let mut body = ["token=", &form(token.as_bytes())].concat();
        if let Some(hint) = &self.hint {
            body.push_str("&token_type_hint=");
            body.push_str(&form(hint.as_bytes()));
        }
        let mut call = self
            .upstream
            .post(&self.path)
            .header("accept", "application/json")
            .header("content-type", "application/x-www-form-urlencoded")
            .timeout(self.timeout)
            .max_body(LARGEST)
            .body(body);
        let credentials = self.client.credentials().map_err(|refusal| Failure {
            detail: ["the secret of `client` cannot be had: ", refusal.name()].concat(),
            is_outage: false,
        })?;
        if let Some(credentials) = credentials {
            call = call.header("authorization", credentials);
        }
        let answer = call.send_shared(key).map_err(|error| self.unanswered(error))?;
        match answer.status {
            200 => read(&answer).map_err(|why| {
                let kind = answer.header("content-type").unwrap_or_default();
                let why = if kind.starts_with(b"application/token-introspection+jwt") {
                    "it is a JWT (RFC 9701), which is not understood here"
                } else {
                    why
                };
                Failure { detail: self.says(&["an answer of which nothing follows: ", why]), is_outage: false }
            }),
            status => {
                let advice = if matches!(status, 401 | 403) { "; look at `client`" } else { "" };
                Err(Failure {
                    detail: self.says(&[&status.to_string(), advice]),
                    // What one token alone might bring about does not count: it could keep out all others.
                    is_outage: matches!(status, 401 | 403 | 429 | 502 | 503 | 504),
                })
            }
        }
    }

    fn says(&self, words: &[&str]) -> String {
        ["`", self.upstream.name(), "` answers POST ", &self.path, " with ", &words.concat()].concat()
    }

    fn unanswered(&self, error: Error) -> Failure {
        let (words, is_outage) = match error {
            Error::TimedOut => ("does not answer in time", true),
            Error::Failed => ("cannot be reached, or breaks off", true),
            Error::TooLarge => ("answers with more than 64 KiB", false),
            Error::InvalidRequest => ("cannot be asked: a secret of `client` that cannot stand in a header", true),
            Error::Denied | Error::TooMany => ("may not be asked", false),
        };
        Failure { detail: ["`", self.upstream.name(), "` ", words, " (POST ", &self.path, ")"].concat(), is_outage }
    }
}

impl Client {
    /// The value of `Authorization`.
    fn credentials(&self) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(match self {
            Self::Basic(id, secret) => {
                let pair = [form(id.as_bytes()), form(&secret.reveal()?)].join(":");
                Some(["Basic ", &base64(pair.as_bytes())].concat().into_bytes())
            }
            Self::Bearer(secret) => Some([b"Bearer ".as_slice(), &secret.reveal()?].concat()),
            Self::Unnamed => None,
        })
    }

    /// A digest that nobody can compute who does not have the secret.
    pub(crate) fn digest(&self, data: &[u8]) -> Result<Vec<u8>, Refusal> {
        match self {
            Self::Basic(_, secret) | Self::Bearer(secret) => secret.hmac(Hash::Sha256, data),
            Self::Unnamed => Ok(crypto::digest(Hash::Sha256, data)),
        }
    }
}

/// Reads an answer, or says what is wrong with it.
fn read(answer: &Answer) -> Result<Told, &'static str> {
    let value = Value::read(&answer.body)?;
    let is_active = match value.member("active") {
        Some(Value::Bool(is_active)) => *is_active,
        Some(_) => return Err("`active` is neither true nor false"),
        None => return Err("it has no `active`"),
    };
    let keep = freshness(answer);
    if !is_active {
        return Ok(Told { active: None, keep });
    }
    for (name, words) in [("exp", "`exp` is no date"), ("nbf", "`nbf` is no date")] {
        if value.member(name).is_some_and(|date| !is_date(date)) {
            return Err(words);
        }
    }
    Ok(Told { active: Some(value), keep })
}

/// How long the answer may be kept as its `Cache-Control` has it (RFC 9111, 5.2.2); `None` if it does not say.
fn freshness(answer: &Answer) -> Option<Duration> {
    let fields = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("cache-control"));
    let mut keep: Option<u64> = None;
    for directive in fields.flat_map(|(_, value)| value.split(|byte| *byte == b',')) {
        let directive = String::from_utf8_lossy(directive).to_ascii_lowercase();
        let (name, value) = directive.split_once('=').unwrap_or((&directive, ""));
        let most = match name.trim_ascii() {
            // Kept and asked about again each time is as good as not kept.
            "no-store" | "no-cache" => 0,
            // What is no number is stale.
            "max-age" => value.trim_ascii().trim_matches('"').parse().unwrap_or(0),
            _ => continue,
        };
        keep = Some(keep.map_or(most, |keep| keep.min(most)));
    }
    let age = answer.header("age").and_then(|age| std::str::from_utf8(age).ok()?.trim_ascii().parse().ok());
    keep.map(|keep| Duration::from_secs(keep.saturating_sub(age.unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use weir::testing::{Host, answer};
    use weir::{Secret, Upstream};

    use super::{Client, Endpoint, freshness, read};

    #[test]
    fn the_answers_own_time_is_the_least_that_it_says() {
        for (fields, seconds) in [
            (&[][..], None),
            (&[("cache-control", "private, must-revalidate")], None),
            (&[("cache-control", "no-store")], Some(0)),
            (&[("Cache-Control", "private, No-Cache")], Some(0)),
            (&[("cache-control", "max-age=20")], Some(20)),
            (&[("cache-control", "max-age=\"20\" , max-age = 5")], Some(5)),
            (&[("cache-control", "max-age=20"), ("cache-control", "no-store")], Some(0)),
            (&[("cache-control", "max-age=20"), ("age", "15")], Some(5)),
            (&[("cache-control", "max-age=20"), ("age", "21")], Some(0)),
            (&[("cache-control", "max-age=-1")], Some(0)),
            (&[("cache-control", "max-age=soon")], Some(0)),
            (&[("cache-control", "max-age")], Some(0)),
            (&[("cache-control", "s-maxage=20")], None),
        ] {
            let mut said = answer(200, "");
            said.headers = fields.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
            assert_eq!(freshness(&said), seconds.map(Duration::from_secs), "{fields:?}");
        }
    }

    #[test]
    fn an_answer_is_a_plain_yes_or_no() {
        let is_active = |body: &str| read(&answer(200, body)).map(|told| told.active.is_some());
        assert_eq!(is_active(r#"{"active":true,"exp":1700000000}"#), Ok(true));
        assert_eq!(is_active(r#"{"active":false,"exp":"never"}"#), Ok(false));
        for body in [
            "",
            "true",
            "[true]",
            "{}",
            r#"{"active":"true"}"#,
            r#"{"active":1}"#,
            r#"{"active":null}"#,
            r#"{"Active":true}"#,
            r#"{"active":false,"active":true}"#,
            r#"{"active":true,"sub":"a","sub":"b"}"#,
            r#"{"active":true}{"active":true}"#,
            r#"{"active":true,"exp":"1700000000"}"#,
            r#"{"active":true,"nbf":-5}"#,
            "<html>",
        ] {
            assert!(is_active(body).is_err(), "{body}");
        }
    }

    #[test]
    fn id_and_secret_are_encoded_as_a_form_first() {
        let mut host = Host::new();
        host.secret("hush", "p:ss wörd%");
        let seen = |client: Client| Endpoint {
            upstream: Upstream::from("auth"),
            path: "/introspect".into(),
            client,
            hint: Some("access_token".into()),
            timeout: Duration::from_secs(2),
        };
        host.upstream("auth", |asked| {
            assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/introspect"));
            assert_eq!(asked.get("accept"), Some("application/json"));
            assert_eq!(asked.get("content-type"), Some("application/x-www-form-urlencoded"));
            assert_eq!(asked.body, b"token=a%2Bb%3D&token_type_hint=access_token");
            Ok(answer(
                if asked.get("authorization").is_some() { 401 } else { 500 },
                asked.get("authorization").unwrap_or("-"),
            ))
        });
        let mut told = |client| host.enter(|| seen(client).ask("a+b=", "key").unwrap_err());
        assert!(told(Client::Basic("we:ir".into(), Secret::from("hush"))).is_outage);
        assert!(told(Client::Bearer(Secret::from("hush"))).detail.ends_with("with 401; look at `client`"));
        assert!(told(Client::Unnamed).detail.ends_with("`auth` answers POST /introspect with 500"));
        assert!(told(Client::Bearer(Secret::from("none"))).detail.contains("cannot be had"));
        let credentials =
            host.enter(|| Client::Basic("we:ir".into(), Secret::from("hush")).credentials().unwrap().unwrap());
        // `we%3Air:p%3Ass+w%C3%B6rd%25`
        assert_eq!(credentials, b"Basic d2UlM0FpcjpwJTNBc3MrdyVDMyVCNnJkJTI1");
    }
}
