//! A set of keys as issuers publish it (RFC 7517), and what each of its keys can check.
//!
//! A key that is for something else, or of a kind that is not known, is passed over; one that is broken, too, and the log
//! says so. Whatever of a private key stands in a set is not read.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use weir::crypto::{self, PublicKey};

use crate::algorithm::{Algorithm, Algorithms, Check};
use crate::base64;
use crate::json::{self, Object};
use crate::refusal::shown;

/// What a set is not longer than: reading it is to fit into one hook.
const LONGEST: usize = 128 << 10;

/// Keys of one set.
const MOST: usize = 100;

/// A key of a set.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) kid: Option<String>,
    algorithms: Algorithms,
    material: Material,
    imported: RefCell<Option<PublicKey>>,
    is_broken: Cell<bool>,
}

#[derive(Debug)]
enum Material {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    /// An uncompressed point on the curve of the algorithm.
    Point(Algorithm, Vec<u8>),
    Ed25519(Vec<u8>),
    Secret(Vec<u8>),
}

/// The keys of a set; `Err` if it is none. What is wrong with single keys is logged.
pub(crate) fn read(text: &[u8]) -> Result<Vec<Key>, String> {
    if text.len() > LONGEST {
        return Err("it is longer than 128 KiB".into());
    }
    let set = json::object(text)?;
    let written = set.get("keys").and_then(json::Value::items).ok_or("it has no list `keys`")?;
    if written.len() > MOST {
        return Err("it has more than 100 keys".into());
    }
    let mut keys = Vec::new();
    for (index, key) in written.iter().enumerate() {
        let read = key.object().ok_or_else(|| "it is no object".to_owned()).and_then(|key| self::key(&key));
        match read {
            Ok(key) => keys.extend(key),
            Err(why) => {
                let line = ["key ", &index.to_string(), " of `jwks`, counted from 0, is broken: ", &why].concat();
                weir::log(weir::Level::Error, &line);
            }
        }
    }
    Ok(keys)
}

/// A key; none if it is for something else.
fn key(key: &Object<'_>) -> Result<Option<Key>, String> {
    let operations = key.get("key_ops").map(|list| list.items().ok_or("`key_ops` is no list")).transpose()?;
    let verifies = operations.is_none_or(|list| list.iter().any(|one| one.text().as_deref() == Some("verify")));
    let is_for_signatures = key.get("use").is_none_or(|of| of.text().as_deref() == Some("sig"));
    if !verifies || !is_for_signatures {
        return Ok(None);
    }
    let kty = key.text("kty").ok_or("it has no `kty`")?;
    let curve = key.text("crv");
    let (all, material) = match (&*kty, curve.as_deref()) {
        ("RSA", _) => (Algorithms::RSA, Material::Rsa { modulus: number(key, "n")?, exponent: number(key, "e")? }),
        ("EC", Some("P-256")) => (Algorithms::P256, Material::Point(Algorithm::Es256, point(key, 32)?)),
        ("EC", Some("P-384")) => (Algorithms::P384, Material::Point(Algorithm::Es384, point(key, 48)?)),
        ("EC", Some("P-521")) => (Algorithms::P521, Material::Point(Algorithm::Es512, point(key, 66)?)),
        ("OKP", Some("Ed25519")) => (Algorithms::ED25519, Material::Ed25519(exactly(key, "x", 32)?)),
        ("oct", _) => (Algorithms::MACS, Material::Secret(bytes(key, "k")?)),
        _ => return Ok(None),
    };
    // One that names its algorithm is for no other.
    let algorithms = match key.get("alg") {
        None => all,
        Some(name) => match name.text().and_then(|name| Algorithm::named(&name)) {
            Some(algorithm) => all.and(Algorithms::of(&[algorithm])),
            None => Algorithms::NONE,
        },
    };
    let kid = key.get("kid").map(|kid| kid.text().ok_or("`kid` is no text")).transpose()?.map(Cow::into_owned);
    Ok((!algorithms.is_empty()).then(|| Key {
        kid,
        algorithms,
        material,
        imported: RefCell::default(),
        is_broken: Cell::default(),
    }))
}

fn bytes(key: &Object<'_>, name: &str) -> Result<Vec<u8>, String> {
    let missing = || ["it has no `", name, "`"].concat();
    let text = key.text(name).ok_or_else(missing)?;
    base64::decode(text.as_bytes()).map_err(|_| ["`", name, "` is no base64url"].concat())
}

