//! A certificate and its key, from their files; and what can be wrong with them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use webpki::{EndEntityCert, KeyUsage};

use crate::config::{Certificate, Fault, Located, Place};

/// A sound pair.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) key: Arc<CertifiedKey>,
    /// The hosts that it is for, in lower case; `*.` stands for one label.
    pub(super) names: Vec<String>,
    /// Of both files.
    pub(super) digest: [u8; 32],
    /// Where the certificate stands in the configuration.
    pub(super) place: Place,
}

impl Pair {
    pub(super) fn load(files: &Certificate) -> Result<Self, Vec<Fault>> {
        let (chain, key) = match (certificates(&files.cert), private_key(&files.key)) {
            (Ok(chain), Ok(key)) => (chain, key),
            (chain, key) => return Err([chain.err(), key.err()].into_iter().flatten().collect()),
        };
        let digest = Sha256::new().chain_update(&chain.text).chain_update(&key.text).finalize().into();
        let place = files.cert.place;
        let path = files.cert.value.display();
        let names = names(&chain.value[0], &files.cert).map_err(|fault| vec![fault])?;
        let key = CertifiedKey::from_der(chain.value, key.value, &aws_lc_rs::default_provider()).map_err(|error| {
            vec![match error {
                rustls::Error::InconsistentKeys(_) => Fault::new(
                    files.key.place,
                    format!("the key in {} does not belong to the certificate in {path}", files.key.value.display()),
                )
                .help(
                    "name the key that the certificate was made for; in a chain, the server's own certificate is first",
                ),
                _ => Fault::new(
                    files.key.place,
                    format!("the key in {} cannot be used: {error}", files.key.value.display()),
                )
                .help("RSA from 2048 bits, ECDSA P-256, P-384 or P-521, or Ed25519"),
            }]
        })?;
        Ok(Self { key: Arc::new(key), names, digest, place })
    }
}

/// The certificates of authorities.
pub(super) fn authorities(file: &Located<PathBuf>) -> Result<Vec<CertificateDer<'static>>, Fault> {
    certificates(file).map(|held| held.value)
}

/// What a file held, and the text itself.
struct Held<T> {
    value: T,
    text: Vec<u8>,
}

fn certificates(file: &Located<PathBuf>) -> Result<Held<Vec<CertificateDer<'static>>>, Fault> {
    let text = read(file)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(Held { value: chain, text }),
        Ok(_) => Err(Fault::new(file.place, format!("there is no certificate in {}", file.value.display())).help(
            "it must be PEM, with `-----BEGIN CERTIFICATE-----`; the server's own first, then those that vouch for it",
        )),
        Err(error) => Err(broken(file, &error)),
    }
}

fn private_key(file: &Located<PathBuf>) -> Result<Held<PrivateKeyDer<'static>>, Fault> {
    let text = read(file)?;
    match PrivateKeyDer::from_pem_slice(&text) {
        Ok(key) => Ok(Held { value: key, text }),
        Err(rustls::pki_types::pem::Error::NoItemsFound) => {
            Err(Fault::new(file.place, format!("there is no private key in {}", file.value.display()))
                .help("it must be PEM, with `-----BEGIN PRIVATE KEY-----`, and not encrypted"))
        }
        Err(error) => Err(broken(file, &error)),
    }
}

fn broken(file: &Located<PathBuf>, error: &dyn std::fmt::Display) -> Fault {
    Fault::new(file.place, format!("{} is not sound PEM: {error}", file.value.display()))
        .help("write the file again from where it came; each part needs its BEGIN and END lines")
}

fn read(file: &Located<PathBuf>) -> Result<Vec<u8>, Fault> {
    let path: &Path = &file.value;
    std::fs::read(path).map_err(|error| {
        let fault = Fault::new(file.place, format!("cannot read {}: {error}", path.display()));
        match error.kind() {
            std::io::ErrorKind::NotFound => fault.help("paths are relative to the file that names them"),
            std::io::ErrorKind::PermissionDenied => fault.help("let the user that runs weir read it"),
            _ => fault,
        }
    })
}

/// The hosts that a certificate is for. One that is out of its time is served all the same: stopping would help nobody.
fn names(certificate: &CertificateDer<'_>, file: &Located<PathBuf>) -> Result<Vec<String>, Fault> {
    let path = file.value.display();
    let parsed = EndEntityCert::try_from(certificate).map_err(|error| {
        Fault::new(file.place, format!("the first certificate in {path} cannot be used: {error}"))
            .help("it must be an X.509 certificate of version 3")
    })?;
    // Nobody is trusted to have signed it; its time is looked at before that.
    let checked = parsed.verify_for_usage(&[], &[], &[], UnixTime::now(), KeyUsage::server_auth(), None, None);
    match checked.err() {
        Some(webpki::Error::CertExpired { .. }) => {
            tracing::warn!("the certificate in {path} has expired; clients will refuse it");
        }
        Some(webpki::Error::CertNotValidYet { .. }) => {
            tracing::warn!("the certificate in {path} is not valid yet; clients will refuse it");
        }
        _ => {}
    }
    Ok(parsed.valid_dns_names().map(str::to_ascii_lowercase).collect())
}
