//! A body on its way through what filters asked for: chunk hooks and codings, in order.
//!
//! One piece goes through all of it before the next is taken, so a body holds no more memory than a piece and what the
//! codings keep. A rewriting filter that fails cuts the message off: what it would have taken out must not pass.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::bindings::Reason;
use super::chain::{Chain, Pools, report};
use super::error::{Failed, Failure};
use super::exchange::{Answer, Held};
use super::hook::Hook;
use super::pins::Pin;
use super::pool::{Pool, Taken};
use super::steering::{self, Message};
use super::trail::{Did, Said, Streamed, Took};
use crate::coding::{self, Decoder, Encoder, Progress, Room};
use crate::config::OnFailure;

/// The most that a filter is given at once.
const LARGEST_PIECE: usize = 64 << 10;

/// The most that it may make of it.
const LARGEST_OUTPUT: usize = 1 << 20;

/// The most that it may make of all that came at once: filters behind each other that make much of little would multiply.
const LARGEST_PASS: usize = 16 << 20;

/// What a body passes.
#[derive(Debug)]
pub struct Pipe {
    stages: Vec<Stage>,
    message: Message,
    held: Held,
}

enum Stage {
    Filter(Box<Filter>),
    /// None when it has ended.
    Encode(Option<(Box<Encoder>, Room)>),
    Decode(Option<(Box<Decoder>, Room)>),
    /// A filter that watched, failed, and need not go on.
    Nothing,
}

struct Filter {
    position: usize,
    pool: Rc<Pool>,
    rewrites: bool,
    /// Counts the instance that is kept.
    pin: Option<Pin>,
    /// Of a body that ends early it is thrown away: what it holds of that body must not meet another.
    kept: Option<Taken>,
    /// What it did so far.
    streamed: Streamed,
}

/// Why a body ends early.
#[derive(Debug)]
pub enum Cut {
    /// A filter refuses it.
    Refused(Answer),
    /// A filter failed.
    Failed(Failed),
    /// What was to be decoded is damaged, or too large.
    Coding(coding::Error),
    /// The encoder failed.
    Encoder(std::io::Error),
}

impl Pipe {
    /// What filters asked for about this message; none if nothing.
    pub fn of(pools: &Pools, chain: &Chain, held: &mut Held, message: Message) -> Option<Self> {
        let steering = held.steering(message)?;
        let stages = std::mem::take(&mut steering.stages);
        if stages.is_empty() {
            return None;
        }
        let stage = |stage| match stage {
            steering::Stage::Filter { position, rewrites, pin } => Stage::Filter(Box::new(Filter {
                position,
                pool: Rc::clone(pools.pool(chain, position)),
                rewrites,
                pin,
                kept: None,
                streamed: Streamed::default(),
            })),
            steering::Stage::Encode(encoder, room) => Stage::Encode(Some((encoder, room))),
            steering::Stage::Decode(decoder, room) => Stage::Decode(Some((decoder, room))),
        };
        Some(Self { stages: stages.into_iter().map(stage).collect(), message, held: held.beside() })
    }

    /// What becomes of the next piece; the last has `end`.
    pub async fn push(&mut self, bytes: Bytes, end: bool) -> Result<Vec<Bytes>, Cut> {
        self.pass(pieces(bytes), if end { Then::End } else { Then::More }).await
    }

    /// What is still kept by codings: nothing more comes for now, and the client should have what came.
    pub async fn flush(&mut self) -> Result<Vec<Bytes>, Cut> {
        self.pass(Vec::new(), Then::Flush).await
    }

    /// Whether filters look at the body, and nothing changes it.
    pub fn only_watches(&self) -> bool {
        self.stages.iter().all(|stage| match stage {
            Stage::Filter(filter) => !filter.rewrites,
            Stage::Nothing => true,
            Stage::Encode(_) | Stage::Decode(_) => false,
        })
    }

    /// Whether a coding may keep bytes back.
    pub fn encodes(&self) -> bool {
        self.stages.iter().any(|stage| matches!(stage, Stage::Encode(_)))
    }

