//! The upstream of a case: an HTTP/1.1 server on this machine that answers what the step says, and remembers what it got.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, spawn_local};

use super::seen::Received;
use crate::clock;
use crate::config::cases::{Answer, Body, Failure};

/// The upstream.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) address: SocketAddr,
    accepting: Option<JoinHandle<()>>,
    play: Rc<RefCell<Play>>,
}

#[derive(Debug, Default)]
struct Play {
    answer: Option<Answer>,
    received: Vec<Received>,
}

impl Origin {
    pub(super) async fn open() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut origin = Self { address: listener.local_addr()?, accepting: None, play: Rc::default() };
        origin.accept(listener);
        Ok(origin)
    }

    fn accept(&mut self, listener: TcpListener) {
        let play = Rc::clone(&self.play);
        self.accepting = Some(spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                spawn_local(serve(stream, Rc::clone(&play)));
            }
        }));
    }

    /// From here on it answers this.
    pub(super) async fn begin(&mut self, answer: &Answer) -> std::io::Result<()> {
        let is_closed = answer.failure == Some(Failure::Unreachable);
        if is_closed && let Some(accepting) = self.accepting.take() {
            accepting.abort();
            // The socket is closed when the task is gone.
            let _ = accepting.await;
        } else if !is_closed && self.accepting.is_none() {
            self.accept(TcpListener::bind(self.address).await?);
        }
        *self.play.borrow_mut() = Play { answer: Some(answer.clone()), received: Vec::new() };
        Ok(())
    }

    /// What it got since.
    pub(super) fn received(&self) -> Vec<Received> {
        std::mem::take(&mut self.play.borrow_mut().received)
    }
}

async fn serve(stream: TcpStream, play: Rc<RefCell<Play>>) {
    let answer = |request: Request<Incoming>| {
        let play = Rc::clone(&play);
        async move { answer(request, &play).await.ok_or(Gone) }
    };
    // Without `Date`: what comes is what the case says. One exchange for each connection, for the next step may close it.
    let mut server = hyper::server::conn::http1::Builder::new();
    let done =
        server.auto_date_header(false).keep_alive(false).serve_connection(TokioIo::new(stream), service_fn(answer));
    let _ = done.await;
}

/// There is no answer: the connection closes.
#[derive(Debug, thiserror::Error)]
#[error("the case says so")]
struct Gone;

async fn answer(request: Request<Incoming>, play: &RefCell<Play>) -> Option<Response<Pieces>> {
    let (head, body) = request.into_parts();
    // Of one that breaks off nothing is told: the proxy cut it.
    let body = body.collect().await.ok()?.to_bytes();
    let path = head.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    let received = Received { upstream: None, method: head.method.to_string(), path, headers: head.headers, body };
    let answer = {
        let mut play = play.borrow_mut();
        play.received.push(received);
        play.answer.clone()?
    };
    clock::advance(answer.delay);
    match answer.failure {
        Some(Failure::Timeout) => std::future::pending().await,
        Some(_) => None,
        None => Some(Response::from_parts(answer.head, Pieces::of(answer.body))),
    }
}

/// A body that comes piece by piece: each has left before the next is there, so that pieces do not run together.
#[derive(Debug)]
pub(super) struct Pieces {
    left: VecDeque<Bytes>,
    length: Option<u64>,
    breaks: bool,
    waits: bool,
}

impl Pieces {
    pub(super) fn of(body: Body) -> Self {
        let length = body.pieces.iter().map(|piece| piece.len() as u64).sum();
        Self { left: body.pieces.into(), length: body.has_length.then_some(length), breaks: body.breaks, waits: false }
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.waits {
            self.waits = false;
            // Behind those who have something to read by then.
            let mut turn = std::pin::pin!(tokio::task::yield_now());
            let _ = turn.as_mut().poll(context);
            return Poll::Pending;
        }
        self.waits = true;
        match self.left.pop_front() {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            None if self.breaks => Poll::Ready(Some(Err(std::io::Error::other("the case says that it breaks off")))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && !self.breaks
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, |length| {
            let left: u64 = self.left.iter().map(|piece| piece.len() as u64).sum();
            SizeHint::with_exact(left.min(length))
        })
    }
}
