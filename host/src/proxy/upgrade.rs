//! Exchanges that switch to another protocol, such as WebSocket: bytes pass in both directions until both have ended.
//!
//! What the bytes mean is not looked at. Each side's end is passed on to the other, so that half-closed works.

use std::cell::Cell;
use std::fmt::Debug;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use http::{HeaderValue, StatusCode, header, request, response};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::record::{Ended, Ongoing};
use super::{Connection, Listener, Listening, Stage};
use crate::upstream::{self, ResponseBody, Tunnel};

/// Bytes that are read at once.
const READ: usize = 8 << 10;

/// Both ends, from the upstream's agreement to the head that tells the client.
#[derive(Debug)]
pub(super) struct Switch {
    protocol: Option<HeaderValue>,
    client: OnUpgrade,
    upstream: Tunnel,
    /// The client's connection is one until the tunnel ends: its listener's limit and a drain count it.
    open: Rc<dyn Debug>,
    /// Where that was accepted.
    listener: Rc<Listener>,
}

impl Switch {
    /// The upstream has agreed to change to this protocol.
    pub(super) fn new(
        protocol: Option<HeaderValue>,
        body: ResponseBody,
        request: &mut request::Parts,
        connection: &Connection,
    ) -> Result<Self, upstream::Error> {
        let refused = || upstream::Broken::Invalid("it switches protocols before it has the request");
        let upstream = body.into_tunnel().ok_or_else(refused)?;
        let client = request.extensions.remove::<OnUpgrade>();
        let client = client.ok_or(upstream::Error::Request("its connection cannot be switched"))?;
        let (open, listener) = (Rc::clone(&connection.open), Rc::clone(&connection.listener));
        Ok(Self { protocol, client, upstream, open, listener })
    }

    /// Completes the head, and joins both ends once the client has it. A filter may have decided otherwise.
    pub(super) fn begin(self, head: &mut response::Parts, mut ongoing: Ongoing) {
        if head.status != StatusCode::SWITCHING_PROTOCOLS {
            ongoing.outcome.ended = Ended::Complete;
            return;
        }
        head.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        if let Some(protocol) = self.protocol {
            head.headers.insert(header::UPGRADE, protocol);
        }
        tokio::task::spawn_local(async move {
            let _open = self.open;
            carry(self.client, self.upstream, ongoing, &self.listener).await;
        });
    }
}

/// The exchange's life from here on; its record is written at the end of it.
async fn carry(client: OnUpgrade, mut upstream: Tunnel, mut ongoing: Ongoing, listener: &Listener) {
    // Otherwise the client has gone.
    if let Ok(client) = client.await {
        let listening = Listening::to(&listener.drain);
        let received = Rc::clone(ongoing.received());
        let outcome = &mut ongoing.outcome;
        let moved = (&*received, &mut outcome.sent);
        outcome.ended = join(&mut TokioIo::new(client), &mut upstream, moved, listening).await;
    }
}

/// Passes bytes until both directions have ended, or one has failed, or nothing moves for too long, or the listener's time
/// is over.
async fn join(
    client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    upstream: &mut Tunnel,
    (received, sent): (&Cell<u64>, &mut u64),
    mut listening: Listening,
) -> Ended {
    let (mut up, mut down) = (Direction::default(), Direction::default());
    let mut wait = upstream.idle();
    std::future::poll_fn(|context| {
        while let Poll::Ready(stage) = listening.poll(context) {
            if stage == Stage::Over {
                return Poll::Ready(Ended::Open);
            }
        }
        let before = up.moved + down.moved;
        let (to_upstream, to_client) = (up.poll(client, upstream, context), down.poll(upstream, client, context));
        received.set(up.moved);
        *sent = down.moved;
        let ended = match (to_upstream, to_client) {
            (Poll::Ready(Err(End::Read)), _) | (_, Poll::Ready(Err(End::Write))) => Ended::Open,
            (Poll::Ready(Err(End::Write)), _) | (_, Poll::Ready(Err(End::Read))) => Ended::UpstreamBroke,
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => Ended::Complete,
            _ => {
                if up.moved + down.moved != before {
                    wait = upstream.idle();
                }
                ready!(Pin::new(&mut wait).poll(context));
                Ended::UpstreamTimeout
            }
        };
        Poll::Ready(ended)
    })
    .await
}

/// Which end of a direction failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Read,
    Write,
}

/// One direction. It holds no room while it is quiet.
#[derive(Debug, Default)]
struct Direction {
    held: Vec<u8>,
    written: usize,
    moved: u64,
    has_ended: bool,
    is_shut: bool,
}

impl Direction {
    /// Goes on; ready once the end has been passed on.
    fn poll(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
        context: &mut Context<'_>,
    ) -> Poll<Result<(), End>> {
        loop {
            while self.written < self.held.len() {
                match ready!(Pin::new(&mut *to).poll_write(context, &self.held[self.written..])) {
                    Ok(length) if length > 0 => {
                        self.written += length;
                        self.moved += length as u64;
                    }
                    _ => return Poll::Ready(Err(End::Write)),
                }
            }
            self.held.clear();
            self.written = 0;
            if self.has_ended {
                if !self.is_shut {
                    ready!(Pin::new(&mut *to).poll_shutdown(context)).map_err(|_| End::Write)?;
                    self.is_shut = true;
                }
                return Poll::Ready(Ok(()));
            }
            let mut room = [MaybeUninit::uninit(); READ];
            let mut room = ReadBuf::uninit(&mut room);
            match Pin::new(&mut *from).poll_read(context, &mut room) {
                Poll::Ready(Ok(())) if room.filled().is_empty() => self.has_ended = true,
                Poll::Ready(Ok(())) => self.held.extend_from_slice(room.filled()),
                Poll::Ready(Err(_)) => return Poll::Ready(Err(End::Read)),
                Poll::Pending => {
                    self.held = Vec::new();
                    return match Pin::new(&mut *to).poll_flush(context) {
                        Poll::Ready(Err(_)) => Poll::Ready(Err(End::Write)),
                        _ => Poll::Pending,
                    };
                }
            }
        }
    }
}
