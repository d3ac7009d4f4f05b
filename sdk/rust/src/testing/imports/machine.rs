//! What does not depend on the exchange.

pub(crate) mod log {
    use crate::Level;
    use crate::testing::current;

    pub(crate) fn write(level: Level, message: &str) {
        current(|host| host.log.push((level, message.to_owned())));
    }
}

pub(crate) mod clock {
    use crate::testing::current;

    pub(crate) fn now() -> u64 {
        current(|host| u64::try_from(host.now.as_nanos()).unwrap_or(u64::MAX))
    }

    pub(crate) fn monotonic() -> u64 {
        now()
    }
}

pub(crate) mod random {
    use crate::testing::current;

    pub(crate) fn bytes(length: u32) -> Vec<u8> {
        assert!(length <= 64 << 10, "at most 64 KiB of random bytes at once");
        (0..length).map(|_| number().to_be_bytes()[0]).collect()
    }

    /// The generator splitmix64.
    pub(crate) fn number() -> u64 {
        let state = current(|host| {
            host.seed = host.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
            host.seed
        });
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

pub(crate) mod setup {
    use std::time::Duration;

    use crate::Refusal;
    use crate::setup::Hook;
    use crate::testing::hooks::Phase;
    use crate::testing::message::check;
    use crate::testing::{Host, current};

    fn configuring<T>(act: impl FnOnce(&mut Host) -> T) -> T {
        current(|host| {
            assert_eq!(host.phase, Phase::Configure, "`weir::setup` is for `configure` only");
            act(host)
        })
    }

    pub(crate) fn skip(hook: Hook) {
        configuring(|host| host.skipped.push(hook));
    }

    pub(crate) fn tick(milliseconds: u32) {
        configuring(|host| {
            host.tick = (milliseconds > 0).then(|| Duration::from_millis(milliseconds.max(100).into()));
        });
    }

    pub(crate) fn document(handle: &str, milliseconds: u32) -> Result<(), Refusal> {
        configuring(|host| {
            if !host.sources.documents.contains_key(handle) {
                return Err(Refusal::Denied);
            }
            host.kept_fresh.insert(handle.to_owned(), Duration::from_millis(milliseconds.max(1000).into()));
            Ok(())
        })
    }

    pub(crate) fn own_header(name: &str) -> Result<(), Refusal> {
        check(name, b"")?;
        configuring(|host| {
            if host.own_headers.len() == 64 {
                return Err(Refusal::TooLarge);
            }
            host.own_headers.push(name.to_ascii_lowercase());
            Ok(())
        })
    }

    pub(crate) fn counter(name: &str, _help: &str, labels: &[String]) -> Result<u32, Refusal> {
        configuring(|host| host.metrics.declare(name, labels))
    }

    pub(crate) fn gauge(name: &str, _help: &str, labels: &[String]) -> Result<u32, Refusal> {
        configuring(|host| host.metrics.declare(name, labels))
    }

    pub(crate) fn histogram(name: &str, _help: &str, labels: &[String], bounds: &[f64]) -> Result<u32, Refusal> {
        if bounds.len() > 32 || !bounds.is_sorted_by(|one, next| one < next) {
            return Err(Refusal::InvalidValue);
        }
        configuring(|host| host.metrics.declare(name, labels))
    }
}

pub(crate) mod metrics {
    use crate::testing::current;

    #[allow(clippy::cast_precision_loss, reason = "a test counts no further")]
    pub(crate) fn add(counter: u32, labels: &[String], amount: u64) {
        current(|host| host.metrics.push(counter, labels, amount as f64));
    }

    pub(crate) fn set(gauge: u32, labels: &[String], value: f64) {
        current(|host| host.metrics.set(gauge, labels, value));
    }

    pub(crate) fn observe(histogram: u32, labels: &[String], value: f64) {
        current(|host| host.metrics.push(histogram, labels, value));
    }
}

pub(crate) mod crypto {
    use sha2::{Digest, Sha256, Sha384, Sha512};

    use crate::Refusal;
    use crate::bindings::crypto::{MacKey, PublicKey};
    use crate::crypto::{Hash, Signature};
    use crate::testing::{CURRENT, current, sha1::sha1};

    pub(crate) fn digest(hash: Hash, data: &[u8]) -> Vec<u8> {
        match hash {
            Hash::Sha1 => sha1(data).to_vec(),
            Hash::Sha256 => Sha256::digest(data).to_vec(),
            Hash::Sha384 => Sha384::digest(data).to_vec(),
            Hash::Sha512 => Sha512::digest(data).to_vec(),
        }
    }

    /// RFC 2104.
    pub(crate) fn hmac(hash: Hash, key: &MacKey, data: &[u8]) -> Result<Vec<u8>, Refusal> {
        let key = match key {
            MacKey::Bytes(key) => key.clone(),
            MacKey::Secret(handle) => super::secrets::reveal(handle)?,
        };
        let block = match hash {
            Hash::Sha1 | Hash::Sha256 => 64,
            Hash::Sha384 | Hash::Sha512 => 128,
        };
        let mut key = if key.len() > block { digest(hash, &key) } else { key };
        key.resize(block, 0);
        let padded = |pad: u8| key.iter().map(|byte| byte ^ pad).collect::<Vec<u8>>();
        let inner = digest(hash, &[&padded(0x36), data].concat());
        Ok(digest(hash, &[padded(0x5C), inner].concat()))
    }

    pub(crate) fn equal(one: &[u8], other: &[u8]) -> bool {
        one == other
    }

    pub(crate) fn import_key(key: &PublicKey) -> Result<u32, Refusal> {
        current(|host| {
            let number = u32::try_from(host.sources.keys.len()).map_err(|_| Refusal::TooLarge)?;
            host.sources.keys.push(key.clone());
            Ok(number)
        })
    }

    /// A key may be dropped with its filter when the test's host has gone.
    pub(crate) fn release_key(_key: u32) {}

    pub(crate) fn verify(key: u32, algorithm: Signature, message: &[u8], signature: &[u8]) -> Result<bool, Refusal> {
        let fits = current(|host| {
            let key = host.sources.keys.get(key as usize).expect("there is no such key");
            fits(key, algorithm)
        });
        if !fits {
            return Err(Refusal::InvalidValue);
        }
        let mut signatures =
            current(|host| host.sources.signatures.take()).expect("say which signatures are right: `Host::signatures`");
        let is_right = signatures(algorithm, message, signature);
        CURRENT.with_borrow_mut(|host| {
            if let Some(host) = host {
                host.sources.signatures = Some(signatures);
            }
        });
        Ok(is_right)
    }

    fn fits(key: &PublicKey, algorithm: Signature) -> bool {
        use Signature::{Eddsa, Es256, Es384, Es512};
        match key {
            PublicKey::Spki(_) => true,
            PublicKey::Rsa(_) => !matches!(algorithm, Es256 | Es384 | Es512 | Eddsa),
            PublicKey::P256(_) => algorithm == Es256,
            PublicKey::P384(_) => algorithm == Es384,
            PublicKey::P521(_) => algorithm == Es512,
            PublicKey::Ed25519(_) => algorithm == Eddsa,
        }
    }
}

pub(crate) mod secrets {
    use crate::Refusal;
    use crate::testing::current;

    pub(crate) fn equals(handle: &str, bytes: &[u8]) -> Result<bool, Refusal> {
        reveal(handle).map(|secret| secret == bytes)
    }

    pub(crate) fn reveal(handle: &str) -> Result<Vec<u8>, Refusal> {
        current(|host| host.sources.secrets.get(handle).cloned().ok_or(Refusal::Denied))
    }
}

pub(crate) mod password {
    use crate::password::Error;
    use crate::testing::current;

    pub(crate) fn verify(hash: &str, password: &[u8]) -> Result<bool, Error> {
        current(|host| match host.sources.unchecked {
            Some(error) => Err(error),
            None => host.sources.passwords.get(hash).map(|right| right == password).ok_or(Error::UnknownFormat),
        })
    }
}
