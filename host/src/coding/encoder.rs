//! Encoding a stream.

use std::io;
use std::ops::RangeInclusive;

use super::Coding;
use super::context::Context;
use super::kept;

/// What slow encoders are given before they must be done with it. By themselves they gather 256 KiB, and a thread that
/// serves others would stand still for milliseconds when that is worked off.
const BLOCK: usize = 32 << 10;
/// zstd is quick below this level.
const ZSTD_SLOW_FROM: u8 = 5;

/// A level that the coding does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{coding} has levels {} to {}, not {level}", levels.start(), levels.end())]
pub struct BadLevel {
    coding: Coding,
    levels: RangeInclusive<u8>,
    level: u8,
}

/// A stream that is being encoded. What it makes of a piece is about as long as that piece at most.
///
/// An operation fails only where the system has no memory left; the stream is of no use then.
pub struct Encoder {
    context: Context,
    /// What was pushed since a slow encoder had to be done with it; none for quick ones.
    gathered: Option<usize>,
}

impl Encoder {
    /// An encoder at one of the coding's own levels; none is one for answers made on the fly.
    pub fn new(coding: Coding, level: Option<u8>) -> Result<Self, BadLevel> {
        let (levels, default) = match coding {
            Coding::Gzip | Coding::Deflate => (1..=9, 5),
            Coding::Brotli => (0..=11, 4),
            Coding::Zstd => (1..=19, 3),
        };
        let level = level.unwrap_or(default);
        if !levels.contains(&level) {
            return Err(BadLevel { coding, levels, level });
        }
        let is_slow = match coding {
            Coding::Gzip | Coding::Deflate => false,
            Coding::Brotli => true,
            Coding::Zstd => level >= ZSTD_SLOW_FROM,
        };
        Ok(Self { context: kept::take(coding, level), gathered: is_slow.then_some(0) })
    }

    /// Encodes a piece. The encoder may hold all of it back until later.
    pub fn push(&mut self, mut piece: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        while let Some(gathered) = self.gathered {
            let (now, later) = piece.split_at(piece.len().min(BLOCK - gathered));
            self.context.push(now, out)?;
            self.gathered = Some(gathered + now.len());
            if gathered + now.len() == BLOCK {
                self.flush(out)?;
            }
            if later.is_empty() {
                return Ok(());
            }
            piece = later;
        }
        self.context.push(piece, out)
    }

    /// Lets out what is held back, so that a reader can decode all that was pushed. For a source that pauses (events):
    /// each flush costs some bytes.
    pub fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.gathered = self.gathered.map(|_| 0);
        self.context.flush(out)
    }

    /// Ends the stream. One without this is broken off, and decoders see that.
    pub fn finish(mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.context.finish(out)?;
        kept::give_back(self.context);
        Ok(())
    }
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Encoder")
    }
}
