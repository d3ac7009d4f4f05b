//! `auth-basic`: lets in who shows a user's name and password. Passwords are checked against slow hashes, off the workers.

mod answer;
mod config;
mod credentials;
mod htpasswd;
mod slow;
mod table;
mod users;
mod verified;

use answer::Refused;
use config::Config;
use credentials::{Credentials, Shown};
use users::{Found, Target, Users};
use verified::{Proof, Verified};
use weir::identity::Mapping;
use weir::{Faults, Flow, Request, Result, Resumed, Several, password};

struct AuthBasic {
    users: Users,
    verified: Verified,
    mapping: Mapping<()>,
    is_optional: bool,
    is_forwarded: bool,
    realm: String,
}

const FIELD: &str = "authorization";

#[weir::filter]
impl AuthBasic {
    fn configure(config: Config) -> std::result::Result<Self, Faults> {
        let mut faults = Faults::default();
        let filter = config.into_filter(&mut faults);
        faults.or(filter)
    }

    fn on_request(&self, request: &mut Request) -> Result {
        self.judge(request, false)
    }

    /// The file has been asked for; or there is time to read on.
    fn on_resume(&self, resumed: &mut Resumed) -> Result {
        self.judge(&mut resumed.request, true)
    }
}

impl AuthBasic {
    fn judge(&self, request: &mut Request, has_waited: bool) -> Result {
        let Some(credentials) = self.presented(request)? else {
            return if self.is_optional { Ok(Flow::Next) } else { Err(self.refuse(&Refused::NoCredentials)) };
        };
        match self.users.find(&credentials.user)? {
            Found::Target(target) => self.check(&credentials, &target)?,
            Found::Nobody => return Err(self.refuse(&Refused::UnknownUser)),
            Found::Missing(_) if has_waited => return Err(self.refuse(&Refused::NoFile)),
            Found::Missing(file) | Found::Reading(file) => return file.refresh(),
        }
        if !self.is_forwarded {
            request.remove_header(FIELD)?;
        }
        self.mapping.tell(request, "basic", |()| Some(credentials.user.as_str().into()))?;
        Ok(Flow::Next)
    }

    /// The request's credentials, if it has some of this scheme.
    fn presented(&self, request: &Request) -> Result<Option<Credentials>> {
        let value = match request.sole_header(FIELD) {
            Ok(Some(value)) => value,
            Ok(None) => return Ok(None),
            Err(Several) => return Err(self.refuse(&Refused::Several)),
        };
        match credentials::read(&value) {
            Shown::Others => Ok(None),
            Shown::Credentials(credentials) => Ok(Some(credentials)),
            Shown::Malformed(why) => Err(self.refuse(&Refused::Malformed(why))),
        }
    }

    /// Whether the password is the user's. What a client can measure is the same for a user who is not there.
    fn check(&self, credentials: &Credentials, target: &Target) -> Result<()> {
        let wrong = if target.is_own { Refused::WrongPassword(&credentials.user) } else { Refused::UnknownUser };
        if slow::is_bcrypt(&target.hash) && credentials.password.len() > slow::BCRYPT_TAKES {
            return Err(self.refuse(&wrong));
        }
        let proof = Proof::of(credentials, &target.hash)?;
        if target.is_own && self.verified.knows(&proof) {
            return Ok(());
        }
        match password::verify(&target.hash, &credentials.password) {
            Ok(true) if target.is_own => {
                self.verified.remember(&proof);
                Ok(())
            }
            Ok(_) => Err(self.refuse(&wrong)),
            Err(password::Error::Overloaded) => Err(self.refuse(&Refused::Busy)),
            Err(error @ (password::Error::UnknownFormat | password::Error::TooCostly)) => {
                weir::error!("a hash cannot be checked: {error:?}");
                Err(self.refuse(&Refused::UnusableHash))
            }
        }
    }
}

#[cfg(test)]
mod tests;
