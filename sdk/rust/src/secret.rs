//! Secrets of the operator's.

use serde::Deserialize;

use crate::Refusal;
use crate::bindings::crypto::MacKey;
use crate::crypto::Hash;
use crate::host::{crypto, secrets};

/// A secret: a field of this type in a filter's configuration takes `{ env: NAME }` or `{ file: PATH }` from the operator.
/// The filter holds a handle, the secret itself stays in the host until it is revealed.
///
/// ```
/// use weir::{Secret, crypto::Hash, testing::Host};
///
/// let mut host = Host::new();
/// host.secret("key", "sesame");
/// host.enter(|| -> weir::Result<()> {
///     let key = Secret::from("key");
///     assert!(key.equals("sesame")?);
///     assert_eq!(key.hmac(Hash::Sha256, b"message")?.len(), 32);
///     Ok(())
/// }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

/// For tests: in the configuration the host puts the handle in place of what the operator wrote.
impl From<&str> for Secret {
    fn from(handle: &str) -> Self {
        Self(handle.to_owned())
    }
}

impl Secret {
    /// Whether the secret is these bytes, compared in constant time.
    pub fn equals(&self, bytes: impl AsRef<[u8]>) -> Result<bool, Refusal> {
        secrets::equals(&self.0, bytes.as_ref())
    }

    /// The HMAC of the bytes with the secret as its key.
    pub fn hmac(&self, hash: Hash, data: &[u8]) -> Result<Vec<u8>, Refusal> {
        crypto::hmac(hash, &MacKey::Secret(self.0.clone()), data)
    }

    /// The secret itself, as for a header to an upstream. Once read it is in the filter's memory.
    pub fn reveal(&self) -> Result<Vec<u8>, Refusal> {
        secrets::reveal(&self.0)
    }
}
