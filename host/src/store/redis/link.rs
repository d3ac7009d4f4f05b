//! One server: a connection on which operations of all workers travel in a row, made anew when it breaks.
//!
//! It is served by a task of this room's thread. An operation that nobody waits for any more is still answered, so what
//! comes next is never taken for the answer of another. While the server is known to be out of reach operations fail at
//! once, and one connection at a time is tried, with pauses in between.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, WriteHalf};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::super::Error;
use super::health::{Counts, Health, Kind, saying};
use super::resp::{self, Value};
use super::settings::Wire;
use super::way::{Trouble, Way, garbage, silent};

/// Operations that may be under way to one server, and their bytes.
const MOST_UNDER_WAY: usize = 16_384;
const MOST_BYTES: usize = 32 << 20;

/// Bytes that are handed to the connection at a time.
const PORTION: usize = 128 << 10;

/// A server that says nothing for so long, though it was asked, is given up. Shorter than this it may only be busy.
const SILENCE: Duration = Duration::from_millis(250);

/// Pauses between connections that fail.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// A connection that lasted so long was a good one.
const STEADY: Duration = Duration::from_secs(1);

/// What comes of a request: one reply for each of its commands.
pub(super) type Replies = Result<Vec<Value>, Error>;

/// Commands that belong together.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) bytes: Bytes,
    pub(super) commands: usize,
}

impl Request {
    /// All of these at once.
    pub(super) fn together<'a>(requests: impl Iterator<Item = &'a Self>) -> Self {
        let (mut bytes, mut commands) = (BytesMut::new(), 0);
        for request in requests {
            bytes.extend_from_slice(&request.bytes);
            commands += request.commands;
        }
        Self { bytes: bytes.freeze(), commands }
    }
}

/// What is to come of a request.
#[derive(Debug)]
pub(super) struct Answer(oneshot::Receiver<Replies>);

impl Answer {
    /// It has come, or does not come any more.
    pub(super) async fn comes(self) -> Replies {
        self.0.await.unwrap_or(Err(Error::Unavailable))
    }
}

/// A request on its way.
struct Job {
    request: Request,
    until: Instant,
    answer: oneshot::Sender<Replies>,
    place: Place,
}

/// A request that was sent: what has come, and who waits, if anybody still does.
struct Sent {
    commands: usize,
    replies: Vec<Value>,
    since: Instant,
    until: Instant,
    answer: Option<oneshot::Sender<Replies>>,
    _place: Place,
}

/// What is under way.
#[derive(Debug, Default)]
struct Room {
    requests: AtomicUsize,
    bytes: AtomicUsize,
}

/// A place in it.
struct Place(Arc<Room>, usize);

impl Place {
    fn take(room: &Arc<Room>, bytes: usize) -> Option<Self> {
        let requests = room.requests.fetch_add(1, Ordering::Relaxed);
        let held = room.bytes.fetch_add(bytes, Ordering::Relaxed);
        let place = Self(Arc::clone(room), bytes);
        (requests < MOST_UNDER_WAY && held < MOST_BYTES).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
        self.0.bytes.fetch_sub(self.1, Ordering::Relaxed);
    }
}

/// Any thread's end of the connection. Once all are dropped, what is under way is finished, and the connection closed.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) health: Arc<Health>,
    counts: Arc<Counts>,
    room: Arc<Room>,
    again: Arc<Notify>,
    jobs: mpsc::UnboundedSender<Job>,
}

impl Link {
    /// A connection, made by a task of this runtime. `fallen` is told when it goes down.
    pub(super) fn open(
        runtime: &tokio::runtime::Handle,
        way: Way,
        timeout: Duration,
        health: Health,
        counts: &Arc<Counts>,
        fallen: Option<Arc<Notify>>,
    ) -> Self {
        let (jobs, received) = mpsc::unbounded_channel();
        let (health, again) = (Arc::new(health), Arc::new(Notify::new()));
        let served = Served {
            way: Arc::new(way),
            silence: timeout.max(SILENCE),
            health: Arc::clone(&health),
            again: Arc::clone(&again),
            fallen,
            jobs: received,
            unsent: VecDeque::new(),
        };
        runtime.spawn(served.run());
        Self { health, counts: Arc::clone(counts), room: Arc::default(), again, jobs }
    }

