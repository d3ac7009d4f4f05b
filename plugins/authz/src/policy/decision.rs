//! What an endpoint decided: read from its answer, and kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use weir::upstream::Answer;

/// A decision. Of its fields only those are there that the configuration lets through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decision {
    pub(crate) allow: bool,
    /// For the upstream if it allows, for the client if not.
    pub(crate) headers: Vec<(String, String)>,
    /// For the operator.
    pub(crate) reason: String,
}

/// An endpoint's own form, and that of Open Policy Agent, which has it under `result`.
#[derive(Deserialize)]
struct Written {
    allow: Option<bool>,
    headers: Option<BTreeMap<String, String>>,
    reason: Option<String>,
    result: Option<OfAgent>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OfAgent {
    Alone(bool),
    With { allow: bool, headers: Option<BTreeMap<String, String>>, reason: Option<String> },
}

/// What an agent's answer may have beside a result, or without one where no rule of a policy holds.
const ABOUT: [&str; 4] = ["decision_id", "explanation", "metrics", "provenance"];

/// Bytes of one value, and of a reason.
const LONGEST_VALUE: usize = 8 << 10;
const LONGEST_REASON: usize = 256;

impl Decision {
    /// Reads an answer, or says why it is no decision.
    pub(crate) fn read(answer: &Answer, forwarded: &[String], answered: &[String]) -> Result<Self, String> {
        if answer.status == 403 {
            return Ok(Self { allow: false, headers: Vec::new(), reason: "it answered 403".to_owned() });
        }
        if answer.status != 200 {
            return Err(["it answered with the status ", &answer.status.to_string()].concat());
        }
        let no_decision = "its answer is not JSON with `allow: true` or `false`, nor with such a `result`";
        let written: Written = serde_json::from_slice(&answer.body).map_err(|_| no_decision)?;
        let (allow, headers, reason) = match (written.allow, written.result) {
            (Some(allow), None) => (allow, written.headers, written.reason),
            (None, Some(OfAgent::Alone(allow))) => (allow, None, None),
            (None, Some(OfAgent::With { allow, headers, reason })) => (allow, headers, reason),
            (None, None) if is_undefined(&answer.body) => {
                (false, None, Some("its policy says nothing about such a request".to_owned()))
            }
            _ => return Err(no_decision.to_owned()),
        };
        let known = if allow { forwarded } else { answered };
        let headers = headers.unwrap_or_default().into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
        let headers: Vec<_> = headers.filter(|(name, _)| known.contains(name)).collect();
        for (at, (name, value)) in headers.iter().enumerate() {
            let is_visible = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
            if value.len() > LONGEST_VALUE || !value.bytes().all(is_visible) {
                return Err(["its value of the header `", name, "` is no visible ASCII of at most 8 KiB"].concat());
            }
            if headers.iter().take(at).any(|(before, _)| before == name) {
                return Err(["it has the header `", name, "` twice"].concat());
            }
        }
        let reason = reason.unwrap_or_default();
        let reason = reason.chars().filter(|character| !character.is_control()).take(LONGEST_REASON).collect();
        Ok(Self { allow, headers, reason })
    }
}

/// Whether this is an agent's answer without a result.
fn is_undefined(body: &[u8]) -> bool {
    serde_json::from_slice::<BTreeMap<String, Value>>(body)
        .is_ok_and(|answer| answer.keys().all(|key| ABOUT.contains(&key.as_str())))
}
