//! The four decoders behind one function that takes some input and fills some output.

use brotli::enc::StandardAlloc;
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState};
use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{DParameter, Decoder as ZstdDecoder, Operation};

use super::Coding;

/// The largest window as a power of two, 8 MiB, as RFC 9659 has it.
const ZSTD_WINDOW: u32 = 23;
/// Deflate's only window as a power of two.
const DEFLATE_WINDOW: u8 = 15;

/// What one step did.
pub(super) struct Step {
    pub(super) taken: usize,
    pub(super) written: usize,
    /// The stream is whole, and all of it is written.
    pub(super) is_end: bool,
}

/// The stream is none.
pub(super) struct Broken;

pub(super) enum Engine {
    /// The first byte of a deflate stream, whose second will tell its format.
    Undecided(Option<u8>),
    Inflate(Decompress),
    Brotli(Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>),
    /// None if there was no memory for it.
    Zstd(Option<ZstdDecoder<'static>>),
}

impl Engine {
    pub(super) fn new(coding: Coding) -> Self {
        match coding {
            Coding::Gzip => Self::Inflate(Decompress::new_gzip(DEFLATE_WINDOW)),
            Coding::Deflate => Self::Undecided(None),
            Coding::Brotli => {
                let memory = StandardAlloc::default;
                // Strict: the large windows that are no part of RFC 7932 are refused.
                Self::Brotli(Box::new(BrotliState::new_strict(memory(), memory(), memory())))
            }
            Coding::Zstd => Self::Zstd(zstd()),
        }
    }

    pub(super) fn step(&mut self, input: &[u8], out: &mut [u8]) -> Result<Step, Broken> {
        match self {
            Self::Undecided(None) => {
                *self = Self::Undecided(input.first().copied());
                Ok(Step { taken: input.len().min(1), written: 0, is_end: false })
            }
            Self::Undecided(Some(first)) => match input.first() {
                None => Ok(Step { taken: 0, written: 0, is_end: false }),
                Some(second) => {
                    let (mut inflate, first) = (Decompress::new(is_zlib(*first, *second)), [*first]);
                    // One byte is too little for any output.
                    inflate.decompress(&first, &mut [0; 1], FlushDecompress::None).map_err(|_| Broken)?;
                    *self = Self::Inflate(inflate);
                    self.step(input, out)
                }
            },
            Self::Inflate(inflate) => {
                let before = (inflate.total_in(), inflate.total_out());
                let status = inflate.decompress(input, out, FlushDecompress::None).map_err(|_| Broken)?;
                #[expect(clippy::cast_possible_truncation, reason = "not more than the lengths of two slices")]
                let (taken, written) =
                    ((inflate.total_in() - before.0) as usize, (inflate.total_out() - before.1) as usize);
                Ok(Step { taken, written, is_end: status == Status::StreamEnd })
            }
            Self::Brotli(state) => brotli(state, input, out),
            Self::Zstd(decoder) => {
                let status = decoder.as_mut().ok_or(Broken)?.run_on_buffers(input, out).map_err(|_| Broken)?;
                Ok(Step { taken: status.bytes_read, written: status.bytes_written, is_end: status.remaining == 0 })
            }
        }
    }
}

/// The two bytes of a zlib header check each other. No encoder makes a raw stream that begins like that: it would be a
/// stored block with bits set that are to be zero.
fn is_zlib(first: u8, second: u8) -> bool {
    first & 0x0f == 8 && u16::from_be_bytes([first, second]).is_multiple_of(31)
}

fn zstd() -> Option<ZstdDecoder<'static>> {
    let mut decoder = ZstdDecoder::new().ok()?;
    decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW)).ok()?;
    Some(decoder)
}

fn brotli(
    state: &mut BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    input: &[u8],
    out: &mut [u8],
) -> Result<Step, Broken> {
    let (mut left, mut taken) = (input.len(), 0);
    let (mut room, mut written, mut total) = (out.len(), 0, 0);
    let result = BrotliDecompressStream(&mut left, &mut taken, input, &mut room, &mut written, out, &mut total, state);
    match result {
        BrotliResult::ResultFailure => Err(Broken),
        result => Ok(Step { taken, written, is_end: matches!(result, BrotliResult::ResultSuccess) }),
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Engine")
    }
}
