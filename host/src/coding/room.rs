//! How much memory the codings of all streams may hold together. A stream holds its encoder for as long as its reader
//! likes, so many slow readers, or streams of events, would otherwise add up to any amount.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::Coding;

/// None can take another's.
static ENCODERS: Shared = Shared { most: 512 << 20, taken: AtomicUsize::new(0) };
/// Of gzip and deflate: small, and what clients use. Slow senders of other codings must not be in their way.
static INFLATERS: Shared = Shared { most: 128 << 20, taken: AtomicUsize::new(0) };
static DECODERS: Shared = Shared { most: 256 << 20, taken: AtomicUsize::new(0) };

/// What a decoder holds beside its window.
const BESIDE_A_WINDOW: usize = 256 << 10;

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

    /// Room for a decoder of so many bytes at most, with the largest window that a stream may name: no more of it is
    /// filled than comes out.
    pub fn decoder(coding: Coding, max: u64) -> Option<Self> {
        let window = match coding {
            Coding::Gzip | Coding::Deflate => return INFLATERS.take(128 << 10),
            Coding::Brotli => 16 << 20,
            Coding::Zstd => 8 << 20,
        };
        DECODERS.take(window.min(usize::try_from(max).unwrap_or(window)) + BESIDE_A_WINDOW)
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
        let decoders = |max| std::iter::from_fn(|| Room::decoder(Coding::Brotli, max)).collect::<Vec<_>>();
        // Those that may not make much take less.
        let small = decoders(1 << 20).len();
        let taken = decoders(u64::MAX);
        assert_eq!((small, taken.len()), (204, 15));
        assert!(Room::decoder(Coding::Zstd, u64::MAX).is_some());
        assert!(Room::decoder(Coding::Brotli, u64::MAX).is_none());
        assert!(Room::decoder(Coding::Gzip, u64::MAX).is_some());
        encoders.clear();
        assert!(Room::encoder(Coding::Zstd, Some(9)).is_some());
        drop(taken);
        assert!(Room::decoder(Coding::Brotli, u64::MAX).is_some());
    }
}
