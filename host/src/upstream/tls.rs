//! TLS towards `https` endpoints: whose certificates count, and which protocol the server chooses.

use std::io;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::config::{Fault, Place, UpstreamTls};

/// A TLS connection to an endpoint.
pub(super) type TlsStream = tokio_rustls::client::TlsStream<TcpStream>;

/// What all `https` endpoints of an upstream share.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    /// The server chooses between HTTP/2 and HTTP/1.1.
    either: Arc<ClientConfig>,
    http1: Arc<ClientConfig>,
    /// How addresses begin that have no TLS.
    plain: &'static str,
}

impl Tls {
    /// Trusts the authorities in `ca`, the bytes of the file that the configuration names, or else the system's.
    pub(super) fn new(tls: &UpstreamTls, ca: Option<&[u8]>) -> Result<Self, Fault> {
        let place = tls.ca.as_ref().map_or(Place::default(), |ca| ca.place);
        let roots = match ca {
            Some(pem) => Arc::new(authorities(pem).map_err(|why| Fault::new(place, why))?),
            None => system().map_err(|why| {
                Fault::new(place, why).help("name a PEM file of the authorities that count as the upstream's `tls.ca`")
            })?,
        };
        let failed = |why| Fault::new(place, why);
        Ok(Self {
            either: config(&roots, &[b"h2", b"http/1.1"]).map_err(failed)?,
            http1: config(&roots, &[b"http/1.1"]).map_err(failed)?,
            plain: "http://",
        })
    }

    /// The same for what is not HTTP: nothing is chosen.
    pub(super) fn bare(ca: Option<&[u8]>) -> Result<Self, String> {
        let roots = match ca {
            Some(pem) => Arc::new(authorities(pem)?),
            None => system()?,
        };
        let config = config(&roots, &[])?;
        Ok(Self { either: Arc::clone(&config), http1: config, plain: "redis://" })
    }
}

/// TLS with one endpoint.
#[derive(Debug)]
pub(super) struct TlsPeer {
    tls: Tls,
    name: ServerName<'static>,
}

impl TlsPeer {
    /// The certificate must be for this name; none if it is no name.
    pub(super) fn new(tls: &Tls, name: &str) -> Option<Self> {
        Some(Self { tls: tls.clone(), name: ServerName::try_from(name.to_owned()).ok()? })
    }

    /// The usual causes in words, with what to do.
    fn explained(&self, error: io::Error) -> io::Error {
        let Some(cause) = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>()) else { return error };
        let name = self.name.to_str();
        let words = match cause {
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
                "its certificate is by no authority that counts; name the authority's file under `tls: { ca }`"
                    .to_owned()
            }
            rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. }) => {
                format!("its certificate is not for `{name}`; `tls: {{ server_name }}` says which name it has")
            }
            rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { .. }) => {
                "its certificate has expired".to_owned()
            }
            rustls::Error::InvalidCertificate(CertificateError::Other(other))
                if format!("{other:?}").contains("CaUsedAsEndEntity") =>
            {
                "its certificate is an authority's own; make one for the server, with basicConstraints=CA:FALSE"
                    .to_owned()
            }
            rustls::Error::InvalidMessage(_) => {
                format!("it does not answer in TLS; write {} if it should not", self.tls.plain)
            }
            _ => return error,
        };
        io::Error::new(error.kind(), words)
    }

    /// The handshake.
    pub(super) async fn connect(&self, stream: TcpStream, needs_http1: bool) -> io::Result<Box<TlsStream>> {
        let config = if needs_http1 { &self.tls.http1 } else { &self.tls.either };
        let stream = TlsConnector::from(Arc::clone(config)).connect(self.name.clone(), stream).await;
        Ok(Box::new(stream.map_err(|error| self.explained(error))?))
    }
}

/// Whether the server chose HTTP/2.
pub(super) fn chose_http2(stream: &TlsStream) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(b"h2")
}

fn config(roots: &Arc<RootCertStore>, protocols: &[&[u8]]) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| format!("TLS cannot be used: {error}"))?;
    let mut config = builder.with_root_certificates(Arc::clone(roots)).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(Arc::new(config))
}

fn authorities(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| format!("the file of authorities is not PEM: {error}"))?;
        roots.add(certificate).map_err(|error| format!("a certificate of the file cannot be used: {error}"))?;
    }
    if roots.is_empty() { Err("the file of authorities has no certificate".into()) } else { Ok(roots) }
}

/// The system's authorities, read once: they are many.
fn system() -> Result<Arc<RootCertStore>, &'static str> {
    static SYSTEM: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let roots = SYSTEM.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(roots)
    });
    if roots.is_empty() { Err("this system has no certificate authorities to trust") } else { Ok(Arc::clone(roots)) }
}
