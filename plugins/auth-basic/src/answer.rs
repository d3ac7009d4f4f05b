//! What those read who are not let in. It helps nobody to find a user or a password; the operator reads more.

use weir::{Error, Reply};

use crate::AuthBasic;

/// Why a request is refused.
pub(crate) enum Refused<'a> {
    NoCredentials,
    /// More than one `Authorization` field.
    Several,
    Malformed(&'static str),
    /// What was written for a name is not told: it may be a password.
    UnknownUser,
    WrongPassword(&'a str),
    /// The host does not check this hash.
    UnusableHash,
    /// So many passwords are being checked that this one would wait too long.
    Busy,
    /// There is no good copy of the file.
    NoFile,
}

impl AuthBasic {
    /// The answer, as an error for `?`.
    pub(crate) fn refuse(&self, why: &Refused<'_>) -> Error {
        let (status, code, detail) = match why {
            Refused::NoCredentials => (401, "no-credentials", String::new()),
            Refused::Several => (400, "several-credentials", String::new()),
            Refused::Malformed(why) => (400, "malformed-credentials", (*why).to_owned()),
            Refused::UnknownUser => (401, "unknown-user", String::new()),
            Refused::WrongPassword(user) => (401, "wrong-password", ["that of `", user, "`"].concat()),
            Refused::UnusableHash => (401, "unusable-hash", "the log says why".to_owned()),
            Refused::Busy => (503, "busy", "too many passwords are being checked".to_owned()),
            Refused::NoFile => {
                (503, "no-users", "`file` has not been read since the start; the log says why".to_owned())
            }
        };
        let reply = Reply::new(status).header("cache-control", "no-store");
        let reply = match why {
            Refused::Busy => reply.header("retry-after", "1").text("Not available now\n"),
            Refused::NoFile => reply.header("retry-after", "5").text("Not available now\n"),
            Refused::Several | Refused::Malformed(_) => reply.text("Bad request\n"),
            _ => {
                let challenge = ["Basic realm=\"", &self.realm, "\", charset=\"UTF-8\""].concat();
                reply.header("www-authenticate", challenge).text("Unauthorized\n")
            }
        };
        reply.detail(detail).error(code)
    }
}