    /// Sends a request and waits for what comes of it, until then at the longest.
    pub(super) async fn ask(&self, request: Request, until: Instant) -> Replies {
        self.send(request, until)?.comes().await
    }

    /// Sends a request.
    pub(super) fn send(&self, request: Request, until: Instant) -> Result<Answer, Error> {
        if self.health.is_down() {
            return Err(Error::Unavailable);
        }
        let Some(place) = Place::take(&self.room, request.bytes.len()) else {
            self.counts.failed(Kind::Overflow);
            return Err(Error::Unavailable);
        };
        let (answer, answered) = oneshot::channel();
        let sent = self.jobs.send(Job { request, until, answer, place });
        sent.map_err(|_| Error::Unavailable)?;
        Ok(Answer(answered))
    }

    /// The server is not what it was: it is to be found again.
    pub(super) fn find_again(&self) {
        self.again.notify_one();
    }
}

/// The task's end.
struct Served {
    way: Arc<Way>,
    silence: Duration,
    health: Arc<Health>,
    again: Arc<Notify>,
    fallen: Option<Arc<Notify>>,
    jobs: mpsc::UnboundedReceiver<Job>,
    unsent: VecDeque<Job>,
}

/// How a connection ended.
enum End {
    /// Nobody needs it any more.
    Unneeded,
    Broken(Trouble),
    /// The server was asked and said nothing.
    Silent(Trouble),
}

impl Served {
    async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let Some(connected) = self.connect().await else { return };
            let trouble = match connected {
                Ok(wire) => {
                    let began = Instant::now();
                    self.health.up();
                    match self.serve(wire).await {
                        End::Unneeded => return,
                        End::Broken(_) if began.elapsed() >= STEADY => {
                            // Often it is back already: what comes meanwhile waits for that, within its time.
                            pause = FIRST_PAUSE;
                            self.health.unknown();
                            self.tell();
                            continue;
                        }
                        End::Silent(why) if began.elapsed() >= STEADY => {
                            pause = FIRST_PAUSE;
                            why
                        }
                        End::Broken(why) | End::Silent(why) => why,
                    }
                }
                Err(why) => why,
            };
            self.health.down(&saying(&trouble));
            self.tell();
            self.unsent.clear();
            if !self.rest(pause).await {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn tell(&self) {
        if let Some(fallen) = &self.fallen {
            fallen.notify_one();
        }
    }

    /// None if nobody needs it any more.
    async fn connect(&mut self) -> Option<Result<Box<dyn Wire>, Trouble>> {
        let way = Arc::clone(&self.way);
        let mut connecting = pin!(way.connect());
        loop {
            let first = self.unsent.front().map(|job| job.until);
            tokio::select! {
                connected = &mut connecting => return Some(connected),
                job = self.jobs.recv() => self.unsent.push_back(job?),
                () = sleep_until(first.unwrap_or_else(Instant::now)), if first.is_some() => {
                    self.time_out(Instant::now());
                }
            }
        }
    }

    /// What was not sent, and whose time is over.
    fn time_out(&mut self, now: Instant) {
        while self.unsent.front().is_some_and(|job| job.until <= now) {
            let _ = self.unsent.pop_front().map(|job| job.answer.send(Err(Error::TimedOut)));
        }
    }

    /// Between two tries; what still came in before it was known fails. False if nobody needs it any more.
    async fn rest(&mut self, pause: Duration) -> bool {
        // Not all proxies at the same moment.
        let spread = RandomState::new().hash_one(0) % 32;
        let end = Instant::now() + pause + pause * u32::try_from(spread).unwrap_or(0) / 128;
        loop {
            tokio::select! {
                () = sleep_until(end) => return true,
                job = self.jobs.recv() => if job.is_none() { return false },
            }
        }
    }

    async fn serve(&mut self, wire: Box<dyn Wire>) -> End {
        let (mut reader, mut writer) = tokio::io::split(wire);
        let mut sent = Pipeline::default();
        let mut out = BytesMut::new();
        let mut come = BytesMut::with_capacity(16 << 10);
        let (mut is_needed, mut is_flushed) = (true, true);
        let mut batch = Vec::new();
        let mut alarm = pin!(sleep_until(Instant::now()));
        let mut is_armed = false;
        let began = Instant::now();
        loop {
            while out.len() < PORTION
                && let Some(job) = self.unsent.pop_front()
            {
                out.extend_from_slice(&job.request.bytes);
                sent.push(job);
            }
            if !is_needed && sent.is_empty() {
                return End::Unneeded;
            }
            if !is_armed && let Some(next) = sent.next_look(self.silence) {
                // It may be early, because what it was set for was answered: then it is set anew.
                alarm.as_mut().reset(next);
                is_armed = true;
            }
            tokio::select! {
                biased;
                read = reader.read_buf(&mut come) => {
                    match read {
                        Ok(0) => return End::Broken("it closed the connection".into()),
                        Ok(_) => {}
                        Err(error) => return End::Broken(error.to_string()),
                    }
                    sent.heard = Instant::now();
                    loop {
                        match resp::take(&mut come) {
                            Ok(None) => break,
                            Ok(Some(value)) => {
                                if !sent.answer(value) {
                                    return End::Broken(garbage());
                                }
                            }
                            Err(resp::Garbage) => return End::Broken(garbage()),
                        }
                    }
                }
                pushed = push(&mut writer, &out), if !out.is_empty() || !is_flushed => match pushed {
                    Ok(count) => {
                        is_flushed = out.is_empty();
                        out.advance(count);
                    }
                    Err(error) => return End::Broken(error.to_string()),
                },
                count = self.jobs.recv_many(&mut batch, 256), if is_needed => {
                    is_needed = count > 0;
                    self.unsent.extend(batch.drain(..));
                }
                () = &mut alarm, if is_armed => {
                    is_armed = false;
                    let now = Instant::now();
                    sent.time_out(now);
                    self.time_out(now);
                    if sent.silent_since().is_some_and(|since| now >= since + self.silence) {
                        return End::Silent(silent(self.silence));
                    }
                }
                // What was said of the connection before is no news, and often it is the same server as before.
                () = self.again.notified() => if began.elapsed() >= STEADY {
                    return End::Broken("it is not the server that it was".into());
                }
            }
        }
    }
}

/// Writes some of this, or sees to it that what was written leaves.
async fn push(writer: &mut WriteHalf<Box<dyn Wire>>, out: &[u8]) -> io::Result<usize> {
    if out.is_empty() {
        writer.flush().await?;
        return Ok(0);
    }
    match writer.write(out).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        count => Ok(count),
    }
}

