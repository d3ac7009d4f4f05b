//! Connections for stores: TCP and TLS as endpoints have them, without HTTP.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::tls::{Tls, TlsPeer};
use crate::store::redis::{self, Address, Dialled};

/// For a handshake: a server that waits for the end of a line may never answer one.
const HANDSHAKE: Duration = Duration::from_secs(5);

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
                io::Error::other(format!("no certificate can be for `{name}`; `tls: {{ server_name }}` says another"))
            })?;
            let silent = |_| io::Error::other("it does not answer in TLS; write redis:// if it should not");
            Ok(timeout(HANDSHAKE, peer.connect(stream, true)).await.map_err(silent)?? as _)
        })
    }
}
