//! Content codings (RFC 9110, 8.4.1) over streams: gzip, deflate, brotli (RFC 7932) and zstd (RFC 8878, RFC 9659).
//!
//! Bytes go in and out in pieces of the caller's; nothing here knows of bodies, fields or exchanges, or decides what
//! should be encoded. What one stream may use is bounded:
//!
//! | | encoder | decoder |
//! | --- | --- | --- |
//! | gzip, deflate | 0.5 MiB | 0.1 MiB |
//! | brotli | levels 0 and 1: 0.5 MiB, 2 to 5: 5 MiB, 6: 7 MiB, 7: 12 MiB, 8: 18 MiB, 9: 34 MiB, above: 15 MiB | the window that the stream names, up to 16 MiB |
//! | zstd | levels 1 to 4: 2 MiB, above: 10 MiB | the window that the stream names, up to 8 MiB |
//!
//! Measured as what the process grew by, with 2 MiB through each encoder; short bodies take less. [`Room`] bounds what
//! all of them hold together, where whoever reads and writes them cannot be trusted to come to an end. The levels
//! from brotli's 9 and zstd's 15 on make a few MiB in a second at best: who lets a filter choose them for answers made
//! on the fly lets it hold up a worker.
//!
//! Deflate is zlib-rs: 16 KiB of JSON took it 31, 96, 106 and 121 us at levels 1, 4, 5 and 6, and zlib 1.2.13, which
//! nginx uses, 103, 147, 181 and 198 on the same core. The result is 2 to 4 % smaller, but at level 1, where it is 27 %
//! larger.

mod context;
mod decoder;
mod encoder;
mod engine;
mod kept;
mod room;

pub use decoder::{Decoder, Error, PIECE, Progress};
pub use encoder::{BadLevel, Encoder};
pub use room::Room;

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// RFC 1952.
    Gzip,
    /// RFC 7932.
    Brotli,
    /// RFC 8878, with windows of 8 MiB at most.
    Zstd,
    /// The zlib format of RFC 1950; raw deflate (RFC 1951) is decoded too, since some servers send that.
    Deflate,
}

impl Coding {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Gzip, Self::Brotli, Self::Zstd, Self::Deflate];

    /// As it stands in `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Deflate => "deflate",
        }
    }

    /// The coding of a name in `Content-Encoding`, in any case; `x-gzip` is an old name of gzip.
    pub fn named(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("x-gzip") {
            return Some(Self::Gzip);
        }
        Self::ALL.into_iter().find(|coding| name.eq_ignore_ascii_case(coding.name()))
    }
}

impl std::fmt::Display for Coding {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}