    /// Whether a few bytes may become many.
    pub fn decodes(&self) -> bool {
        self.stages.iter().any(|stage| matches!(stage, Stage::Decode(_)))
    }

    async fn pass(&mut self, mut pieces: Vec<Bytes>, then: Then) -> Result<Vec<Bytes>, Cut> {
        for stage in &mut self.stages {
            let filter = match stage {
                Stage::Filter(filter) => filter,
                Stage::Nothing => continue,
                Stage::Encode(encoder) => {
                    pieces = encode(encoder, &pieces, then).map_err(Cut::Encoder)?;
                    continue;
                }
                Stage::Decode(decoder) => {
                    pieces = decode(decoder, pieces, then).map_err(Cut::Coding)?;
                    continue;
                }
            };
            if then == Then::Flush && pieces.is_empty() {
                continue;
            }
            match filter.pass(self.message, &mut self.held, &pieces, then == Then::End).await {
                Ok(Some(rewritten)) => pieces = rewritten,
                Ok(None) => {}
                Err(Cut::Failed(failed)) if !filter.rewrites && failed.entry.on_failure == OnFailure::Open => {
                    self.held.leave(&mut filter.streamed);
                    *stage = Stage::Nothing;
                }
                Err(cut) => return Err(cut),
            }
        }
        Ok(pieces)
    }
}

/// Its filters' marks stay with the exchange.
impl Drop for Pipe {
    fn drop(&mut self) {
        for stage in &mut self.stages {
            if let Stage::Filter(filter) = stage {
                self.held.leave(&mut filter.streamed);
            }
        }
    }
}

/// What follows the pieces that go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    More,
    /// Nothing for now.
    Flush,
    End,
}

fn encode(encoder: &mut Option<(Box<Encoder>, Room)>, pieces: &[Bytes], then: Then) -> std::io::Result<Vec<Bytes>> {
    let mut out = Vec::new();
    if let Some((encoder, _)) = encoder {
        for piece in pieces {
            encoder.push(piece, &mut out)?;
        }
        if then == Then::Flush {
            encoder.flush(&mut out)?;
        }
    }
    if then == Then::End
        && let Some((encoder, _)) = encoder.take()
    {
        encoder.finish(&mut out)?;
    }
    Ok(self::pieces(out.into()))
}

fn decode(
    decoder: &mut Option<(Box<Decoder>, Room)>,
    pieces: Vec<Bytes>,
    then: Then,
) -> Result<Vec<Bytes>, coding::Error> {
    let mut out = Vec::new();
    if let Some((decoder, _)) = decoder {
        for mut piece in pieces {
            let mut progress = Progress::More;
            while progress == Progress::More {
                let mut made = Vec::new();
                progress = decoder.push(&mut piece, &mut made)?;
                out.extend((!made.is_empty()).then(|| Bytes::from(made)));
            }
        }
    }
    if then == Then::End
        && let Some((decoder, _)) = decoder.take()
    {
        decoder.finish()?;
    }
    Ok(out)
}

fn pieces(mut bytes: Bytes) -> Vec<Bytes> {
    let mut pieces = Vec::with_capacity(1 + bytes.len() / LARGEST_PIECE);
    while !bytes.is_empty() {
        pieces.push(bytes.split_to(bytes.len().min(LARGEST_PIECE)));
    }
    pieces
}

impl Filter {
    /// Shows the filter these pieces; what it makes of them if it rewrites.
    async fn pass(
        &mut self,
        message: Message,
        held: &mut Held,
        pieces: &[Bytes],
        end: bool,
    ) -> Result<Option<Vec<Bytes>>, Cut> {
        let mut rewritten = Vec::with_capacity(pieces.len());
        let last = pieces.len().saturating_sub(1);
        let mut length = 0;
        for (index, piece) in pieces.iter().enumerate() {
            let made = self.piece(message, held, piece, end && index == last).await?;
            length += made.len();
            if length > LARGEST_PASS {
                self.note(self.hook(message), held, Did::Failed(Failure::Output.kind()), None);
                return Err(self.failed(message, held, Failure::Output));
            }
            rewritten.extend(self::pieces(made));
        }
        if end && pieces.is_empty() {
            rewritten.extend(self::pieces(self.piece(message, held, &[], true).await?));
        }
        Ok(self.rewrites.then_some(rewritten))
    }

