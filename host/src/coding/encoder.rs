//! Encoding a stream.

use std::io::{self, Write};
use std::ops::RangeInclusive;

use brotli::CompressorWriter;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use zstd::stream::raw::CParameter;
use zstd::stream::write::Encoder as ZstdEncoder;

use super::Coding;

/// Brotli's window as a power of two, 256 KiB: what a page gains from a larger one is not worth the memory.
const BROTLI_WINDOW: u32 = 18;
/// Brotli's buffer for its output.
const BROTLI_BUFFER: usize = 4 << 10;
/// zstd's tables as powers of two, from the level on at which they would grow beyond.
const ZSTD_LARGE_FROM: u8 = 5;
const ZSTD_WINDOW: u32 = 21;
const ZSTD_TABLE: u32 = 20;

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
pub struct Encoder(Kind);

enum Kind {
    Gzip(GzEncoder<Vec<u8>>),
    Deflate(ZlibEncoder<Vec<u8>>),
    Brotli(Box<CompressorWriter<Vec<u8>>>),
    Zstd(ZstdEncoder<'static, Vec<u8>>),
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
        Ok(Self(match coding {
            Coding::Gzip => Kind::Gzip(GzEncoder::new(Vec::new(), Compression::new(level.into()))),
            Coding::Deflate => Kind::Deflate(ZlibEncoder::new(Vec::new(), Compression::new(level.into()))),
            Coding::Brotli => {
                let writer = CompressorWriter::new(Vec::new(), BROTLI_BUFFER, level.into(), BROTLI_WINDOW);
                Kind::Brotli(Box::new(writer))
            }
            Coding::Zstd => Kind::Zstd(zstd(level).expect("these are parameters that zstd has")),
        }))
    }

    /// Encodes a piece. The encoder may hold all of it back until later.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        self.writer().write_all(piece)?;
        self.take(out);
        Ok(())
    }

    /// Lets out what is held back, so that a reader can decode all that was pushed. For a source that pauses (events):
    /// each flush costs some bytes.
    pub fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.writer().flush()?;
        self.take(out);
        Ok(())
    }

    /// Ends the stream. One without this is broken off, and decoders see that.
    pub fn finish(self, out: &mut Vec<u8>) -> io::Result<()> {
        let mut rest = match self.0 {
            Kind::Gzip(encoder) => encoder.finish()?,
            Kind::Deflate(encoder) => encoder.finish()?,
            Kind::Brotli(encoder) => encoder.into_inner(),
            Kind::Zstd(encoder) => encoder.finish()?,
        };
        out.append(&mut rest);
        Ok(())
    }

    fn writer(&mut self) -> &mut dyn Write {
        match &mut self.0 {
            Kind::Gzip(encoder) => encoder,
            Kind::Deflate(encoder) => encoder,
            Kind::Brotli(encoder) => encoder,
            Kind::Zstd(encoder) => encoder,
        }
    }

    /// Hands on what was written so far.
    fn take(&mut self, out: &mut Vec<u8>) {
        let made = match &mut self.0 {
            Kind::Gzip(encoder) => encoder.get_mut(),
            Kind::Deflate(encoder) => encoder.get_mut(),
            Kind::Brotli(encoder) => encoder.get_mut(),
            Kind::Zstd(encoder) => encoder.get_mut(),
        };
        out.append(made);
    }
}

fn zstd(level: u8) -> io::Result<ZstdEncoder<'static, Vec<u8>>> {
    let mut encoder = ZstdEncoder::new(Vec::new(), level.into())?;
    if level >= ZSTD_LARGE_FROM {
        // Level 19 would take more than 80 MiB for each stream.
        encoder.set_parameter(CParameter::WindowLog(ZSTD_WINDOW))?;
        encoder.set_parameter(CParameter::ChainLog(ZSTD_TABLE))?;
        encoder.set_parameter(CParameter::HashLog(ZSTD_TABLE))?;
    }
    encoder.set_parameter(CParameter::ChecksumFlag(true))?;
    Ok(encoder)
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Encoder")
    }
}
