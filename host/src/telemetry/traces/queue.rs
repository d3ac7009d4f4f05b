//! What waits to be sent: from all workers to whoever sends it, within bounds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::Exchange;

/// What became of spans since the process began.
pub static SPANS: Spans = Spans { sent: AtomicU64::new(0), dropped: AtomicU64::new(0) };

/// Spans by what became of them.
#[derive(Debug)]
pub struct Spans {
    sent: AtomicU64,
    dropped: AtomicU64,
}

impl Spans {
    /// The collector has taken so many.
    pub fn add_sent(&self, count: u64) {
        self.sent.fetch_add(count, Ordering::Relaxed);
    }

    /// Nobody will get so many.
    pub fn add_dropped(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
    }

    /// How many the collector has taken.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// How many were dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Exchanges.
    pub exchanges: usize,
    /// Bytes that they take, about.
    pub bytes: usize,
}

/// What waits, as both ends count it. Workers race for the last places, so each may have one too many.
#[derive(Debug, Default)]
struct Counts {
    exchanges: AtomicUsize,
    bytes: AtomicUsize,
    /// Spans that found no room.
    dropped: AtomicU64,
}

/// The workers' end.
#[derive(Clone, Debug)]
pub struct Sink {
    queue: UnboundedSender<Box<Exchange>>,
    counts: Arc<Counts>,
}

/// The other end.
#[derive(Debug)]
pub struct Waiting {
    queue: UnboundedReceiver<Box<Exchange>>,
    counts: Arc<Counts>,
}

/// An empty queue.
pub fn queue() -> (Sink, Waiting) {
    let (sender, queue) = unbounded_channel();
    let counts = Arc::<Counts>::default();
    (Sink { queue: sender, counts: Arc::clone(&counts) }, Waiting { queue, counts })
}

impl Sink {
    /// Hands over an exchange, if there is room for it. Waits for nothing.
    pub fn offer(&self, exchange: Box<Exchange>, room: Room) {
        let counts = &self.counts;
        let (size, spans) = (exchange.size(), exchange.spans());
        let is_full = counts.exchanges.load(Ordering::Relaxed) >= room.exchanges
            || counts.bytes.load(Ordering::Relaxed) + size > room.bytes;
        if is_full {
            counts.dropped.fetch_add(spans, Ordering::Relaxed);
            return;
        }
        counts.exchanges.fetch_add(1, Ordering::Relaxed);
        counts.bytes.fetch_add(size, Ordering::Relaxed);
        // At the end of the process nobody may be there.
        let _ = self.queue.send(exchange);
    }
}

impl Waiting {
    /// The next exchange; none if there will be none.
    pub async fn next(&mut self) -> Option<Box<Exchange>> {
        let exchange = self.queue.recv().await?;
        self.taken(&exchange);
        Some(exchange)
    }

    /// The next exchange, if it is there.
    pub fn now(&mut self) -> Option<Box<Exchange>> {
        let exchange = self.queue.try_recv().ok()?;
        self.taken(&exchange);
        Some(exchange)
    }

    /// How many spans found no room since this was asked last.
    pub fn dropped(&self) -> u64 {
        self.counts.dropped.swap(0, Ordering::Relaxed)
    }

    fn taken(&self, exchange: &Exchange) {
        self.counts.exchanges.fetch_sub(1, Ordering::Relaxed);
        self.counts.bytes.fetch_sub(exchange.size(), Ordering::Relaxed);
    }
}
