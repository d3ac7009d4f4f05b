//! Answers to requests that do not go on. They tell the client what RFC 6750 wants told and nothing else; why it was, the
//! operator reads.

use weir::{Reply, Result};

use crate::requirements::Unfit;

/// How refusals are worded.
#[derive(Debug)]
pub(crate) struct Refusals {
    pub(crate) realm: String,
}

impl Refusals {
    /// Nobody said who they are.
    pub(crate) fn anonymous(&self) -> Result {
        self.challenge(401, "Unauthorized\n", "").send("no-token")
    }

    /// It cannot be said which token counts.
    pub(crate) fn unclear(&self, why: &str) -> Result {
        self.challenge(400, "Bad Request\n", r#", error="invalid_request""#).detail(why).send("invalid-request")
    }

    /// The token is not good.
    pub(crate) fn invalid(&self, code: &str, detail: &str) -> Result {
        self.challenge(401, "Unauthorized\n", r#", error="invalid_token""#).detail(detail).send(code)
    }

    /// The token is active, and does not do here.
    pub(crate) fn unfit(&self, unfit: &Unfit) -> Result {
        match unfit {
            Unfit::Expired => self.invalid("token-expired", "its time is over"),
            Unfit::Early => self.invalid("token-not-yet-valid", "its time has not begun"),
            Unfit::Issuer => self.invalid("wrong-issuer", "`iss` is another one, or missing"),
            Unfit::Audience => self.invalid("wrong-audience", "`aud` has none of those that are wanted, or is missing"),
            Unfit::Scopes(scopes) => {
                let scopes = scopes.join(" ");
                let error = [r#", error="insufficient_scope", scope=""#, &scopes, "\""].concat();
                let detail = ["these scopes are wanted: ", &scopes].concat();
                self.challenge(403, "Forbidden\n", &error).detail(detail).send("insufficient-scope")
            }
            Unfit::Claim(required) if required.values.is_empty() => {
                forbidden("claim-missing", &["`", &required.claim, "` is missing"])
            }
            Unfit::Claim(required) => {
                forbidden("claim-missing", &["`", &required.claim, "` has none of: ", &required.values.join(" ")])
            }
        }
    }

    fn challenge(&self, status: u16, body: &str, more: &str) -> Reply {
        let challenge = [r#"Bearer realm=""#, &self.realm, "\"", more].concat();
        plain(status, body).header("www-authenticate", challenge)
    }
}

/// A claim cannot be passed on.
pub(crate) fn too_long(claim: &str) -> Result {
    forbidden("claim-too-long", &["`", claim, "` is too long for where it is mapped to"])
}

/// It cannot be known now whether the token is good.
pub(crate) fn unknown(code: &str, detail: &str, seconds: &str) -> Result {
    plain(503, "Not available now\n").header("retry-after", seconds).detail(detail).send(code)
}

fn forbidden(code: &str, detail: &[&str]) -> Result {
    plain(403, "Forbidden\n").detail(detail.concat()).send(code)
}

fn plain(status: u16, body: &str) -> Reply {
    Reply::new(status).header("cache-control", "no-store").text(body)
}
