//! TLS for operators: their address has certificates of its own, and may want theirs.

use std::io;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, WebPkiClientVerifier};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::certificate::authorities;
use super::{Tls, configure, load};
use crate::config::{AdminTls, Fault, Located};
use crate::io::Tcp;

/// Settings, verified.
#[derive(Debug)]
pub struct OperatorTls(Tls);

impl OperatorTls {
    /// Reads and checks the files. With open probes, a caller may come without a certificate: then it is the requests that
    /// are refused.
    pub fn load(tls: &AdminTls, has_open_probes: bool) -> Result<Self, Vec<Fault>> {
        let clients = tls.client_ca.as_ref().map(|ca| verifier(ca, has_open_probes)).transpose();
        let (names, clients) = match (load(&tls.certificates), clients) {
            (Ok(names), Ok(clients)) => (names, clients),
            (names, clients) => {
                let faults = names.err().into_iter().flatten().chain(clients.err().map(|fault| *fault));
                return Err(faults.collect());
            }
        };
        let (names, digest) = names;
        let clients = clients.unwrap_or_else(|| Arc::new(NoClientAuth));
        let config = configure(names, clients, &[b"http/1.1"]).map_err(|error| {
            let place = tls.certificates.first().map(|certificate| certificate.cert.place);
            vec![Fault::new(place.unwrap_or_default(), format!("TLS cannot be set up: {error}"))]
        })?;
        Ok(Self(Tls { config: Arc::new(config), digest }))
    }

    /// The handshake; tells whether the caller has shown a certificate.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<(TlsStream<Tcp>, bool)> {
        let stream = self.0.accept(Tcp::new(stream, Arc::default())).await?;
        let has_certificate = stream.get_ref().1.peer_certificates().is_some();
        Ok((stream, has_certificate))
    }
}

/// Who counts as an operator: whom these authorities vouch for.
fn verifier(ca: &Located<std::path::PathBuf>, may_be_nobody: bool) -> Result<Arc<dyn ClientCertVerifier>, Box<Fault>> {
    let cannot = |why: &dyn std::fmt::Display| {
        Box::new(Fault::new(ca.place, format!("the authorities in {} cannot be used: {why}", ca.value.display())))
    };
    let mut roots = RootCertStore::empty();
    for certificate in authorities(ca)? {
        roots.add(certificate).map_err(|error| cannot(&error))?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = if may_be_nobody { builder.allow_unauthenticated() } else { builder };
    builder.build().map(|verifier| verifier as _).map_err(|error| cannot(&error))
}
