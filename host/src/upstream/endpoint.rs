//! One server of an upstream as all workers share it: where it is, and how it fares.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::HeaderValue;

use super::tls::TlsPeer;
use crate::clock::now;
use crate::config::{self, Scheme};
use crate::telemetry::metrics::{self, EachWorker};

/// How long others are preferred to one that could not be reached.
const AVOIDED: Duration = Duration::from_secs(5);

/// Its counters are relaxed: they advise, nothing rests on their order.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) config: config::Endpoint,
    /// As `Host` and `:authority` name it.
    pub(super) authority: HeaderValue,
    /// Host and port, for people.
    pub(super) name: Arc<str>,
    /// For `https`.
    pub(super) tls: Option<TlsPeer>,
    /// Tells it from the others when clients are spread over them.
    pub(super) seed: u64,
    /// What is counted of it, under its name.
    pub(super) counts: Arc<EachWorker<metrics::Endpoint>>,
    in_progress: AtomicUsize,
    born: Instant,
    /// In milliseconds from its birth; 0 if it is not avoided.
    avoided_until: AtomicU64,
    /// Whether it gets no new exchanges, by order. Those who take it over have the same: an order given while a
    /// configuration is built holds for both.
    draining: Arc<AtomicBool>,
}

/// How an endpoint is, for operators.
#[derive(Clone, Debug)]
pub struct EndpointState {
    /// Host and port.
    pub name: String,
    /// As configured.
    pub config: config::Endpoint,
    /// Exchanges that it serves just now.
    pub in_progress: usize,
    /// For so long others are preferred.
    pub avoided: Option<Duration>,
    /// Whether it gets no new exchanges.
    pub is_draining: bool,
}

impl Endpoint {
    /// None if its host cannot be named in a header.
    pub(super) fn new(
        config: &config::Endpoint,
        tls: Option<TlsPeer>,
        counts: Arc<EachWorker<metrics::Endpoint>>,
    ) -> Option<Self> {
        let full = name(config);
        let usual = if config.scheme == Scheme::Https { ":443" } else { ":80" };
        let authority = HeaderValue::from_str(full.strip_suffix(usual).unwrap_or(&full)).ok()?;
        // FNV-1a: the same in every process.
        let seed = full
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Some(Self {
            config: config.clone(),
            authority,
            name: full.into(),
            tls,
            seed,
            counts,
            in_progress: AtomicUsize::new(0),
            born: Instant::now(),
            avoided_until: AtomicU64::new(0),
            draining: Arc::default(),
        })
    }

    /// The same with what was ordered of the one before.
    pub(super) fn taking_over(self, before: &Self) -> Self {
        Self { draining: Arc::clone(&before.draining), ..self }
    }

    /// Whether both are at the same address.
    pub(super) fn is_same_server(&self, other: &Self) -> bool {
        self.config.host == other.config.host && self.config.port == other.config.port
    }

    /// From now on it gets no new exchanges; or it does again.
    pub(super) fn drain(&self, is_draining: bool) {
        self.draining.store(is_draining, Ordering::Relaxed);
    }

    /// Whether it gets no new exchanges.
    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// How it is; on any thread.
    pub(super) fn state(&self) -> EndpointState {
        let age = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        let left = self.avoided_until.load(Ordering::Relaxed).checked_sub(age).filter(|left| *left > 0);
        EndpointState {
            name: self.name.to_string(),
            config: self.config.clone(),
            in_progress: self.in_progress(),
            avoided: left.map(Duration::from_millis),
            is_draining: self.is_draining(),
        }
    }

    /// Exchanges that it serves just now, those of all workers.
    pub(super) fn in_progress(&self) -> usize {
        self.in_progress.load(Ordering::Relaxed)
    }

    pub(super) fn begin(&self) {
        self.in_progress.fetch_add(1, Ordering::Relaxed);
        self.counts.here().begin();
    }

    pub(super) fn end(&self) {
        self.in_progress.fetch_sub(1, Ordering::Relaxed);
        self.counts.here().end();
    }

    /// Whether it could not be reached a moment ago.
    pub(super) fn is_avoided(&self) -> bool {
        self.is_avoided_at(now())
    }

    /// The same, for threads whose coarse clock stands still.
    pub(super) fn is_avoided_at(&self, now: Instant) -> bool {
        let until = self.avoided_until.load(Ordering::Relaxed);
        until != 0 && until > self.age(now)
    }

    /// It could not be reached. Only the first to find out says so.
    pub(super) fn avoid(&self, upstream: &str, cause: &io::Error) {
        let now = self.age(now());
        let avoided = u64::try_from(AVOIDED.as_millis()).unwrap_or(u64::MAX);
        if self.avoided_until.swap(now.saturating_add(avoided), Ordering::Relaxed) <= now {
            tracing::warn!(
                upstream,
                endpoint = &*self.name,
                "an endpoint cannot be reached and is avoided for {AVOIDED:?}: {cause}"
            );
        }
    }

    /// It was reached.
    pub(super) fn reached(&self) {
        if self.avoided_until.load(Ordering::Relaxed) != 0 {
            self.avoided_until.store(0, Ordering::Relaxed);
        }
    }

    fn age(&self, now: Instant) -> u64 {
        u64::try_from(now.duration_since(self.born).as_millis()).unwrap_or(u64::MAX)
    }
}

/// Host and port.
pub(super) fn name(config: &config::Endpoint) -> String {
    let config::Endpoint { host, port, .. } = config;
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
