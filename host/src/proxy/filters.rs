//! Running a chain, and doing what its filters wait for: only here does an exchange wait on their behalf.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Method;
use http_body::Body;

use super::Answered;
use super::ahead::Ahead;
use super::body::Content;
use super::piped::{Piped, WhyCut};
use super::sending::send;
use crate::clock::within;
use crate::plugin::{Armed, Chain, Cut, Document, Failed, Held, Message, Outcome, Pipe, Pools, Step};
use crate::upstream::{self, RequestBody};

/// How long an exchange waits for a document.
const DOCUMENT: Duration = Duration::from_secs(5);

/// Why a message cannot go on.
pub(super) enum Stopped {
    /// A filter failed.
    Failed(Failed),
    /// Its body broke off while a filter waited for it.
    Lost(upstream::Error),
}

impl From<Failed> for Stopped {
    fn from(failed: Failed) -> Self {
        Self::Failed(failed)
    }
}

/// How the request's way through the chain ended.
pub(super) enum Passed {
    /// With the last filter.
    On,
    /// With a filter that answered; with the body of its answer, if that is not with the exchange.
    Answered(Option<Content>),
}

/// The request's way through the chain. The client's body may be idle for so long.
pub(super) async fn request(
    pools: &Pools,
    chain: &Chain,
    held: &mut Held,
    body: &mut RequestBody,
    idle: Duration,
    why: &WhyCut,
) -> Result<Passed, Stopped> {
    let mut step = pools.request(chain, held)?;
    loop {
        step = match step {
            Step::Next => return Ok(Passed::On),
            Step::Answered => return Ok(Passed::Answered(None)),
            Step::Send(sending) => match Box::pin(send(pools, chain, held, sending)).await {
                Some(content) => return Ok(Passed::Answered(Some(content))),
                None => pools.request(chain, held)?,
            },
            Step::Lost => return Err(Stopped::Lost(Box::pin(error(std::mem::take(body))).await)),
            // Boxed, because most exchanges have no room for it to spare.
            Step::Call => match Box::pin(pools.call(chain, held, Message::Request)).await? {
                Step::Next => pools.request(chain, held)?,
                step => step,
            },
            Step::Pause(armed) => {
                let outcome = Box::pin(request_waits(armed, (pools, chain), held, body, idle, why)).await;
                held.resume(outcome);
                pools.request(chain, held)?
            }
        };
    }
}

/// The response's way back. What stops it is to be answered, and this called again.
pub(super) async fn response(
    pools: &Pools,
    chain: &Chain,
    held: &mut Held,
    upstream: &mut Option<Answered>,
    why: &WhyCut,
) -> Result<(), Stopped> {
    let mut step = pools.response(chain, held)?;
    loop {
        step = match step {
            // Files are sent in the upstream's place, before there is a response.
            Step::Next | Step::Answered | Step::Send(_) => return Ok(()),
            Step::Lost => {
                let body = upstream.take().and_then(|answered| match answered {
                    Answered::Body(body) => Some(body),
                    Answered::Switch(_) => None,
                });
                return Err(Stopped::Lost(Box::pin(error(body.unwrap_or_else(Content::empty))).await));
            }
            Step::Call => match Box::pin(pools.call(chain, held, Message::Response)).await? {
                Step::Next | Step::Answered => pools.response(chain, held)?,
                step => step,
            },
            Step::Pause(armed) => {
                let outcome = Box::pin(response_waits(armed, (pools, chain), held, upstream, why)).await;
                held.resume(outcome);
                pools.response(chain, held)?
            }
        };
    }
}

/// Tells filters that only watch of the end of a body without a byte, which nobody would read. What is left to pass.
pub(super) async fn watched(pipe: Option<Pipe>, is_empty: bool) -> Result<Option<Pipe>, Cut> {
    match pipe {
        Some(mut pipe) if is_empty && pipe.only_watches() => {
            Box::pin(pipe.push(Bytes::new(), true)).await?;
            Ok(None)
        }
        pipe => Ok(pipe),
    }
}

async fn request_waits(
    armed: Armed,
    (pools, chain): (&Pools, &Chain),
    held: &mut Held,
    body: &mut RequestBody,
    idle: Duration,
    why: &WhyCut,
) -> Outcome {
    let max = match armed {
        Armed::Refresh(document) => return refresh(&document).await,
        Armed::Buffer(max) => max,
    };
    if let Some(replaced) = held.steering(Message::Request).and_then(|steering| steering.replaced.take()) {
        *body = RequestBody::whole(replaced);
    }
    // What filters before this one asked for comes before it.
    if let Some(pipe) = Pipe::of(pools, chain, held, Message::Request) {
        *body = RequestBody::made(Piped::new(std::mem::take(body), pipe, why));
    }
    let (ahead, whole, outcome) = buffer(std::mem::take(body), max, Some(idle)).await;
    *body = RequestBody::made(ahead);
    held.buffered(Message::Request, whole);
    outcome
}

