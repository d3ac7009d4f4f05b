//! Texts that are kept fresh for filters: fetched in the background, once for all workers.

mod follow;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use tokio::sync::{Notify, watch};

use super::calls::{Call, Outbound};
use crate::clock;
use crate::telemetry::metrics::Shared;
pub(super) use follow::Follow;

const LARGEST: usize = 1 << 20;

/// How long one fetch may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// However many ask for it, a document is not fetched more often.
const SHORTEST: Duration = Duration::from_secs(1);

/// Where a document comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// A file.
    File(PathBuf),
    /// An upstream of the configuration.
    Upstream {
        upstream: String,
        path: String,
        /// If the document is not there, but what that leads to.
        follow: Option<Follow>,
    },
}

/// A document.
#[derive(Debug)]
pub struct Document {
    pub(super) source: Source,
    interval: Duration,
    is_kept: AtomicBool,
    version: AtomicU64,
    copy: Mutex<Option<Copy>>,
    pub(super) wanted: Arc<Notify>,
    /// When the last fetch was done, and whether it went well.
    fetches: watch::Sender<Option<(Instant, bool)>>,
    fetched: Shared,
    failures: Shared,
    /// Why the last fetch failed.
    failed: Mutex<Option<String>>,
}

/// How a document is, for operators.
#[derive(Clone, Debug)]
pub struct DocumentState {
    /// Where it comes from; without a query, which may hold a key.
    pub source: String,
    /// How often it is fetched.
    pub interval: Duration,
    /// 0 if there is no good copy.
    pub version: u64,
    /// Bytes of the good copy, and how long ago it was fetched.
    pub copy: Option<(usize, Duration)>,
    /// Why the last fetch failed, if it did.
    pub error: Option<String>,
}

/// One good copy of it.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    pub(super) version: u64,
    pub(super) text: Bytes,
    /// Nanoseconds since 1970.
    pub(super) fetched: u64,
}

impl Document {
    /// A document that was not fetched yet.
    pub(super) fn new(source: Source, interval: Duration) -> Self {
        Self {
            source,
            interval,
            is_kept: AtomicBool::new(false),
            version: AtomicU64::new(0),
            copy: Mutex::default(),
            wanted: Arc::default(),
            fetches: watch::Sender::new(None),
            fetched: Shared::new(),
            failures: Shared::new(),
            failed: Mutex::default(),
        }
    }

    /// The same document, fetched at this interval.
    pub(super) fn every(&self, interval: Duration) -> Self {
        Self::new(self.source.clone(), interval)
    }

    /// Whether it comes from the same place.
    pub(super) fn is_of_same_source(&self, other: &Self) -> bool {
        self.source == other.source
    }

