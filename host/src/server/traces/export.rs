//! The thread that sends traces: it makes batches, and sends each until the collector takes it or time is over.
//!
//! One request at a time: a collector that is slow is not asked more often, and what it does not take in time finds no
//! room in the queue any more.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Way;
use super::lost::Lost;
use crate::coding::{Coding, Encoder};
use crate::plugin::{Call, CallFailed};
use crate::telemetry::traces::{Batch, SPANS, Waiting, rejected};

/// How long the first repetition waits; each further one twice as long as the one before.
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// Bytes of a batch, before it is compressed: collectors refuse large requests.
const LARGEST: usize = 1 << 20;

/// What is read of the collector's answer.
const ANSWER: usize = 64 << 10;

/// What became of one request.
enum Told {
    Taken,
    /// It may be taken later; not before this time has passed, if the collector says so.
    Later(Option<Duration>, String),
    Never(String),
}

struct Export {
    way: watch::Receiver<Way>,
    ending: watch::Receiver<Option<Instant>>,
    lost: Lost,
    /// The collector wants to be left alone until then.
    not_before: Option<Instant>,
}

/// Sends what comes, until it is told to end, and then what is left.
pub(super) async fn run(mut waiting: Waiting, way: watch::Receiver<Way>, ending: watch::Receiver<Option<Instant>>) {
    let mut export = Export { way, ending, lost: Lost::default(), not_before: None };
    while let Some(batch) = export.collect(&mut waiting).await {
        export.send(&batch, &mut waiting).await;
    }
    export.rest(&mut waiting).await;
    export.lost.say();
    tracing::info!("{} spans of traces were sent, {} were dropped", SPANS.sent(), SPANS.dropped());
}

impl Export {
    /// The next batch; none if it is time to end.
    async fn collect(&mut self, waiting: &mut Waiting) -> Option<Batch> {
        let mut batch = Batch::default();
        let mut due = None;
        loop {
            let way = self.way.borrow_and_update().clone();
            if is_full(&batch, &way) {
                return Some(batch);
            }
            let late = Instant::now() + Duration::from_secs(3600);
            tokio::select! {
                biased;
                _ = self.ending.wait_for(Option::is_some) => {
                    return (batch.count() > 0).then_some(batch);
                }
                () = sleep_until(due.unwrap_or(late)), if due.is_some() => return Some(batch),
                exchange = waiting.next() => {
                    let Some(exchange) = exchange else { return (batch.count() > 0).then_some(batch) };
                    exchange.write(&mut batch);
                    due.get_or_insert_with(|| Instant::now() + way.traces.batch_delay);
                }
                Ok(()) = self.way.changed() => {}
            }
        }
    }

    /// What waits at the end: each batch is sent once.
    async fn rest(&mut self, waiting: &mut Waiting) {
        let mut batch = Batch::default();
        while let Some(exchange) = waiting.now() {
            exchange.write(&mut batch);
            let way = self.way.borrow().clone();
            if is_full(&batch, &way) {
                self.send(&std::mem::take(&mut batch), waiting).await;
            }
        }
        if batch.count() > 0 {
            self.send(&batch, waiting).await;
        }
    }

    /// Sends a batch until the collector takes it, refuses it, or too much time has passed.
    async fn send(&mut self, batch: &Batch, waiting: &mut Waiting) {
        let began = Instant::now();
        let mut pause = SHORTEST;
        loop {
            self.overflowed(waiting);
            self.wait().await;
            let way = self.way.borrow().clone();
            let upstream = &way.traces.upstream;
            match self.ask(&way, batch).await {
                Told::Taken => {
                    self.not_before = None;
                    break;
                }
                Told::Never(why) => {
                    self.lost.add(batch.count(), || format!("upstream `{upstream}` {why}"));
                    break;
                }
                Told::Later(after, why) => {
                    let now = Instant::now();
                    self.not_before =
                        Some(now + after.unwrap_or_else(|| jittered(pause)).min(way.traces.retry.max(SHORTEST)));
                    pause = (pause * 2).min(LONGEST);
                    let is_over = self.not_before.is_some_and(|next| next > began + way.traces.retry);
                    if is_over || self.ending.borrow().is_some() {
                        self.lost.add(batch.count(), || format!("upstream `{upstream}` {why}"));
                        break;
                    }
                }
            }
        }
        self.overflowed(waiting);
    }

