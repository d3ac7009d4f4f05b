//! What an endpoint decided: read from its answer, and kept.

use serde::Serialize;
use weir::upstream::Answer;

use super::answer::Members;
use super::question;

/// A decision. Of its fields only those are there that the configuration lets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) allow: bool,
    /// For the upstream if it allows, for the client if not.
    pub(crate) headers: Vec<(String, String)>,
    /// For the operator.
    pub(crate) reason: String,
}

/// A decision as it is kept.
#[derive(Serialize)]
struct Kept<'a> {
    allow: bool,
    headers: question::Members<'a, &'a str>,
    reason: &'a str,
}

/// Bytes of one value, and of a reason.
const LONGEST_VALUE: usize = 8 << 10;
const LONGEST_REASON: usize = 256;

impl Decision {
    /// Reads an answer, or says why it is no decision.
    pub(crate) fn read(answer: &Answer, forwarded: &[String], answered: &[String]) -> Result<Self, String> {
        let denied = |reason: &str| Ok(Self { allow: false, headers: Vec::new(), reason: reason.to_owned() });
        if answer.status == 403 {
            return denied("it answered 403");
        }
        if answer.status != 200 {
            return Err(["it answered with the status ", &answer.status.to_string()].concat());
        }
        let no_decision = "its answer is not JSON with `allow: true` or `false`, nor with such a `result`";
        let whole = Members::read(&answer.body).map_err(|_| no_decision)?;
        let is_bare = whole.allow.is_none() && whole.headers.is_none() && whole.reason.is_none();
        let decided = match whole.result {
            None if is_bare && !whole.has_others => return denied("its policy says nothing about such a request"),
            None => whole,
            Some(result) if is_bare => *result,
            Some(_) => return Err(no_decision.to_owned()),
        };
        let allow = decided.allow.ok_or(no_decision)?;
        let headers = decided.headers.unwrap_or_default();
        let headers = permitted(headers, if allow { forwarded } else { answered })?;
        let reason = decided.reason.unwrap_or_default();
        let reason = reason.chars().filter(|character| !character.is_control()).take(LONGEST_REASON).collect();
        Ok(Self { allow, headers, reason })
    }

    /// The decision for a store.
    pub(crate) fn to_kept(&self) -> Result<Vec<u8>, serde_json::Error> {
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        serde_json::to_vec(&Kept { allow: self.allow, headers: question::Members(headers), reason: &self.reason })
    }

    /// A decision out of a store; one that cannot be read is none.
    pub(crate) fn of_kept(kept: &[u8]) -> Option<Self> {
        let Members { allow: Some(allow), headers: Some(headers), reason: Some(reason), .. } =
            Members::read(kept).ok()?
        else {
            return None;
        };
        Some(Self { allow, headers, reason })
    }
}

/// Those fields that may go on, in small letters; or what is wrong with one.
fn permitted(headers: Vec<(String, String)>, known: &[String]) -> Result<Vec<(String, String)>, String> {
    let mut permitted: Vec<(String, String)> = Vec::new();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        if !known.contains(&name) {
            continue;
        }
        let is_visible = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        if value.len() > LONGEST_VALUE || !value.bytes().all(is_visible) {
            return Err(["its value of the header `", &name, "` is no visible ASCII of at most 8 KiB"].concat());
        }
        if permitted.iter().any(|(before, _)| *before == name) {
            return Err(["it has the header `", &name, "` twice"].concat());
        }
        permitted.push((name, value));
    }
    Ok(permitted)
}
