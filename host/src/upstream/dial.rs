//! Connections for stores: TCP and TLS as endpoints have them, without HTTP.

use tokio::net::TcpStream;

use super::tls::{Tls, TlsPeer};
use crate::store::redis::{self, Address, Dialled};

/// Connects to a store's servers.
#[derive(Debug)]
pub struct Dial {
    tls: Option<Tls>,
    server_name: Option<String>,
}

impl Dial {
    /// With TLS if the store has it; the error is for whoever wrote the authorities' file.
    pub fn new(tls: Option<&redis::Tls>) -> Result<Self, String> {
        let server_name = tls.and_then(|tls| tls.server_name.clone());
        let tls = tls.map(|tls| Tls::bare(tls.ca.as_deref())).transpose()?;
        Ok(Self { tls, server_name })
    }
}

impl redis::Dial for Dial {
    fn dial<'a>(&'a self, address: &'a Address) -> Dialled<'a> {
        Box::pin(async move {
            let stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
            stream.set_nodelay(true)?;
            let Some(tls) = &self.tls else { return Ok(Box::new(stream) as _) };
            let name = self.server_name.as_deref().unwrap_or(&address.host);
            let peer = TlsPeer::new(tls, name).ok_or_else(|| {
                std::io::Error::other(format!(
                    "no certificate can be for `{name}`; `tls: {{ server_name }}` says another"
                ))
            })?;
            Ok(peer.connect(stream, true).await? as _)
        })
    }
}
