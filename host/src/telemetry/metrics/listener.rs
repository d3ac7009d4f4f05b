//! What is counted of a listener.

use super::{Counter, Shared};

/// Which HTTP requests were made in.
pub const VERSIONS: [&str; 4] = ["1.0", "1.1", "2", "other"];

/// Which TLS clients agreed to.
pub const TLS_VERSIONS: [&str; 3] = ["1.2", "1.3", "other"];

/// Why handshakes failed, in the order of [`HandshakeFailed`].
pub const HANDSHAKE_FAILURES: [&str; 4] = ["refused", "closed", "timeout", "plain-http"];

/// Statuses from 100 on; what is none is the last.
const MOST_STATUS: usize = 501;

/// Why a handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeFailed {
    /// Either side refused what the other offered.
    Refused,
    /// The client went.
    Closed,
    /// The client took too long.
    Timeout,
    /// The client spoke HTTP, without TLS.
    PlainHttp,
}

/// One worker's part of a listener.
#[derive(Debug)]
pub struct Listener {
    /// By the place in [`VERSIONS`].
    pub requests: [Counter; 4],
    /// By the place in [`TLS_VERSIONS`].
    pub handshakes: [Counter; 3],
    /// By [`HandshakeFailed`].
    pub handshake_failures: [Counter; 4],
    /// Bytes from clients and to them, with heads and framing, and as TLS writes them.
    pub received: Counter,
    /// See `received`.
    pub sent: Counter,
    answered: [Counter; MOST_STATUS],
}

impl Default for Listener {
    fn default() -> Self {
        Self {
            requests: Default::default(),
            handshakes: Default::default(),
            handshake_failures: Default::default(),
            received: Counter::new(),
            sent: Counter::new(),
            answered: [const { Counter::new() }; MOST_STATUS],
        }
    }
}

impl Listener {
    /// A response with this status is about to leave.
    pub fn answered(&self, status: u16) {
        self.answered[usize::from(status).wrapping_sub(100).min(MOST_STATUS - 1)].add(1);
    }

    /// How many responses had each status; 0 stands for those outside of 100 to 599.
    pub fn statuses(&self) -> impl Iterator<Item = (u16, u64)> {
        let status = |place: usize| if place < MOST_STATUS - 1 { u16::try_from(place + 100).unwrap_or(0) } else { 0 };
        let counted = self.answered.iter().enumerate().map(move |(place, count)| (status(place), count.get()));
        counted.filter(|(_, count)| *count > 0)
    }
}

/// What is counted of a listener where connections are accepted, which is one thread for all.
#[derive(Debug, Default)]
pub struct Accepted {
    /// Connections that were handed to a worker.
    pub accepted: Shared,
    /// Connections that were closed at once, because there were as many as may be.
    pub refused: Shared,
}
