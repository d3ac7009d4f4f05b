//! Passwords that were right a while ago, so that not every request takes a slow hash; and how many are being checked.
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
use crate::slow;

/// Passwords of an entry that are checked at the same time. Each holds an instance for as long as it takes, and of the 16 that
/// a worker has by default some must be left for those whose password is known to be right.
const DESKS: u64 = 12;

/// What those at the desks may take together if one thread computes all of them, in milliseconds: a hook waits no longer than
/// 5 s unless the operator says other, and one that does has failed.
const TOGETHER: u64 = 3_000;

/// The longest that a check can take; a desk that nobody cleared is free again then.
const LONGEST: Duration = Duration::from_secs(10);

/// What was verified.
#[derive(Debug)]
pub(crate) struct Verified {
    store: Store,
    /// For how long after a request a password needs no slow hash; zero is never.
    lasts: Duration,
}

/// Stands for user and password together with the hash that they were checked against.
pub(crate) struct Proof(String);

/// A place at which one password is checked.
#[derive(Debug)]
pub(crate) struct Desk(Option<String>);

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

    /// A desk for this hash, unless all of them are taken; the slowest ones have fewer. Without a store there are as many as anybody wants, and the host's limits.
    pub(crate) fn desk(&self, hash: &str) -> Option<Desk> {
        let desks = (TOGETHER / slow::takes(hash).max(1)).clamp(1, DESKS);
        for number in 0..desks {
            let name = ["desk/", &number.to_string()].concat();
            match self.store.compare_and_swap(&name, None, Some(b"taken"), Some(LONGEST)) {
                Ok(true) => return Some(Desk(Some(name))),
                Ok(false) => {}
                Err(_) => return Some(Desk(None)),
            }
        }
        None
    }

    /// The desk is free again.
    pub(crate) fn clear(&self, desk: Desk) {
        if let Some(name) = desk.0 {
            // If that fails its time runs out.
            let _ = self.store.remove(&name);
        }
    }
}
