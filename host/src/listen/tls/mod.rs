//! TLS towards clients: which versions, which certificate, and the handshake.

mod certificate;
mod names;
mod operators;

pub use operators::OperatorTls;

use std::io;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, NoServerSessionStorage};
use rustls::{ProtocolVersion, ServerConfig};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use self::certificate::Pair;
use self::names::Names;
use crate::config::{self, Fault, Place};
use crate::io::Tcp;
use crate::plugin;
use crate::telemetry::metrics::HandshakeFailed;

/// What a client reads that speaks HTTP where TLS is spoken.
const SPEAKS_HTTPS: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 23\r\nConnection: close\r\n\r\nthis port speaks https\n";

/// The client spoke HTTP where TLS is spoken.
#[derive(Debug, thiserror::Error)]
#[error("HTTP was spoken where TLS is")]
struct SpokeHttp;

/// A listener's TLS.
pub(super) struct Tls {
    config: Arc<ServerConfig>,
    /// Of everything that it was made from.
    digest: [u8; 32],
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads and checks certificates and keys. The one before is kept if the files hold the same, for its tickets and
    /// sessions are its own.
    pub(super) fn load(tls: &config::Tls, before: Option<&Self>) -> Result<Self, Vec<Fault>> {
        let (names, digest) = load(&tls.certificates)?;
        if let Some(before) = before.filter(|before| before.digest == digest) {
            return Ok(Self { config: Arc::clone(&before.config), digest });
        }
        let config = configure(names, Arc::new(NoClientAuth), &[b"h2", b"http/1.1"]).map_err(|error| {
            // Not the operator's doing: the random source, or the library.
            let place = tls.certificates.first().map_or(Place::default(), |certificate| certificate.cert.place);
            vec![Fault::new(place, format!("TLS cannot be set up: {error}"))]
        })?;
        Ok(Self { config: Arc::new(config), digest })
    }

    /// The handshake.
    pub(super) async fn accept(&self, stream: Tcp) -> io::Result<TlsStream<Tcp>> {
        let mut first = [0; 1];
        stream.get_ref().peek(&mut first).await?;
        // A record begins with its type, a small number; a request with its method.
        if first[0].is_ascii_alphabetic() {
            let _ = refuse(stream).await;
            return Err(io::Error::other(SpokeHttp));
        }
        TlsAcceptor::from(Arc::clone(&self.config)).accept(stream).await
    }
}

/// The version that both agreed on, as its place among those that are counted.
pub(super) fn version(stream: &TlsStream<Tcp>) -> usize {
    match stream.get_ref().1.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => 0,
        Some(ProtocolVersion::TLSv1_3) => 1,
        _ => 2,
    }
}

/// How a handshake failed, as it is counted.
pub(super) fn failure(error: &io::Error) -> HandshakeFailed {
    let Some(cause) = error.get_ref() else { return HandshakeFailed::Closed };
    if cause.is::<SpokeHttp>() {
        HandshakeFailed::PlainHttp
    } else if cause.is::<rustls::Error>() {
        HandshakeFailed::Refused
    } else {
        HandshakeFailed::Closed
    }
}

/// How the connection is protected, for filters.
pub(super) fn facts(stream: &TlsStream<Tcp>) -> plugin::Tls {
    let (_, session) = stream.get_ref();
    let name = |name: Option<&str>| name.unwrap_or_default().to_owned();
    plugin::Tls {
        version: match session.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2".to_owned(),
            Some(ProtocolVersion::TLSv1_3) => "TLSv1.3".to_owned(),
            other => name(other.and_then(|version| version.as_str())),
        },
        cipher: name(session.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str())),
        server_name: session.server_name().map(str::to_owned),
    }
}

/// Tells a client that speaks HTTP, and waits until it has gone: closing on what it still sends would take the answer
/// from it.
async fn refuse(mut stream: Tcp) -> io::Result<()> {
    stream.write_all(SPEAKS_HTTPS).await?;
    stream.shutdown().await?;
    let mut ignored = [0; 1024];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}

/// Reads and checks certificates and keys; and their digest.
fn load(certificates: &[config::Certificate]) -> Result<(Names, [u8; 32]), Vec<Fault>> {
    let (mut pairs, mut faults) = (Vec::new(), Vec::new());
    for certificate in certificates {
        match Pair::load(certificate) {
            Ok(pair) => pairs.push(pair),
            Err(found) => faults.extend(found),
        }
    }
    let digest = digest(&pairs);
    match Names::new(pairs) {
        Ok(names) if faults.is_empty() => Ok((names, digest)),
        Ok(_) => Err(faults),
        Err(found) => Err(faults.into_iter().chain(found).collect()),
    }
}

fn digest(pairs: &[Pair]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for pair in pairs {
        digest.update(pair.digest);
    }
    digest.finalize().into()
}

fn configure(
    names: Names,
    clients: Arc<dyn ClientCertVerifier>,
    protocols: &[&[u8]],
) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    // TLS 1.2 and 1.3.
    let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = versions.with_client_cert_verifier(clients).with_cert_resolver(Arc::new(names));
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    // Sessions are in the clients' tickets: every worker can resume them, and no store of them needs a lock.
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}