async fn response_waits(
    armed: Armed,
    (pools, chain): (&Pools, &Chain),
    held: &mut Held,
    upstream: &mut Option<Answered>,
    why: &WhyCut,
) -> Outcome {
    let max = match armed {
        Armed::Refresh(document) => return refresh(&document).await,
        Armed::Buffer(max) => max,
    };
    if held.request.method == Method::HEAD {
        // The body that GET would have is not there to be read.
        held.buffered(Message::Response, Some(Bytes::new()));
        return Outcome::Done;
    }
    let replaced = held.steering(Message::Response).and_then(|steering| steering.replaced.take());
    let trailers = held.trailers.take().map(Box::new);
    let mut content = match (replaced.or_else(|| held.body.take()), upstream.take()) {
        (Some(whole), _) => Content::Whole(whole, trailers),
        (None, Some(Answered::Body(content))) => content,
        // Nothing of a tunnel is a body.
        (None, other) => {
            *upstream = other;
            held.buffered(Message::Response, Some(Bytes::new()));
            return Outcome::Done;
        }
    };
    if let Some(pipe) = Pipe::of(pools, chain, held, Message::Response) {
        content = Content::Made(Box::pin(Piped::new(content, pipe, why)));
    }
    let (ahead, whole, outcome) = buffer(content, max, None).await;
    *upstream = Some(Answered::Body(Content::Made(Box::pin(ahead))));
    held.buffered(Message::Response, whole);
    outcome
}

async fn refresh(document: &Document) -> Outcome {
    match within(DOCUMENT, document.refresh()).await {
        Some(true) => Outcome::Done,
        Some(false) => Outcome::Failed,
        None => Outcome::TimedOut,
    }
}

/// How a body broke off.
async fn error(mut body: impl Body<Data = Bytes, Error = upstream::Error> + Unpin) -> upstream::Error {
    loop {
        match std::future::poll_fn(|context| std::pin::Pin::new(&mut body).poll_frame(context)).await {
            Some(Ok(_)) => {}
            Some(Err(error)) => return error,
            None => return upstream::Error::ClientBody("it ended while a filter waited for it".into()),
        }
    }
}

/// Reads a body up to `max` bytes. It goes on from its beginning; if all of it is there, that is given too.
async fn buffer<B>(mut body: B, max: u64, idle: Option<Duration>) -> (Ahead<B>, Option<Bytes>, Outcome)
where
    B: Body<Data = Bytes, Error = upstream::Error> + Unpin,
{
    let (mut frames, mut length) = (Vec::new(), 0);
    let mut error = None;
    let outcome = loop {
        if body.is_end_stream() {
            break Outcome::Done;
        }
        if length > max || body.size_hint().lower() > max - length {
            break Outcome::OverLimit;
        }
        let next = std::future::poll_fn(|context| std::pin::Pin::new(&mut body).poll_frame(context));
        let next = match idle {
            Some(idle) => within(idle, next).await,
            None => Some(next.await),
        };
        match next {
            Some(Some(Ok(frame))) => {
                length += frame.data_ref().map_or(0, |data| data.len() as u64);
                frames.push(frame);
            }
            Some(None) if length > max => break Outcome::OverLimit,
            Some(None) => break Outcome::Done,
            Some(Some(Err(failed))) => {
                let is_late = matches!(failed, upstream::Error::Timeout(_) | upstream::Error::Total(_));
                error = Some(failed);
                break if is_late { Outcome::TimedOut } else { Outcome::Failed };
            }
            None => {
                error = Some(upstream::Error::Timeout(idle.unwrap_or_default()));
                break Outcome::TimedOut;
            }
        }
    };
    let outcome = if outcome == Outcome::Done && length > max { Outcome::OverLimit } else { outcome };
    let whole = (outcome == Outcome::Done).then(|| {
        let mut data = frames.iter().filter_map(http_body::Frame::data_ref);
        match (data.next(), data.next()) {
            (None, _) => Bytes::new(),
            (Some(only), None) => only.clone(),
            (Some(first), Some(second)) => {
                let mut whole = BytesMut::with_capacity(usize::try_from(length).unwrap_or(0));
                [first, second].into_iter().chain(data).for_each(|piece| whole.extend_from_slice(piece));
                whole.freeze()
            }
        }
    });
    (Ahead::new(frames, error, body), whole, outcome)
}
