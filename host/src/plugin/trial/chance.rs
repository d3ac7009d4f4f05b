//! Where random bits come from: the system, or a trial that wants the same ones each time.

use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::crypto;

/// What the capability `random` draws from.
#[derive(Clone, Debug, Default)]
pub(in crate::plugin) enum Chance {
    /// Bits that nobody can guess.
    #[default]
    System,
    /// Bits that are always the same.
    Given(Arc<Given>),
}

impl Chance {
    pub(in crate::plugin) fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        match self {
            Self::System => crypto::fill(bytes),
            Self::Given(given) => {
                given.fill(bytes);
                Ok(())
            }
        }
    }
}

/// Random bits that are always the same.
#[derive(Debug, Default)]
pub struct Given(Mutex<Stream>);

#[derive(Debug, Default)]
struct Stream {
    /// Drawn first, one after the other.
    bytes: Vec<u8>,
    seed: u64,
    drawn: u64,
}

impl Given {
    /// From here on these bytes are drawn, and behind them such as follow from the seed.
    pub fn begin(&self, mut bytes: Vec<u8>, seed: u64) {
        bytes.reverse();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Stream { bytes, seed, drawn: 0 };
    }

    fn fill(&self, bytes: &mut [u8]) {
        let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for byte in bytes {
            *byte = stream.next();
        }
    }
}

impl Stream {
    fn next(&mut self) -> u8 {
        if let Some(byte) = self.bytes.pop() {
            return byte;
        }
        let block = Sha256::new().chain_update(self.seed.to_le_bytes()).chain_update(self.drawn.to_le_bytes());
        self.drawn += 1;
        self.bytes.extend_from_slice(&block.finalize());
        self.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(given: &Given, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        given.fill(&mut bytes);
        bytes
    }

    #[test]
    fn given_bits_begin_as_they_are_given_and_go_on_by_the_seed() {
        let given = Given::default();
        given.begin(vec![1, 2, 3], 7);
        let first = drawn(&given, 80);
        assert_eq!(first[..3], [1, 2, 3]);
        given.begin(vec![1, 2, 3], 7);
        assert_eq!([drawn(&given, 30), drawn(&given, 50)].concat(), first);
        given.begin(vec![1, 2, 3], 8);
        assert_ne!(drawn(&given, 80), first);
    }
}
