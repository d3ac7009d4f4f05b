//! Connecting to an endpoint: TCP, TLS, and which HTTP is spoken then.

use std::io;
use std::rc::Rc;
use std::time::Instant;

use tokio::net::TcpStream;

use super::deadlines::{Deadlines, within};
use super::endpoint::Endpoint;
use super::http1::Exchange;
use super::http2;
use super::kept::{Kept, Link, Need};
use super::stream::{Bytes, Stream};
use super::{Error, tls};
use crate::config::Scheme;
use crate::telemetry::metrics::Open;

/// A new connection; or one that many share and another exchange has just made.
pub(super) async fn link(endpoint: &Endpoint, kept: &Kept, need: Need, deadlines: &Deadlines) -> Result<Link, Error> {
    let could_share = || need == Need::Any && endpoint.config.scheme != Scheme::Http && !kept.is_http1.get();
    let connecting = async {
        let mut turn = None;
        if could_share() {
            turn = Some(kept.opening.lock().await);
            if let Some(shared) = kept.shared() {
                return Ok(Link::Http2(shared));
            }
            if !could_share() {
                turn = None;
            }
        }
        let link = open(endpoint, need == Need::Http1).await?;
        match &link {
            Link::Http2(connection) if need == Need::Any => kept.share(connection),
            Link::Http1(_) if turn.is_some() => kept.is_http1.set(true),
            _ => {}
        }
        Ok(link)
    };
    let failed = |cause| Error::Connect { to: endpoint.name.to_string(), cause, tried: 1 };
    match within(deadlines.connect(), connecting).await {
        Ok(link) => link.map_err(failed),
        Err(Error::Timeout(_)) => Err(failed(io::ErrorKind::TimedOut.into())),
        Err(error) => Err(error),
    }
}

async fn open(endpoint: &Endpoint, needs_http1: bool) -> io::Result<Link> {
    let began = Instant::now();
    let stream = TcpStream::connect((endpoint.config.host.as_str(), endpoint.config.port)).await?;
    stream.set_nodelay(true)?;
    let (stream, is_http2) = match &endpoint.tls {
        None => (Bytes::Plain(stream), endpoint.config.scheme == Scheme::H2c),
        Some(peer) => {
            let stream = peer.connect(stream, needs_http1).await?;
            let is_http2 = tls::chose_http2(&stream);
            (Bytes::Tls(stream), is_http2)
        }
    };
    let counts = endpoint.counts.keep();
    counts.connecting.observe(began.elapsed());
    let stream = Stream::new(stream, Open::new(counts));
    Ok(if is_http2 {
        Link::Http2(Rc::new(http2::Connection::open(stream).await?))
    } else {
        Link::Http1(Exchange::new(stream))
    })
}
