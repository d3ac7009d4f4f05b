//! Passwords that were right a while ago, so that not every request takes a slow hash.
//!
//! What is remembered is a name in the entry's store: the HMAC of user and password, whose key is the user's slow hash.
//!
//! * Who reads the store learns neither users nor passwords, nor can guess them: to try a password takes the slow hash
//!   as well, and who has that can try without the store. That makes each guess at a password that was used of late
//!   cheap for who has both, which is why a store in this process is the one to use.
//! * Who can write into the store can let nobody in without having the slow hash.
//! * Another hash of the user is another key: what was remembered is never found again. A user who has gone is looked for
//!   before anything else, so it does not matter what is remembered of them.

use std::fmt::Write;
use std::time::Duration;

use weir::crypto::{self, Hash};
use weir::{Refusal, Store, clock};

use crate::credentials::Credentials;

/// What was verified.
#[derive(Debug)]
pub(crate) struct Verified {
    store: Store,
    /// For how long after a request a password needs no slow hash; zero is never.
    lasts: Duration,
}

/// Stands for user and password together with the hash that they were checked against.
pub(crate) struct Proof(String);

impl Proof {
    pub(crate) fn of(credentials: &Credentials, hash: &str) -> Result<Self, Refusal> {
        // A name has no colon.
        let both = [credentials.user.as_str(), ":", &credentials.password].concat();
        let code = crypto::hmac(Hash::Sha256, hash.as_bytes(), both.as_bytes())?;
        Ok(Self(code.iter().fold("verified/".to_owned(), |mut name, byte| {
            // Writing to a text cannot fail.
            let _ = write!(name, "{byte:02x}");
            name
        })))
    }
}

impl Verified {
    pub(crate) fn new(store: Store, lasts: Duration) -> Self {
        Self { store, lasts }
    }

    /// Whether it was right a while ago. A store that does not answer remembers nothing.
    pub(crate) fn knows(&self, proof: &Proof) -> bool {
        if self.lasts.is_zero() {
            return false;
        }
        let Ok(Some(since)) = self.store.get(&proof.0) else { return false };
        let since = since.try_into().map_or(Duration::ZERO, |bytes| Duration::from_millis(u64::from_be_bytes(bytes)));
        // Renewed now and then while it is in use, which costs less than each time.
        if clock::now().saturating_sub(since) >= self.lasts / 2 {
            self.remember(proof);
        }
        true
    }

    /// It was right just now.
    pub(crate) fn remember(&self, proof: &Proof) {
        if self.lasts.is_zero() {
            return;
        }
        let since = u64::try_from(clock::now().as_millis()).unwrap_or_default();
        if let Err(error) = self.store.set(&proof.0, since.to_be_bytes(), Some(self.lasts)) {
            weir::warn!("a password is checked again at its next request: {error:?}");
        }
    }
}
