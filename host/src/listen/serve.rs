//! One connection, from its arrival to its end: TLS if the listener has it, then whichever HTTP the client speaks.

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use tokio::net::TcpStream;

use super::quiet::unless_drained;
use super::{Arrival, Settings, http1, http2, tls};
use crate::clock::within;
use crate::io::{AHEAD, Socket, Tcp};
use crate::plugin::{self, Peer};
use crate::proxy::{Connection, Listener, Listening, Worker};

/// What a client that speaks HTTP/2 sends first (RFC 9113, 3.4).
const PREFACE: &[u8; AHEAD] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Serves the connection until either side ends it; after a drain began, until the exchanges in progress are over.
pub async fn serve(worker: Rc<Worker>, arrival: Arrival, settings: Arc<Settings>, listener: Rc<Listener>) {
    let Arrival { stream, peer, permit, .. } = arrival;
    let Ok(stream) = TcpStream::from_std(stream) else { return };
    let peer = peer.ip().to_canonical();
    let limits = settings.limits;
    let drain = Rc::clone(&listener.drain);
    let beginning = Box::pin(within(limits.head, begin(Tcp::new(stream), Arc::clone(&settings))));
    let (socket, tls, speaks_http2) = match unless_drained(&drain, beginning).await {
        Some(Some(Ok(began))) => began,
        Some(Some(Err(error))) => return tracing::debug!(%peer, "a connection ended before its first request: {error}"),
        Some(None) => return tracing::debug!(%peer, "a connection sent no request within {:?}", limits.head),
        None => return,
    };
    let peer = Peer {
        address: peer,
        is_trusted: settings.trusted_proxies.iter().any(|network| network.contains(peer)),
        scheme: if settings.tls.is_some() { "https" } else { "http" },
        listener: Arc::clone(&settings.name),
        tls,
    };
    let trusted = &settings.trusted_proxies;
    let connection = Connection::new(listener, peer, settings.redirect, trusted, Rc::new(permit));
    if speaks_http2 {
        Box::pin(http2::serve(socket, worker, connection, limits, Listening::to(&drain))).await;
    } else {
        http1::serve(socket, &worker, &connection, limits, &drain).await;
    }
}

/// The handshake and the first bytes. Those tell the protocol, whatever TLS had them agree on.
async fn begin(stream: Tcp, settings: Arc<Settings>) -> io::Result<(Socket, Option<plugin::Tls>, bool)> {
    let (mut socket, tls) = match &settings.tls {
        Some(tls) => {
            let stream = tls.accept(stream).await?;
            let facts = tls::facts(&stream);
            (Socket::wrapped(stream), Some(facts))
        }
        None => (Socket::plain(stream), None),
    };
    let speaks_http2 = loop {
        let first = socket.read_ahead().await?;
        if first == PREFACE {
            break true;
        }
        if !PREFACE.starts_with(first) {
            break false;
        }
    };
    Ok((socket, tls, speaks_http2))
}
