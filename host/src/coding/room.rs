//! How much memory the codings of all streams may hold together. A stream holds its encoder for as long as its reader
//! likes, so many slow readers, or streams of events, would otherwise add up to any amount.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::Coding;

/// Neither can take the other's.
static ENCODERS: Shared = Shared { most: 512 << 20, taken: AtomicUsize::new(0) };
static DECODERS: Shared = Shared { most: 256 << 20, taken: AtomicUsize::new(0) };

#[derive(Debug)]
struct Shared {
    most: usize,
    taken: AtomicUsize,
}

/// A coding's share, given back when it is dropped.
#[derive(Debug)]
pub struct Room {
    of: &'static Shared,
    bytes: usize,
}

impl Room {
    /// Room for an encoder at this level; none if all is taken.
    pub fn encoder(coding: Coding, level: Option<u8>) -> Option<Self> {
        let kib = match (coding, level) {
            (Coding::Gzip | Coding::Deflate, _) => 512,
            (Coding::Brotli, Some(6..)) => 7 << 10,
            (Coding::Brotli, _) => 5 << 10,
            (Coding::Zstd, Some(5..)) => 10 << 10,
            (Coding::Zstd, _) => 2 << 10,
        };
        ENCODERS.take(kib << 10)
    }

    /// Room for a decoder, with the largest window that a stream may name.
    pub fn decoder(coding: Coding) -> Option<Self> {
        let kib = match coding {
            Coding::Gzip | Coding::Deflate => 128,
            Coding::Brotli => 16 << 10,
            Coding::Zstd => 8 << 10,
        };
        DECODERS.take(kib << 10)
    }
}

impl Shared {
    fn take(&'static self, bytes: usize) -> Option<Room> {
        let more = |taken: usize| taken.checked_add(bytes).filter(|taken| *taken <= self.most);
        self.taken.try_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Room { of: self, bytes })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.of.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoders_and_decoders_have_room_of_their_own_and_give_it_back() {
        let mut encoders: Vec<Room> = std::iter::from_fn(|| Room::encoder(Coding::Brotli, None)).collect();
        assert_eq!(encoders.len(), 102);
        // What needs less may still find some.
        encoders.push(Room::encoder(Coding::Gzip, None).unwrap());
        assert_eq!(std::iter::from_fn(|| Room::decoder(Coding::Brotli)).collect::<Vec<_>>().len(), 16);
        encoders.clear();
        assert!(Room::encoder(Coding::Zstd, Some(9)).is_some());
        assert!(Room::decoder(Coding::Brotli).is_some());
    }
}
