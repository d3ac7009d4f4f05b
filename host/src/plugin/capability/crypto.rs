//! Cryptography at native speed.

use wasmtime::component::{LinkerInstance, WasmList};
use wasmtime::{Result, format_err};

use super::{Store, configured, secrets};
use crate::crypto::{self, Algorithm, Key, PublicKey};
use crate::plugin::bindings::{self, MacKey, Refusal};
use crate::plugin::instance::Guest;

/// Of one instance.
const MOST_KEYS: usize = 256;

/// The parameters of `verify`.
type Verify = (u32, bindings::Signature, WasmList<u8>, WasmList<u8>);

pub(super) fn link(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("digest", |store: Store<'_>, (hash, data): (bindings::Hash, WasmList<u8>)| {
        configured(store.data())?;
        Ok((crypto::digest(self::hash(hash), data.as_le_slice(&store)),))
    })?;
    linker.func_wrap("hmac", |store: Store<'_>, (hash, key, data): (bindings::Hash, MacKey, WasmList<u8>)| {
        configured(store.data())?;
        let key = match &key {
            MacKey::Bytes(bytes) => Ok(bytes.as_slice()),
            MacKey::Secret(handle) => secrets::find(store.data(), handle),
        };
        Ok((key.map(|key| crypto::hmac(self::hash(hash), key, data.as_le_slice(&store))),))
    })?;
    linker.func_wrap("equal", |store: Store<'_>, (one, other): (WasmList<u8>, WasmList<u8>)| {
        configured(store.data())?;
        Ok((crypto::equal(one.as_le_slice(&store), other.as_le_slice(&store)),))
    })?;
    linker.func_wrap("import-key", |mut store: Store<'_>, (key,): (bindings::PublicKey,)| {
        configured(store.data())?;
        Ok((import(&mut store.data_mut().keys, &key),))
    })?;
    linker.func_wrap("release-key", |mut store: Store<'_>, (key,): (u32,)| {
        configured(store.data())?;
        if let Some(place) = index(key).and_then(|index| store.data_mut().keys.get_mut(index)) {
            *place = None;
        }
        Ok(())
    })?;
    linker.func_wrap("verify", |store: Store<'_>, (key, algorithm, message, signature): Verify| {
        configured(store.data())?;
        let found = index(key).and_then(|index| store.data().keys.get(index)).and_then(Option::as_ref);
        let found = found.ok_or_else(|| format_err!("there is no key {key}: keys are an instance's own"))?;
        let verified =
            found.verify(self::algorithm(algorithm), message.as_le_slice(&store), signature.as_le_slice(&store));
        Ok((verified.map_err(|_| Refusal::InvalidValue),))
    })
}

fn index(key: u32) -> Option<usize> {
    usize::try_from(key).ok()
}

fn import(keys: &mut Vec<Option<Key>>, key: &bindings::PublicKey) -> Result<u32, Refusal> {
    let free = keys.iter().position(Option::is_none);
    if free.is_none() && keys.len() >= MOST_KEYS {
        return Err(Refusal::TooLarge);
    }
    let key = Key::import(match key {
        bindings::PublicKey::Spki(der) => PublicKey::Spki(der),
        bindings::PublicKey::Rsa(rsa) => PublicKey::Rsa(&rsa.modulus, &rsa.exponent),
        bindings::PublicKey::P256(point) => PublicKey::P256(point),
        bindings::PublicKey::P384(point) => PublicKey::P384(point),
        bindings::PublicKey::P521(point) => PublicKey::P521(point),
        bindings::PublicKey::Ed25519(key) => PublicKey::Ed25519(key),
    });
    let key = Some(key.map_err(|_| Refusal::InvalidValue)?);
    let place = free.unwrap_or(keys.len());
    match free {
        Some(place) => keys[place] = key,
        None => keys.push(key),
    }
    u32::try_from(place).map_err(|_| Refusal::TooLarge)
}

fn hash(hash: bindings::Hash) -> crypto::Hash {
    match hash {
        bindings::Hash::Sha1 => crypto::Hash::Sha1,
        bindings::Hash::Sha256 => crypto::Hash::Sha256,
        bindings::Hash::Sha384 => crypto::Hash::Sha384,
        bindings::Hash::Sha512 => crypto::Hash::Sha512,
    }
}

fn algorithm(algorithm: bindings::Signature) -> Algorithm {
    match algorithm {
        bindings::Signature::Rs256 => Algorithm::Rs256,
        bindings::Signature::Rs384 => Algorithm::Rs384,
        bindings::Signature::Rs512 => Algorithm::Rs512,
        bindings::Signature::Ps256 => Algorithm::Ps256,
        bindings::Signature::Ps384 => Algorithm::Ps384,
        bindings::Signature::Ps512 => Algorithm::Ps512,
        bindings::Signature::Es256 => Algorithm::Es256,
        bindings::Signature::Es384 => Algorithm::Es384,
        bindings::Signature::Es512 => Algorithm::Es512,
        bindings::Signature::Eddsa => Algorithm::EdDsa,
    }
}