    /// Whether it is the same text, kept fresh in the same way.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.source == other.source && self.interval == other.interval
    }

    /// How it is.
    pub fn state(&self) -> DocumentState {
        let source = match &self.source {
            Source::File(path) => path.display().to_string(),
            Source::Upstream { upstream, path, follow } => {
                let path = path.split('?').next().unwrap_or_default();
                let follow = follow.as_ref();
                let behind = follow.map(|follow| format!(", what `{}` there leads to", follow.pointer));
                format!("upstream `{upstream}`, {path}{}", behind.unwrap_or_default())
            }
        };
        let copy = self.read().map(|copy| {
            let age = clock::since_1970().saturating_sub(Duration::from_nanos(copy.fetched));
            (copy.text.len(), age)
        });
        let error = self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        DocumentState { source, interval: self.interval, version: self.version(), copy, error }
    }

    /// The file that it is in, if it is in one.
    pub fn file(&self) -> Option<&Path> {
        match &self.source {
            Source::File(path) => Some(path),
            Source::Upstream { .. } => None,
        }
    }

    /// Has it fetched again now: its file has changed.
    pub fn fetch_again(&self) {
        self.wanted.notify_one();
    }

    /// 0 if there is no good copy.
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub(super) fn read(&self) -> Option<Copy> {
        self.copy.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many fetches succeeded, and how many failed.
    pub fn fetches(&self) -> (u64, u64) {
        (self.fetched.get(), self.failures.get())
    }

    /// When the last one succeeded, since 1970; none if none did.
    pub fn last_good(&self) -> Option<Duration> {
        self.read().map(|copy| Duration::from_nanos(copy.fetched))
    }

    /// Fetches it now, for all who ask at once, and says whether that went well. What was fetched a moment ago is not
    /// fetched again.
    pub async fn refresh(&self) -> bool {
        let mut fetches = self.fetches.subscribe();
        if let Some((at, is_good)) = *fetches.borrow_and_update()
            && clock::moment().saturating_duration_since(at) < SHORTEST
        {
            return is_good;
        }
        self.wanted.notify_one();
        fetches.changed().await.is_ok() && fetches.borrow().is_some_and(|(_, is_good)| is_good)
    }

    /// Keeps it fresh until nobody has it any more; none if somebody does so already.
    pub fn keep(document: &Arc<Self>, outbound: Arc<dyn Outbound>) -> Option<impl Future<Output = ()> + use<>> {
        let is_kept = document.is_kept.swap(true, Ordering::Relaxed);
        (!is_kept).then(|| keep(Arc::downgrade(document), outbound))
    }

    pub(super) async fn fetch(&self, outbound: &Arc<dyn Outbound>) -> Result<Bytes, String> {
        match &self.source {
            Source::File(path) => {
                let read = || {
                    let length = std::fs::metadata(path)?.len();
                    if length > LARGEST as u64 {
                        return Err(std::io::Error::other("it is larger than 1 MiB"));
                    }
                    std::fs::read(path)
                };
                read().map(Bytes::from).map_err(|error| format!("cannot read {}: {error}", path.display()))
            }
            Source::Upstream { upstream, path, follow } => {
                let there = get(outbound, upstream, path).await?;
                let Some(follow) = follow else { return Ok(there) };
                let shown = path.split('?').next().unwrap_or_default();
                let target = follow.target(&there).map_err(|why| format!("upstream `{upstream}`, {shown}: {why}"))?;
                get(outbound, &follow.upstream, &target).await
            }
        }
    }

    /// Takes what a fetch came to, for all who wait for one, and says whether it went well.
    pub(super) fn arrived(&self, fetched: Result<Bytes, String>) -> bool {
        let is_good = self.take(fetched);
        if is_good { &self.fetched } else { &self.failures }.add(1);
        self.fetches.send_replace(Some((clock::moment(), is_good)));
        is_good
    }

    fn take(&self, fetched: Result<Bytes, String>) -> bool {
        let text = match fetched {
            Ok(text) => text,
            Err(why) => {
                tracing::warn!("a document cannot be fetched: {why}; what was there before is kept");
                *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
                return false;
            }
        };
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let fetched = u64::try_from(clock::since_1970().as_nanos()).unwrap_or(u64::MAX);
        let mut copy = self.copy.lock().unwrap_or_else(PoisonError::into_inner);
        let version = match &*copy {
            Some(copy) if copy.text == text => copy.version,
            Some(copy) => copy.version + 1,
            None => 1,
        };
        *copy = Some(Copy { version, text, fetched });
        self.version.store(version, Ordering::Release);
        true
    }
}

/// What an upstream has at a path. Redirections are not followed: they lead where nobody configured.
async fn get(outbound: &Arc<dyn Outbound>, upstream: &str, path: &str) -> Result<Bytes, String> {
    let request = Request::get(path).header("accept", "*/*").body(Bytes::new());
    let request = request.map_err(|error| error.to_string())?;
    let call = Call { upstream: upstream.to_owned(), request, timeout: PATIENCE, largest: LARGEST };
    match outbound.send(call).await {
        Ok(response) if response.status() == 200 => Ok(response.into_body()),
        Ok(response) => Err(format!("upstream `{upstream}` answers {}", response.status())),
        Err(failed) => Err(format!("upstream `{upstream}`: {failed:?}")),
    }
}

/// Fetches the document at its interval and whenever somebody asks, until nobody has it any more.
async fn keep(document: Weak<Document>, outbound: Arc<dyn Outbound>) {
    let mut failures = 0;
    loop {
        let Some(kept) = document.upgrade() else { return };
        let is_good = kept.arrived(kept.fetch(&outbound).await);
        failures = if is_good { 0 } else { failures + 1 };
        // One that is not there is asked for more often, and less so the longer it is not.
        let pause = if is_good { kept.interval } else { kept.interval.min(SHORTEST * (1 << failures.min(6))) };
        let wanted = Arc::clone(&kept.wanted);
        drop(kept);
        tokio::select! {
            () = wanted.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        // Nobody needs it to be kept.
        self.wanted.notify_one();
    }
}