/// A number without zeros in front.
fn number(key: &Object<'_>, name: &str) -> Result<Vec<u8>, String> {
    let mut bytes = bytes(key, name)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    Ok(bytes)
}

fn exactly(key: &Object<'_>, name: &str, length: usize) -> Result<Vec<u8>, String> {
    let bytes = bytes(key, name)?;
    if bytes.len() == length { Ok(bytes) } else { Err(["`", name, "` has the wrong length"].concat()) }
}

fn point(key: &Object<'_>, coordinate: usize) -> Result<Vec<u8>, String> {
    Ok([vec![4], exactly(key, "x", coordinate)?, exactly(key, "y", coordinate)?].concat())
}

/// What came of looking at a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    Right,
    Wrong,
    /// The host knows too many keys of this instance.
    TooManyKeys,
}

impl Key {
    /// Whether it can check signatures of this algorithm.
    pub(crate) fn fits(&self, algorithm: Algorithm) -> bool {
        self.algorithms.has(algorithm) && !self.is_broken.get()
    }

    /// Checks a signature of an algorithm that it fits.
    pub(crate) fn check(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> weir::Result<Checked> {
        let is_right = match (algorithm.check(), &self.material) {
            (Check::Mac(hash), Material::Secret(secret)) => {
                let mac = crypto::hmac(hash, secret, message)?;
                // RFC 7518, 3.2: a key is at least as long as the hash.
                if secret.len() < mac.len() {
                    self.give_up("it is shorter than the hash");
                    return Ok(Checked::Wrong);
                }
                mac.len() == signature.len() && crypto::equal(mac, signature)
            }
            (Check::Key(kind), material) if signature.len() == material.signature() => {
                match self.import()? {
                    Import::Done => {}
                    Import::Broken => return Ok(Checked::Wrong),
                    Import::TooMany => return Ok(Checked::TooManyKeys),
                }
                let imported = self.imported.borrow();
                imported.as_ref().is_some_and(|key| key.verify(kind, message, signature).unwrap_or(false))
            }
            _ => false,
        };
        Ok(if is_right { Checked::Right } else { Checked::Wrong })
    }

    /// Takes back what the host knows of it.
    pub(crate) fn release(&self) {
        self.imported.take();
    }

    /// Hands it to the host, on first use: most sets have keys that no token names.
    fn import(&self) -> weir::Result<Import> {
        if self.imported.borrow().is_some() {
            return Ok(Import::Done);
        }
        let imported = match &self.material {
            Material::Rsa { modulus, exponent } => PublicKey::rsa(modulus.clone(), exponent.clone()),
            Material::Point(Algorithm::Es256, point) => PublicKey::p256(point.clone()),
            Material::Point(Algorithm::Es384, point) => PublicKey::p384(point.clone()),
            Material::Point(_, point) => PublicKey::p521(point.clone()),
            Material::Ed25519(key) => PublicKey::ed25519(key.clone()),
            Material::Secret(_) => return Ok(Import::Broken),
        };
        match imported {
            Ok(key) => {
                self.imported.replace(Some(key));
                Ok(Import::Done)
            }
            Err(weir::Refusal::TooLarge) => Ok(Import::TooMany),
            Err(weir::Refusal::InvalidValue) => {
                self.give_up("it is no key that signatures can be checked with; one of RSA has 2048 to 8192 bits");
                Ok(Import::Broken)
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Never tries it again, and says so once.
    fn give_up(&self, why: &str) {
        self.is_broken.set(true);
        let kid =
            self.kid.as_deref().map_or_else(|| "without a `kid`".to_owned(), |kid| ["`", &shown(kid), "`"].concat());
        weir::log(weir::Level::Error, &["key ", &kid, " of `jwks` is broken: ", why].concat());
    }
}

enum Import {
    Done,
    Broken,
    TooMany,
}

impl Material {
    /// How long a signature is; nothing else needs to be looked at.
    fn signature(&self) -> usize {
        match self {
            Self::Rsa { modulus, .. } => modulus.len(),
            // Raw r and s, each as long as a coordinate.
            Self::Point(_, point) => point.len() - 1,
            Self::Ed25519(_) => 64,
            Self::Secret(_) => 0,
        }
    }
}
