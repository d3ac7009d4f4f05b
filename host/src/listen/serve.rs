//! One connection, from its arrival to its end: TLS if the listener has it, then whichever HTTP the client speaks.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use http::{Request, Response, Version};
use hyper::body::Incoming;
use tokio::net::TcpStream;

use super::quiet::unless_drained;
use super::{Arrival, Settings, http1, http2, tls};
use crate::clock::within;
use crate::io::{AHEAD, Socket, Tcp};
use crate::plugin::{self, Peer};
use crate::proxy::{self, Connection, Listener, Listening, ReplyBody, Worker};
use crate::telemetry::metrics::{self, HandshakeFailed};

/// What a client that speaks HTTP/2 sends first (RFC 9113, 3.4).
const PREFACE: &[u8; AHEAD] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Serves the connection until either side ends it; after a drain began, until the exchanges in progress are over.
pub async fn serve(worker: Rc<Worker>, arrival: Arrival, settings: Arc<Settings>, listener: Rc<Listener>) {
    let Arrival { stream, peer, permit, .. } = arrival;
    let Ok(stream) = TcpStream::from_std(stream) else { return };
    let peer = peer.ip().to_canonical();
    let limits = settings.limits;
    let drain = Rc::clone(&listener.drain);
    let counts = permit.counts();
    let handshake = Handshake { counts: &counts, is_pending: Cell::new(settings.tls.is_some()) };
    let stream = Tcp::new(stream, Arc::clone(&counts));
    let beginning = Box::pin(within(limits.head, begin(stream, Arc::clone(&settings), &handshake)));
    let (socket, tls, speaks_http2) = match unless_drained(&drain, beginning).await {
        Some(Some(Ok(began))) => began,
        Some(Some(Err(error))) => return tracing::debug!(%peer, "a connection ended before its first request: {error}"),
        Some(None) => {
            handshake.timed_out();
            return tracing::debug!(%peer, "a connection sent no request within {:?}", limits.head);
        }
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
        Box::pin(http2::serve(socket, worker, (connection, counts), limits, Listening::to(&drain))).await;
    } else {
        http1::serve(socket, &worker, (&connection, &counts), limits, &drain).await;
    }
}

/// Serves an exchange, and counts it as the listener's.
pub(super) async fn exchange(
    worker: &Worker,
    client: &Connection,
    counts: &metrics::Listener,
    request: Request<Incoming>,
) -> Response<ReplyBody> {
    let version = match request.version() {
        Version::HTTP_10 => 0,
        Version::HTTP_11 => 1,
        Version::HTTP_2 => 2,
        _ => 3,
    };
    counts.requests[version].add(1);
    let response = proxy::handle(worker, client, request).await;
    counts.answered(response.status().as_u16());
    response
}

/// A handshake, as it is counted: once, however it ends.
struct Handshake<'a> {
    counts: &'a metrics::Listener,
    is_pending: Cell<bool>,
}

impl Handshake<'_> {
    fn over(&self, version: Result<usize, &io::Error>) {
        self.is_pending.set(false);
        match version {
            Ok(version) => self.counts.handshakes[version].add(1),
            Err(error) => self.failed(tls::failure(error)),
        }
    }

    /// The connection took too long; perhaps behind the handshake.
    fn timed_out(&self) {
        if self.is_pending.get() {
            self.failed(HandshakeFailed::Timeout);
        }
    }

    fn failed(&self, why: HandshakeFailed) {
        self.counts.handshake_failures[why as usize].add(1);
    }
}

/// The handshake and the first bytes. Those tell the protocol, whatever TLS had them agree on.
async fn begin(
    stream: Tcp,
    settings: Arc<Settings>,
    handshake: &Handshake<'_>,
) -> io::Result<(Socket, Option<plugin::Tls>, bool)> {
    let (mut socket, tls) = match &settings.tls {
        Some(tls) => {
            let stream = tls.accept(stream).await;
            handshake.over(stream.as_ref().map(tls::version));
            let stream = stream?;
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
