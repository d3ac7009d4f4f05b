//! Files for answers: looked for and read on the worker as far as the system has them at hand, elsewhere where the disk
//! has to be waited for.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http_body::{Body, Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

use super::body::Content;
use crate::clock::{Sleep, within};
use crate::files::{Asked, How, Piece, Pieces, Sent, Served, Wanted, serve};
use crate::plugin::{Chain, ExchangeId, Held, OpenFile, Pools, Sending};
use crate::upstream::Error;

/// Answers with the file that a filter wants sent. None if there is none, and the request goes on.
pub(super) async fn send(pools: &Pools, chain: &Chain, held: &mut Held, mut sending: Sending) -> Option<Content> {
    let patience = pools.patience(chain, &sending);
    let asked = Asked::of(&held.request, held.id.to_hex());
    let (sent, place) = match pools.open_file(chain, &sending) {
        Err(most) => (Sent::too_many(most), None),
        Ok(place) => match serve(&mut sending.wanted, &asked, How::AtHand) {
            Served::Sent(sent) => (sent, Some(place)),
            Served::GoesOn(code) => return go_on(pools, chain, held, &sending, code),
            Served::NotAtHand => match elsewhere(sending.wanted.clone(), asked, place, patience).await {
                Err(sent) => (sent, None),
                Ok((Served::Sent(sent), place)) => (sent, Some(place)),
                Ok((Served::GoesOn(code), _)) => return go_on(pools, chain, held, &sending, code),
                Ok((Served::NotAtHand, _)) => (Sent::too_slow(patience), None),
            },
        },
    };
    let Sent { head, code, detail, mut pieces } = *sent;
    let content = if held.request.method == Method::HEAD {
        Content::empty()
    } else if let Some(bytes) = pieces.whole() {
        Content::Whole(bytes, None)
    } else {
        let name = format!("{} of {}", detail, sending.wanted.directory.path().display());
        Content::Made(Box::pin(FileBody::new(pieces, place, patience, held.id, name)))
    };
    pools.sent(chain, held, &sending, (head, code, detail));
    Some(content)
}

fn go_on(pools: &Pools, chain: &Chain, held: &mut Held, sending: &Sending, code: &str) -> Option<Content> {
    pools.went_on(chain, held, sending, code);
    None
}

/// Where the disk may be waited for. The place stays taken until that is over, whoever still waits.
async fn elsewhere(
    mut wanted: Wanted,
    asked: Asked,
    place: OpenFile,
    patience: Duration,
) -> Result<(Served, OpenFile), Box<Sent>> {
    let work = spawn_blocking(move || (serve(&mut wanted, &asked, How::Waiting), place));
    match within(patience, work).await {
        Some(Ok(served)) => Ok(served),
        Some(Err(_)) | None => Err(Sent::too_slow(patience)),
    }
}

/// A file on its way, one piece at a time: the next is read when the one before has been taken.
struct FileBody {
    state: State,
    left: u64,
    patience: Duration,
    exchange: ExchangeId,
    name: String,
}

type Reading = (Pieces, Option<OpenFile>);

enum State {
    Here(Reading),
    /// A piece is read elsewhere; until then at most.
    Elsewhere(JoinHandle<(Reading, Piece)>, Sleep),
    Over,
}

impl FileBody {
    fn new(pieces: Pieces, place: Option<OpenFile>, patience: Duration, exchange: ExchangeId, name: String) -> Self {
        Self { left: pieces.left(), state: State::Here((pieces, place)), patience, exchange, name }
    }

    /// The answer ends before it is whole.
    fn cut(&mut self, why: &dyn std::fmt::Display) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.state = State::Over;
        tracing::warn!(exchange = %self.exchange, "the answer with {} is cut off: {why}", self.name);
        Poll::Ready(Some(Err(Error::Cut)))
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        loop {
            let (mut reading, piece) = match std::mem::replace(&mut this.state, State::Over) {
                State::Over => return Poll::Ready(None),
                State::Here(_) if this.left == 0 => return Poll::Ready(None),
                State::Here(mut reading) => {
                    let piece = reading.0.next(How::AtHand);
                    (reading, piece)
                }
                State::Elsewhere(mut work, mut limit) => match Pin::new(&mut work).poll(context) {
                    Poll::Ready(Ok(read)) => read,
                    Poll::Ready(Err(error)) => return this.cut(&error),
                    Poll::Pending => {
                        if Pin::new(&mut limit).poll(context).is_ready() {
                            let why = format!("the disk did not answer within {:?} (`limits.wait`)", this.patience);
                            return this.cut(&why);
                        }
                        this.state = State::Elsewhere(work, limit);
                        return Poll::Pending;
                    }
                },
            };
            match piece {
                Piece::Bytes(bytes) => {
                    this.left -= bytes.len() as u64;
                    // With the last byte the file is closed, whether or not the client has it yet.
                    if this.left > 0 {
                        this.state = State::Here(reading);
                    }
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Piece::NotAtHand => {
                    let work = spawn_blocking(move || {
                        let piece = reading.0.next(How::Waiting);
                        (reading, piece)
                    });
                    this.state = State::Elsewhere(work, Sleep::new(this.patience));
                }
                Piece::Broke(error) => return this.cut(&error),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