/// What was sent, in the order in which answers come.
struct Pipeline {
    sent: VecDeque<Sent>,
    /// How many of the first ones nobody waits for any more.
    late: usize,
    /// When something last came.
    heard: Instant,
}

impl Default for Pipeline {
    fn default() -> Self {
        Self { sent: VecDeque::new(), late: 0, heard: Instant::now() }
    }
}

impl Pipeline {
    fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    fn push(&mut self, job: Job) {
        let Job { request, until, answer, place } = job;
        self.sent.push_back(Sent {
            commands: request.commands,
            replies: Vec::with_capacity(request.commands),
            since: Instant::now(),
            until,
            answer: Some(answer),
            _place: place,
        });
    }

    /// A reply, to the first that waits for one; false if nobody asked.
    fn answer(&mut self, value: Value) -> bool {
        let Some(first) = self.sent.front_mut() else { return false };
        first.replies.push(value);
        if first.replies.len() < first.commands {
            return true;
        }
        if let Some(done) = self.sent.pop_front() {
            self.late = self.late.saturating_sub(1);
            if let Some(answer) = done.answer {
                // Who asked may have gone.
                let _ = answer.send(Ok(done.replies));
            }
        }
        true
    }

    /// Those whose time is over wait no more; their answers are still to come. All have the same time, so the first ones
    /// are the first.
    fn time_out(&mut self, now: Instant) {
        while let Some(late) = self.sent.get_mut(self.late).filter(|sent| sent.until <= now) {
            if let Some(answer) = late.answer.take() {
                let _ = answer.send(Err(Error::TimedOut));
            }
            self.late += 1;
        }
    }

    /// Since when the server owes an answer and says nothing.
    fn silent_since(&self) -> Option<Instant> {
        self.sent.front().map(|first| first.since.max(self.heard))
    }

    /// When there may be something to give up.
    fn next_look(&self, silence: Duration) -> Option<Instant> {
        let silent = self.silent_since()? + silence;
        Some(self.sent.get(self.late).map_or(silent, |next| next.until.min(silent)))
    }
}
