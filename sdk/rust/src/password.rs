//! Slow password hashes, computed by the host beside its workers. The call waits; it reads like any other.

use crate::host::password;

pub use crate::bindings::password::Error;

/// Whether the password belongs to the hash: argon2 (`$argon2id$`), bcrypt (`$2b$`, `$2y$`), PBKDF2 (`$pbkdf2-sha256$`).
pub fn verify(hash: &str, password: impl AsRef<[u8]>) -> Result<bool, Error> {
    password::verify(hash, password.as_ref())
}
