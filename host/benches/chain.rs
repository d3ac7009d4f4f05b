//! What filters cost without the network: `cargo bench -p weir --profile dist --bench chain -- FOLDER`, where FOLDER
//! holds the test guests as components (the build script of `weir-tests` prints it as `GUESTS`).
//!
//! Each line is nanoseconds for both sides of a chain on an exchange whose head is a usual one, best of five. The first
//! is the exchange itself without a filter; a filter's cost is its line less that one. `slope` is what one more costs
//! in a chain of eight.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use tokio::runtime::{Builder, LocalOptions};
use weir_host::clock::Slices;
use weir_host::config::{self, Source};
use weir_host::plugin::{
    Chain, CompiledCache, Engine, Exchange, ExchangeId, Held, Message, Nowhere, Origin, Outbound, Peer, Pipe, Pools,
    Registry, Remotes, Station, Step, Stores, Substitutes, Warm,
};

/// For so long each is tried, five times.
const WHILE: Duration = Duration::from_millis(200);

fn main() {
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let engine = Arc::new(Engine::new(CompiledCache::from_environment()).expect("the engine starts"));
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).expect("a runtime");
    runtime.block_on(async {
        let bare = Bench::new(&engine, "", "").await.nanoseconds().await;
        println!("{bare:8.0} ns  no filter");
        let line = async |name: &str, plugins: &str, chain: &str| {
            let cost = Bench::new(&engine, plugins, chain).await.nanoseconds().await - bare;
            println!("{cost:8.0} ns  {name}");
            cost
        };
        line("request-id", "", "request-id").await;
        let Some(folder) = folder else { return };
        let guest = |name: &str, more: &str| {
            let file = Path::new(&folder).join(format!("{name}.wasm"));
            format!("plugins: {{ guest: {{ file: \"{}\"{more} }} }}", file.display())
        };
        let noop = guest("noop", "");
        let one = line("no-op", &noop, "guest").await;
        let many: Vec<String> = (0..8).map(|index| format!("{{ plugin: guest, name: g{index} }}")).collect();
        let eight = line("no-op, eight of them", &noop, &many.join(", ")).await;
        println!("{:8.0} ns  slope", (eight - one) / 7.0);
        let mut watched = Bench::new(&engine, &noop, &many.join(", ")).await;
        watched.is_watched = true;
        let watched = watched.nanoseconds().await - bare;
        println!(
            "{watched:8.0} ns  the eight, each timed and leaving marks: {:.0} ns for a hook",
            (watched - eight) / 16.0
        );
        line("two reads and a write, and a write", &guest("headers", ""), "guest").await;
        line("may wait, does not", &guest("asker", ""), "{ plugin: guest, config: { upstream: origin } }").await;
        let fresh = guest("noop", ", isolation: fresh");
        let alone = line("no-op, fresh", &fresh, "guest").await / 2.0;
        println!("{alone:8.0} ns  fresh, for each of two calls");
        let busy = (on_all_cores(&engine, &fresh).await - bare) / 2.0;
        println!("{busy:8.0} ns  the same while every core does it: {:.2}x", busy / alone);
        let fresh = guest("mark", ", isolation: fresh");
        let cost = line("configured, fresh", &fresh, "{ plugin: guest, config: { name: a } }").await;
        println!("{:8.0} ns  fresh and configured, for each of two calls", cost / 2.0);
        let trap = guest("trap", ", quarantine: off");
        let mut trap = Bench::new(&engine, &trap, "{ plugin: guest, on_failure: open }").await;
        trap.trace = ("x-trap", "request");
        println!("{:8.0} ns  traps, and is made anew", trap.nanoseconds().await - bare);
        Bench::new(&engine, &guest("shout", ""), "guest").await.stream().await;
    });
}

/// What one exchange takes while as many threads as there are cores run the same.
async fn on_all_cores(engine: &Arc<Engine>, plugins: &str) -> f64 {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let others: Vec<_> = (1..threads)
        .map(|_| {
            let (engine, plugins) = (Arc::clone(engine), plugins.to_owned());
            std::thread::spawn(move || {
                let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
                runtime
                    .expect("a runtime")
                    .block_on(async { Bench::new(&engine, &plugins, "guest").await.nanoseconds().await })
            })
        })
        .collect();
    let mut costs = Bench::new(engine, plugins, "guest").await.nanoseconds().await;
    for other in others {
        costs += other.join().expect("it ends well");
    }
    #[allow(clippy::cast_precision_loss)]
    let threads = threads as f64;
    costs / threads
}

