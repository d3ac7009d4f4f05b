//! One connection, from its arrival to its end: TLS if the listener has it, then whichever HTTP the client speaks.

use std::cell::Cell;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::net::TcpStream;

use super::{Arrival, Settings, http1, http2, tls};
use crate::clock::{Sleep, within};
use crate::io::{AHEAD, Socket, Tcp};
use crate::plugin::{self, Peer};
use crate::proxy::{Connection, Listener, Listening, Stage, Worker};

/// What a client that speaks HTTP/2 sends first (RFC 9113, 3.4).
const PREFACE: &[u8; AHEAD] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// From the beginning of a drain on, what a client has said is waited for that long.
const FIRST_WORD: Duration = Duration::from_millis(50);

/// And a client that has begun to speak has so long to finish its handshake.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// Serves the connection until either side ends it; after a drain began, until the exchanges in progress are over.
pub async fn serve(worker: Rc<Worker>, arrival: Arrival, settings: Arc<Settings>, listener: Rc<Listener>) {
    let Arrival { stream, peer, permit, .. } = arrival;
    let Ok(stream) = TcpStream::from_std(stream) else { return };
    let peer = peer.ip().to_canonical();
    let limits = settings.limits;
    let has_begun = Cell::new(false);
    let beginning = Box::pin(within(limits.head, begin(stream, Arc::clone(&settings), &has_begun)));
    let (socket, tls, speaks_http2) = match unless_drained(&listener, &has_begun, beginning).await {
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
    let listening = Listening::to(&listener.drain);
    let connection = Connection::new(listener, peer, settings.redirect, trusted, Rc::new(permit));
    if speaks_http2 {
        Box::pin(http2::serve(socket, worker, connection, limits, listening)).await;
    } else {
        http1::serve(socket, &worker, &connection, limits, listening).await;
    }
}

/// The future's output, or none if a drain came before it. A client that has begun to speak has a moment more, for it is
/// about to send a request; and what it has said may still be on its way through the system.
async fn unless_drained<F: Future>(listener: &Listener, has_begun: &Cell<bool>, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut listening = Listening::to(&listener.drain);
    let mut moment = None;
    std::future::poll_fn(|context| {
        // First, for what is there already.
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        while let Poll::Ready(stage) = listening.poll(context) {
            if stage == Stage::Over {
                return Poll::Ready(None);
            }
            moment = Some((Sleep::new(FIRST_WORD), false));
        }
        while let Some((sleep, is_last)) = &mut moment {
            ready!(Pin::new(sleep).poll(context));
            if *is_last || !has_begun.get() {
                return Poll::Ready(None);
            }
            moment = Some((Sleep::new(LAST_MOMENT), true));
        }
        Poll::Pending
    })
    .await
}

/// The handshake and the first bytes. Those tell the protocol, whatever TLS had them agree on.
async fn begin(
    stream: TcpStream,
    settings: Arc<Settings>,
    has_begun: &Cell<bool>,
) -> io::Result<(Socket, Option<plugin::Tls>, bool)> {
    stream.readable().await?;
    has_begun.set(true);
    let stream = Tcp::new(stream);
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
