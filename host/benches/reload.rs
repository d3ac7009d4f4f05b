//! How long a worker's loop stands still while it takes over another configuration of 10,000 routes, each with an upstream
//! of its own, and 1,000 filters; and while it frees the one before.
//!
//! `cargo bench -p weir --profile dist --bench reload`. A task that only lets others have their turn notes the longest time
//! between two of its turns, in CPU time of the thread: what else runs on the machine does not count.

use std::fmt::Write;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::{Builder, LocalOptions};
use tokio::task::{spawn_local, yield_now};
use weir_host::config::{self, Source};
use weir_host::plugin::{CompiledCache, Engine, Nowhere, Outbound, Station, Substitutes, Warm};
use weir_host::server::State;
use weir_host::snapshot::{Local, Snapshot};

const ROUTES: usize = 10_000;
const FILTERS: usize = 1_000;
const ROUNDS: usize = 20;
const BAR: Duration = Duration::from_millis(1);

/// `port` makes all upstreams others, `name` all filters.
fn text(port: u16, name: &str) -> String {
    let mut text =
        "version: 1\nworkers: 1\nlisteners: { main: { address: '127.0.0.1:0' } }\nsites:\n  - routes:\n".to_owned();
    for route in 0..ROUTES {
        let filter =
            if route < FILTERS { format!(", chain: [{{ plugin: request-id, name: {name} }}]") } else { String::new() };
        writeln!(text, "      - {{ path: /r{route}/*, upstream: 'http://s{route}:{port}'{filter} }}").unwrap();
    }
    text
}

/// CPU time of this thread.
fn spent() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

/// The longest time between two turns of a task beside the work.
async fn stall(work: impl Future<Output = ()>) -> Duration {
    let longest = Rc::new(std::cell::Cell::new(Duration::ZERO));
    let noted = Rc::clone(&longest);
    let probe = spawn_local(async move {
        loop {
            let before = spent();
            yield_now().await;
            noted.set(noted.get().max(spent().saturating_sub(before)));
        }
    });
    yield_now().await;
    work.await;
    yield_now().await;
    probe.abort();
    longest.get()
}

/// The fault that this must catch: the work is done without letting anybody in between.
async fn at_once<T>(work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(|_| {
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
                return Poll::Ready(done);
            }
        }
    })
    .await
}

struct Worker {
    station: Station,
    local: Rc<Local>,
}

impl Worker {
    /// Takes the snapshot over and frees what was before; how long the loop stood still in each.
    async fn adopt(&mut self, snapshot: &Arc<Snapshot>, warm: Warm) -> (Duration, Duration) {
        let before = Rc::clone(&self.local);
        let taking = stall(async {
            self.local = Rc::new(Local::new(Arc::clone(snapshot), &self.station, warm, Some(&before)).await);
        });
        (taking.await, stall(Local::retire(before)).await)
    }
}

/// First instances, made beside as a server does it.
async fn warmed(new: &Arc<Snapshot>, before: &Arc<Snapshot>) -> Warm {
    let (new, before) = (Arc::clone(new), Arc::clone(before));
    let up = move || new.warm(&before, &[Arc::new(Nowhere) as Arc<dyn Outbound>]).pop().unwrap_or_default();
    tokio::task::spawn_blocking(up).await.expect("it does not panic")
}

async fn measure(engine: &Arc<Engine>) {
    let build = |port, name: &str, before: Option<&State>| {
        let config = config::parse(Source { path: "bench.yaml".into(), text: text(port, name) });
        let started = Instant::now();
        let state = State::build(Arc::new(config), engine, before, &Substitutes::new()).expect("it is sound");
        println!("{ROUTES} routes, {FILTERS} filters: built in {:?}", started.elapsed());
        state
    };
    let one = build(1001, "one", None);
    let other = build(1002, "other", None);
    let same = build(1001, "one", Some(&one));
    let outbound: Arc<dyn Outbound> = Arc::new(Nowhere);
    let station = Station { outbound, ticks: true };
    let local = Rc::new(Local::new(Arc::clone(&one.snapshot), &station, Warm::default(), None).await);
    let mut worker = Worker { station, local };
    let (mut kept, mut changed) = ((Duration::ZERO, Duration::ZERO), (Duration::ZERO, Duration::ZERO));
    let worst = |worst: &mut (Duration, Duration), (taking, freeing): (Duration, Duration)| {
        *worst = (worst.0.max(taking), worst.1.max(freeing));
    };
    for _ in 0..ROUNDS {
        worst(&mut kept, worker.adopt(&same.snapshot, Warm::default()).await);
        let warm = warmed(&other.snapshot, &same.snapshot).await;
        worst(&mut changed, worker.adopt(&other.snapshot, warm).await);
        let warm = warmed(&one.snapshot, &other.snapshot).await;
        worst(&mut changed, worker.adopt(&one.snapshot, warm).await);
    }
    println!("longest stall of a worker, nothing changed: {:?} to take over, {:?} to free", kept.0, kept.1);
    println!("longest stall, everything changed:          {:?} to take over, {:?} to free", changed.0, changed.1);
    let planted = stall(async {
        let taken = Local::new(Arc::clone(&other.snapshot), &worker.station, Warm::default(), Some(&worker.local));
        worker.local = Rc::new(at_once(taken).await);
    });
    let planted = planted.await;
    println!("negative control, all at once:              {planted:?} to take over");
    drop((worker, one, same));
    let Ok(snapshot) = Arc::try_unwrap(other.snapshot) else { unreachable!("nobody else has it") };
    let planted_drop = stall(async { drop(snapshot) }).await;
    println!("negative control, freed by the worker:      {planted_drop:?} for the shared part alone");
    let verdict = |is_met| if is_met { "met" } else { "MISSED" };
    let longest = kept.0.max(kept.1).max(changed.0).max(changed.1);
    println!("a reload of {ROUTES} routes stalls no worker longer than 1 ms: {}", verdict(longest <= BAR));
    println!("the negative controls are caught: {}", verdict(planted > BAR && planted_drop > BAR));
}

fn main() {
    let engine = Arc::new(Engine::new(CompiledCache::from_environment()).expect("the engine starts"));
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).expect("a runtime");
    runtime.block_on(measure(&engine));
}
