//! Slow password hashes, computed by the host beside its workers. The call waits; it reads like any other.
//!
//! ```
//! use weir::{Reply, Request, Result, password, testing::Host};
//!
//! fn check(request: &Request, hash: &str) -> Result<()> {
//!     let given = request.header("x-password").unwrap_or_default();
//!     if password::verify(hash, given)? { Ok(()) } else { Err(Reply::new(401).error("wrong-password")) }
//! }
//!
//! let mut host = Host::new();
//! host.password("$2y$10$abc", "sesame");
//! assert_eq!(host.enter(|| password::verify("$2y$10$abc", "sesame")), Ok(true));
//! assert_eq!(host.enter(|| password::verify("$2y$10$abc", "simsim")), Ok(false));
//! ```

use crate::host::password;

pub use crate::bindings::password::Error;

/// Whether the password belongs to the hash: argon2 (`$argon2id$`), bcrypt (`$2b$`, `$2y$`), PBKDF2 (`$pbkdf2-sha256$`).
pub fn verify(hash: &str, password: impl AsRef<[u8]>) -> Result<bool, Error> {
    password::verify(hash, password.as_ref())
}
