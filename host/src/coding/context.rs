//! What an encoder holds of a stream, whatever the coding, behind three steps.

use std::io::{self, Write};

use brotli::CompressorWriter;
use flate2::{Compress, Compression, FlushCompress, Status};
use zstd::stream::raw::{CParameter, Encoder as Zstd, InBuffer, Operation, OutBuffer};

use super::Coding;

/// Deflate's only window as a power of two.
const DEFLATE_WINDOW: u8 = 15;
/// Brotli's window as a power of two, 256 KiB: what a page gains from a larger one is not worth the memory.
const BROTLI_WINDOW: u32 = 18;
/// Brotli's buffer for its output.
const BROTLI_BUFFER: usize = 4 << 10;
/// zstd's window as a power of two, 512 KiB, and from a level on 2 MiB.
const ZSTD_WINDOW: u32 = 19;
const ZSTD_LARGE_WINDOW: u32 = 21;
/// That level, and its tables as powers of two: they would grow beyond.
const ZSTD_LARGE_FROM: u8 = 5;
const ZSTD_TABLE: u32 = 20;
/// Room for output is made in steps of this.
const GROWTH: usize = 4 << 10;

/// One stream's state.
pub(super) struct Context {
    pub(super) coding: Coding,
    pub(super) level: u8,
    kind: Kind,
}

enum Kind {
    Deflate(Compress),
    Brotli(Option<Box<CompressorWriter<Vec<u8>>>>),
    /// None if there was no memory for it.
    Zstd(Option<Zstd<'static>>),
}

impl Context {
    /// At a level that the coding has.
    pub(super) fn new(coding: Coding, level: u8) -> Self {
        let deflate = Compression::new(level.into());
        let kind = match coding {
            Coding::Gzip => Kind::Deflate(Compress::new_gzip(deflate, DEFLATE_WINDOW)),
            Coding::Deflate => Kind::Deflate(Compress::new(deflate, true)),
            Coding::Brotli => {
                let writer = CompressorWriter::new(Vec::new(), BROTLI_BUFFER, level.into(), BROTLI_WINDOW);
                Kind::Brotli(Some(Box::new(writer)))
            }
            Coding::Zstd => Kind::Zstd(zstd(level).ok()),
        };
        Self { coding, level, kind }
    }

    /// Whether another stream can begin with this memory.
    pub(super) fn begin_again(&mut self) -> bool {
        match &mut self.kind {
            Kind::Deflate(compress) => {
                compress.reset();
                true
            }
            Kind::Brotli(_) => false,
            Kind::Zstd(encoder) => encoder.as_mut().is_some_and(|encoder| encoder.reinit().is_ok()),
        }
    }

    pub(super) fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.kind {
            Kind::Deflate(compress) => deflate(compress, piece, FlushCompress::None, out),
            Kind::Brotli(writer) => {
                let writer = writer.as_deref_mut().ok_or_else(ended)?;
                writer.write_all(piece)?;
                out.append(writer.get_mut());
                Ok(())
            }
            Kind::Zstd(encoder) => {
                let encoder = encoder.as_mut().ok_or_else(ended)?;
                let mut input = InBuffer::around(piece);
                while input.pos() < piece.len() {
                    out.reserve(GROWTH);
                    let filled = out.len();
                    encoder.run(&mut input, &mut OutBuffer::around_pos(out, filled))?;
                }
                Ok(())
            }
        }
    }

    pub(super) fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.kind {
            Kind::Deflate(compress) => deflate(compress, &[], FlushCompress::Sync, out),
            Kind::Brotli(writer) => {
                let writer = writer.as_deref_mut().ok_or_else(ended)?;
                writer.flush()?;
                out.append(writer.get_mut());
                Ok(())
            }
            Kind::Zstd(encoder) => {
                let encoder = encoder.as_mut().ok_or_else(ended)?;
                all(out, |out| encoder.flush(out))
            }
        }
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.kind {
            Kind::Deflate(compress) => deflate(compress, &[], FlushCompress::Finish, out),
            Kind::Brotli(writer) => {
                out.append(&mut writer.take().ok_or_else(ended)?.into_inner());
                Ok(())
            }
            Kind::Zstd(encoder) => {
                let encoder = encoder.as_mut().ok_or_else(ended)?;
                all(out, |out| encoder.finish(out, true))
            }
        }
    }
}

fn ended() -> io::Error {
    io::Error::other("there is no memory for the encoder, or its stream has ended")
}

fn zstd(level: u8) -> io::Result<Zstd<'static>> {
    let mut encoder = Zstd::new(level.into())?;
    if level >= ZSTD_LARGE_FROM {
        // Level 19 would take more than 80 MiB for each stream.
        encoder.set_parameter(CParameter::WindowLog(ZSTD_LARGE_WINDOW))?;
        encoder.set_parameter(CParameter::ChainLog(ZSTD_TABLE))?;
        encoder.set_parameter(CParameter::HashLog(ZSTD_TABLE))?;
    } else {
        encoder.set_parameter(CParameter::WindowLog(ZSTD_WINDOW))?;
    }
    encoder.set_parameter(CParameter::ChecksumFlag(true))?;
    Ok(encoder)
}

fn deflate(compress: &mut Compress, mut input: &[u8], flush: FlushCompress, out: &mut Vec<u8>) -> io::Result<()> {
    loop {
        out.reserve(GROWTH);
        let before = compress.total_in();
        let status = compress.compress_vec(input, out, flush)?;
        let taken = usize::try_from(compress.total_in() - before).unwrap_or(input.len());
        input = &input[taken..];
        // Room that is left says that nothing more is to be written.
        let is_done = match flush {
            FlushCompress::Finish => status == Status::StreamEnd,
            _ => input.is_empty() && out.len() < out.capacity(),
        };
        if is_done {
            return Ok(());
        }
    }
}

/// Writes until nothing is left.
fn all(out: &mut Vec<u8>, mut write: impl FnMut(&mut OutBuffer<'_, Vec<u8>>) -> io::Result<usize>) -> io::Result<()> {
    loop {
        out.reserve(GROWTH);
        let filled = out.len();
        if write(&mut OutBuffer::around_pos(out, filled))? == 0 {
            return Ok(());
        }
    }
}