/// A chain on an instance pool of its own.
struct Bench {
    pools: Pools,
    chain: Chain,
    peer: Arc<Peer>,
    /// A field of the request.
    trace: (&'static str, &'static str),
    /// Whether hooks are timed and leave marks.
    is_watched: bool,
}

impl Bench {
    async fn new(engine: &Arc<Engine>, plugins: &str, chain: &str) -> Self {
        let text = format!(
            "version: 1\nlisteners: {{ a: {{ address: \"127.0.0.1:0\" }} }}\n\
             upstreams: {{ origin: {{ endpoints: [\"http://127.0.0.1:1\"] }} }}\n{plugins}\n\
             sites: [{{ chain: [{chain}], routes: [{{ path: /*, upstream: origin }}] }}]\n"
        );
        let config = config::parse(Source { path: "bench.yaml".into(), text });
        config.sound(Vec::new()).expect("the configuration is sound");
        let (stores, remotes, none) = (Stores::new(), Remotes::new(), Substitutes::new());
        let mut registry = Registry::new(engine, &[], (&stores, &remotes), config.known(), &none);
        let entries: Vec<_> =
            config.entries.iter().map(|entry| registry.entry(entry).expect("the filter loads")).collect();
        let chain = Chain::new(&config.sites[0].chain, &entries);
        let outbound: Arc<dyn Outbound> = Arc::new(Nowhere);
        let station = Station { outbound, ticks: false };
        let pools = Pools::new(engine, &entries, &station, Warm::default(), None, &mut Slices::new()).await;
        let peer = Arc::new(Peer {
            address: [127, 0, 0, 1].into(),
            is_trusted: false,
            scheme: "http",
            listener: "bench".into(),
            tls: None,
        });
        let trace = ("x-trace", "4bf92f3577b34da6a3ce929d0e0e4736");
        Self { pools, chain, peer, trace, is_watched: false }
    }

    async fn nanoseconds(&self) -> f64 {
        let mut best = f64::INFINITY;
        for _ in 0..5 {
            let (start, mut exchanges) = (Instant::now(), 0_u32);
            while start.elapsed() < WHILE {
                for _ in 0..100 {
                    black_box(self.exchange().await);
                }
                exchanges += 100;
            }
            best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(exchanges));
        }
        best
    }

    async fn exchange(&self) -> Held {
        let request = Request::get("/bench")
            .header("host", "bench.example")
            .header("user-agent", "weir-bench/1")
            .header("accept", "*/*")
            .header("accept-encoding", "identity")
            .header(self.trace.0, self.trace.1);
        let response = Response::builder()
            .header("content-type", "text/plain")
            .header("content-length", "100")
            .header("server", "origin");
        let (request, ()) = request.body(()).expect("sound").into_parts();
        let (response, ()) = response.body(()).expect("sound").into_parts();
        let mut held = Exchange::begin(ExchangeId(7), Instant::now(), &self.peer, request);
        if self.is_watched {
            held.trail.begin();
        }
        let mut step = self.pools.request(&self.chain, &mut held).expect("the filter works");
        while let Step::Call = step {
            let call = self.pools.call(&self.chain, &mut held, Message::Request);
            step = match Box::pin(call).await.expect("the filter works") {
                Step::Next => self.pools.request(&self.chain, &mut held).expect("the filter works"),
                step => step,
            };
        }
        held.answer(response, None, Origin::Upstream);
        self.pools.response(&self.chain, &mut held).expect("the filter works");
        held
    }

    /// A body through a filter that looks at every byte.
    async fn stream(&self) {
        let mut held = self.exchange().await;
        let mut pipe = Pipe::of(&self.pools, &self.chain, &mut held, Message::Response).expect("it asked for chunks");
        let piece = Bytes::from(vec![b'a'; 64 << 10]);
        let mut best = 0.0_f64;
        for _ in 0..5 {
            let (start, mut bytes) = (Instant::now(), 0_usize);
            while start.elapsed() < WHILE {
                bytes += pipe.push(piece.clone(), false).await.expect("it works").iter().map(Bytes::len).sum::<usize>();
            }
            #[allow(clippy::cast_precision_loss)]
            let rate = bytes as f64 / 1e6 / start.elapsed().as_secs_f64();
            best = best.max(rate);
        }
        println!("{best:8.0} MB/s  a body rewritten byte by byte");
    }
}