    fn hook(&self, message: Message) -> Hook {
        if self.rewrites { Hook::Rewrite(message) } else { Hook::Observe(message) }
    }

    async fn piece(&mut self, message: Message, held: &mut Held, piece: &[u8], end: bool) -> Result<Bytes, Cut> {
        let hook = self.hook(message);
        let (mut began, mut spent) = (None, None);
        let called = if self.pool.entry.ward.admits(&self.pool.record) {
            began = held.look_at_clock();
            spent = began.map(|_| Duration::ZERO);
            self.call(hook, held, piece, end, &mut spent).await
        } else {
            Err(Failure::Quarantine)
        };
        let took = began.map(|began| Took { began, ended: Instant::now(), polled: spent });
        let failure = match called {
            Ok(Ok(made)) if made.len() > LARGEST_OUTPUT => Failure::Output,
            Ok(Ok(made)) => {
                self.note(hook, held, Did::Next, took.as_ref());
                return Ok(made.into());
            }
            Ok(Err(why)) => {
                self.note(hook, held, Did::Answered, took.as_ref());
                let code = super::capability::word(&why.code);
                let detail = super::capability::cut(why.detail, 1 << 10);
                self.pool.sheet.answered(&code);
                self.streamed.said = Some(Said { code: code.clone(), detail: detail.clone() });
                return Err(Cut::Refused(Answer { entry: self.pool.entry.name.clone(), code, detail }));
            }
            Err(failure) => failure,
        };
        self.note(hook, held, Did::Failed(failure.kind()), took.as_ref());
        Err(self.failed(message, held, failure))
    }

    /// Counts a piece, and adds it to the mark.
    fn note(&mut self, hook: Hook, held: &mut Held, did: Did, took: Option<&Took>) {
        self.pool.sheet.count(hook, did, took);
        let said = held.trail.note.take().map(|code| Said { code, detail: String::new() });
        self.streamed.add(held.started, self.position, hook, did, took, said);
    }

    fn failed(&mut self, message: Message, held: &Held, failure: Failure) -> Cut {
        report(&self.pool, self.hook(message), Some(held.id), &failure);
        self.streamed.mark.did = Did::Failed(failure.kind());
        self.streamed.said = Some(Said { code: failure.code().to_owned(), detail: failure.to_string() });
        Cut::Failed(Failed { entry: Arc::clone(&self.pool.entry), failure })
    }

    async fn call(
        &mut self,
        hook: Hook,
        held: &mut Held,
        piece: &[u8],
        end: bool,
        spent: &mut Option<Duration>,
    ) -> Result<Result<Vec<u8>, Reason>, Failure> {
        let _waiting = self.pool.entry.waits().then(|| self.pool.enter()).transpose()?;
        let mut taken = match self.kept.take() {
            Some(kept) => kept,
            None if self.pin.is_some() => self.pool.wait().await?.pinned(),
            None => self.pool.wait().await?,
        };
        let made = if self.rewrites {
            let (made,) = taken
                .instance()
                .call::<(&[u8], bool), (Result<Vec<u8>, Reason>,)>(hook, self.position, held, (piece, end), spent)
                .await?;
            made
        } else {
            taken.instance().call::<(&[u8], bool), ()>(hook, self.position, held, (piece, end), spent).await?;
            Ok(Vec::new())
        };
        if self.pin.is_some() && !end {
            self.kept = Some(taken);
        } else {
            taken.put_back();
        }
        Ok(made)
    }
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Filter(filter) => filter.fmt(formatter),
            Self::Encode(_) => formatter.write_str("Encode"),
            Self::Decode(_) => formatter.write_str("Decode"),
            Self::Nothing => formatter.write_str("Nothing"),
        }
    }
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} at {}", self.pool.entry.name, self.position)
    }
}