    /// Until the collector may be asked again; at the end of the process that is now.
    async fn wait(&mut self) {
        let Some(until) = self.not_before else { return };
        tokio::select! {
            () = sleep_until(until) => {}
            _ = self.ending.wait_for(Option::is_some) => {}
        }
    }

    fn overflowed(&mut self, waiting: &Waiting) {
        let way = &self.way;
        self.lost.add(waiting.dropped(), || {
            let upstream = &way.borrow().traces.upstream;
            format!(
                "the queue was full, upstream `{upstream}` does not take them as fast as they come; \
                 trace a smaller share with `traces: {{ sample }}`, or let more wait with `traces: {{ queue }}`"
            )
        });
    }

    /// One request.
    async fn ask(&mut self, way: &Way, batch: &Batch) -> Told {
        let request = match request(way, batch) {
            Ok(request) => request,
            Err(why) => return Told::Never(why),
        };
        let end = *self.ending.borrow();
        let timeout =
            end.map_or(way.traces.timeout, |end| end.saturating_duration_since(Instant::now()).min(way.traces.timeout));
        if timeout.is_zero() {
            return Told::Never("was not asked any more, the time of the drain was over".into());
        }
        let call = Call { upstream: way.traces.upstream.clone(), request, timeout, largest: ANSWER };
        // The worker keeps the time; should it be busy, this does.
        match tokio::time::timeout(timeout + SHORTEST, way.line.send(call)).await {
            Ok(Ok(answer)) => self.told(batch, &answer),
            Ok(Err(CallFailed::TooLarge)) => Told::Never("answers with more than 64KiB".into()),
            Ok(Err(CallFailed::Unknown)) => Told::Never("is not in the configuration any more".into()),
            Ok(Err(CallFailed::Failed)) => Told::Later(None, "cannot be reached, or its answer is broken".into()),
            Ok(Err(CallFailed::TimedOut)) | Err(_) => Told::Later(None, format!("does not answer within {timeout:?}")),
        }
    }

    fn told(&mut self, batch: &Batch, answer: &Response<Bytes>) -> Told {
        match answer.status() {
            StatusCode::OK => {
                let (refused, why) = rejected(answer.body());
                let refused = refused.min(batch.count());
                self.lost.add(refused, || format!("the collector rejected them: {}", why.escape_debug()));
                SPANS.add_sent(batch.count() - refused);
                Told::Taken
            }
            status if [429, 502, 503, 504].contains(&status.as_u16()) => {
                Told::Later(retry_after(answer.headers()), format!("answers {status}"))
            }
            status => Told::Never(format!("answers {status}")),
        }
    }
}

fn is_full(batch: &Batch, way: &Way) -> bool {
    batch.count() >= way.traces.batch_spans as u64 || batch.size() >= LARGEST
}

fn request(way: &Way, batch: &Batch) -> Result<Request<Bytes>, String> {
    let traces = &way.traces;
    let mut body = batch.request(&traces.service);
    let mut request = Request::post(&traces.path).header(header::CONTENT_TYPE, "application/x-protobuf");
    for (name, value) in &traces.headers {
        request = request.header(name, value);
    }
    if traces.gzip {
        let mut encoder = Encoder::new(Coding::Gzip, None).expect("gzip has a level of its own");
        let mut coded = Vec::new();
        let coded = encoder.push(&body, &mut coded).and_then(|()| encoder.finish(&mut coded)).map(|()| coded);
        body = coded.map_err(|error| format!("would get what cannot be compressed: {error}"))?;
        request = request.header(header::CONTENT_ENCODING, "gzip");
    }
    request.body(body.into()).map_err(|error| format!("cannot be asked: {error}"))
}

/// In seconds; a date is as good as none.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Half as long to one and a half times, so that many proxies do not come back at once.
fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().hash_one(0) % 1000;
    pause / 2 + pause * u32::try_from(random).unwrap_or(0) / 1000
}
