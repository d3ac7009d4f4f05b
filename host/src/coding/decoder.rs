//! Decoding a stream, never further than its limit.
//!
//! An empty body is an empty body in every coding, though no coding has such a stream: servers send it and clients
//! take it, and what is not there cannot be damaged. Several gzip members, or zstd frames, one after the other are one
//! body, as their formats have it. Anything else that follows the end is an error.

use bytes::{Buf, Bytes};

use super::Coding;
use super::engine::{Broken, Engine, Step};

/// As much as one call of [`Decoder::push`] decodes.
pub const PIECE: usize = 64 << 10;
/// So many bytes may come out whatever went in, where a ratio is given: short bodies of one letter are no bombs.
const FREE: u64 = 64 << 10;
/// The output grows by this much at a time, so that small bodies do not touch large buffers.
const GROWTH: usize = 8 << 10;

/// Why a stream was not decoded. Nothing can be done with the decoder then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another format, or wrong bytes, or a window or dictionary that no HTTP stream may have.
    #[error("the body is not {0}, or it is damaged")]
    Damaged(Coding),
    /// It ended too early.
    #[error("the {0} body is broken off")]
    BrokenOff(Coding),
    /// Its end was not the end of the body.
    #[error("something follows the end of the {0} body")]
    Trailing(Coding),
    /// The limit that it was given.
    #[error("the decoded body is longer than {0} bytes")]
    TooLarge(u64),
    /// The ratio that it was given.
    #[error("more than {0} bytes come out for each one of the body")]
    TooDense(u32),
}

/// How far a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The input is used up, and all that can be decoded of it is out.
    Done,
    /// A piece is full: call again, with what is left of the input, even if that is nothing.
    More,
}

/// A stream that is being decoded.
#[derive(Debug)]
pub struct Decoder {
    coding: Coding,
    engine: Engine,
    place: Place,
    max: u64,
    ratio: Option<u32>,
    taken: u64,
    written: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// Before the first byte.
    Start,
    Within,
    /// Behind the last byte of a whole stream.
    End,
}

impl Decoder {
    /// A decoder that fails as soon as there are more than `max` decoded bytes.
    pub fn new(coding: Coding, max: u64) -> Self {
        let engine = Engine::new(coding);
        Self { coding, engine, place: Place::Start, max, ratio: None, taken: 0, written: 0 }
    }

    /// It fails, too, as soon as more than `ratio` bytes have come out for each one that went in, but for the first 64 KiB.
    #[must_use]
    pub fn within(mut self, ratio: u32) -> Self {
        self.ratio = Some(ratio);
        self
    }

    /// Decodes from the front of `input`, which it takes off, and appends to `out`: [`PIECE`] bytes at most.
    pub fn push(&mut self, input: &mut Bytes, out: &mut Vec<u8>) -> Result<Progress, Error> {
        let (mut filled, full) = (out.len(), out.len() + PIECE);
        let progress = loop {
            if self.place != Place::Within {
                if input.is_empty() {
                    break Ok(Progress::Done);
                }
                if let Err(error) = self.begin(input[0]) {
                    break Err(error);
                }
            }
            if filled == full {
                break Ok(Progress::More);
            }
            if filled == out.len() {
                out.resize(full.min(filled + GROWTH), 0);
            }
            let step = self.step(input, &mut out[filled..]);
            let (taken, written, room) = match step {
                Ok(step) => (step.taken, step.written, out.len() - filled),
                Err(error) => break Err(error),
            };
            filled += written;
            if self.place == Place::Within && written < room {
                if input.is_empty() {
                    break Ok(Progress::Done);
                }
                if taken == 0 && written == 0 {
                    break Err(Error::Damaged(self.coding));
                }
            }
        };
        out.truncate(filled);
        progress
    }

    /// The body has ended: is it whole?
    pub fn finish(self) -> Result<(), Error> {
        if self.place == Place::Within { Err(Error::BrokenOff(self.coding)) } else { Ok(()) }
    }

    /// A stream begins, or another one that belongs to the same body.
    fn begin(&mut self, first: u8) -> Result<(), Error> {
        if self.place == Place::End {
            match self.coding {
                // Of gzip's magic number; the rest of it is looked at by the engine.
                Coding::Gzip if first == 0x1f => self.engine = Engine::new(self.coding),
                // The engine goes on to the next frame by itself.
                Coding::Zstd => {}
                _ => return Err(Error::Trailing(self.coding)),
            }
        }
        self.place = Place::Within;
        Ok(())
    }

    fn step(&mut self, input: &mut Bytes, out: &mut [u8]) -> Result<Step, Error> {
        // One byte more than allowed, so that too much shows.
        let allowed = self.max - self.written;
        let room = usize::try_from(allowed.saturating_add(1)).unwrap_or(usize::MAX).min(out.len());
        let step = self.engine.step(input, &mut out[..room]).map_err(|Broken| Error::Damaged(self.coding))?;
        input.advance(step.taken);
        self.taken += step.taken as u64;
        self.written += step.written as u64;
        if self.written > self.max {
            return Err(Error::TooLarge(self.max));
        }
        if let Some(ratio) = self.ratio
            && self.written > FREE.saturating_add(self.taken.saturating_mul(ratio.into()))
        {
            return Err(Error::TooDense(ratio));
        }
        if step.is_end {
            self.place = Place::End;
        }
        Ok(step)
    }
}
