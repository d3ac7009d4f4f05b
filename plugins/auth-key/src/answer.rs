//! What those read who are not let in. It helps nobody to find a key; the operator reads more.

use weir::{Error, Reply};

use crate::AuthKey;

/// Why a request is refused.
pub(crate) enum Refused<'a> {
    NoKey,
    /// Keys in more than one place, or one place with several.
    Several,
    TooLong,
    Unknown,
    /// Whose key it was.
    Expired(&'a str),
    /// There is no good copy of the file.
    NoFile,
}

impl AuthKey {
    /// The answer, as an error for `?`.
    pub(crate) fn refuse(&self, why: &Refused<'_>) -> Error {
        let (status, code, detail, error) = match why {
            Refused::NoKey => (401, "no-key", String::new(), None),
            Refused::Several => (400, "several-keys", String::new(), Some("invalid_request")),
            Refused::TooLong => (401, "unknown-key", "it has more than 512 bytes".to_owned(), Some("invalid_token")),
            Refused::Unknown => (401, "unknown-key", String::new(), Some("invalid_token")),
            Refused::Expired(id) => (401, "expired-key", ["that of `", id, "`"].concat(), Some("invalid_token")),
            Refused::NoFile => {
                (503, "no-keys", "`file` has not been read since the start; the log says why".into(), None)
            }
        };
        let reply = Reply::new(status).header("cache-control", "no-store");
        let reply = match status {
            503 => reply.header("retry-after", "5").text("Not available now\n"),
            400 => self.challenge(reply, error).text("Bad request\n"),
            _ => self.challenge(reply, error).text("Unauthorized\n"),
        };
        reply.detail(detail).error(code)
    }

    /// A challenge for each scheme by which keys are taken.
    fn challenge(&self, mut reply: Reply, error: Option<&str>) -> Reply {
        for (index, place) in self.places.iter().enumerate() {
            let scheme = place.scheme();
            let is_told = |before: &crate::Place| before.scheme().eq_ignore_ascii_case(scheme);
            if self.places.iter().take(index).any(is_told) {
                continue;
            }
            let mut challenge = [scheme, " realm=\"", &self.realm, "\""].concat();
            if let Some(error) = error {
                challenge.push_str(&[", error=\"", error, "\""].concat());
            }
            reply = reply.header("www-authenticate", challenge);
        }
        reply
    }
}
