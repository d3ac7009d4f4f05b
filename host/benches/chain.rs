//! What filters cost without the network: `cargo bench -p weir --profile dist -- [GUEST.wasm ...]`.
//!
//! Runs both sides of a chain on an exchange whose head is a usual one, and prints nanoseconds per exchange. The
//! first line is the chain without a filter: the exchange itself.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use http::{Request, Response};
use weir_host::config::{self, Source};
use weir_host::plugin::{
    Chain, CompiledCache, Engine, Exchange, ExchangeId, Nowhere, Origin, Outbound, Peer, Pools, Registry, Stores,
};

const EXCHANGES: u32 = 200_000;

fn main() {
    let engine = Arc::new(Engine::new(CompiledCache::from_environment()).expect("the engine starts"));
    run(&engine, "no filter", "");
    run(&engine, "request-id", "request-id");
    for guest in std::env::args().skip(1).filter(|argument| argument != "--bench") {
        run(&engine, &guest, Path::new(&guest).to_str().expect("a path is text"));
    }
}

fn run(engine: &Arc<Engine>, name: &str, plugin: &str) {
    let chain = match plugin {
        "" => String::new(),
        file if file.contains('/') => {
            format!("plugins: {{ guest: {{ file: \"{file}\" }} }}\nsites: [{{ chain: [guest], routes: [] }}]")
        }
        bundled => format!("sites: [{{ chain: [{bundled}], routes: [] }}]"),
    };
    let chain = if chain.is_empty() { "sites: [{ routes: [] }]".to_owned() } else { chain };
    let text = format!("version: 1\nlisteners: {{ a: {{ address: \"127.0.0.1:0\" }} }}\n{chain}\n");
    let config = config::parse(Source { path: "bench.yaml".into(), text });
    config.sound(Vec::new()).expect("the configuration is sound");
    let stores = Stores::new();
    let mut registry = Registry::new(engine, &[], &stores, config.known());
    let entries: Vec<_> = config.entries.iter().map(|entry| registry.entry(entry).expect("the filter loads")).collect();
    let chain = Chain::new(&config.sites[0].chain, &entries);
    let nowhere: Arc<dyn Outbound> = Arc::new(Nowhere);
    let pools = Pools::new(engine, &entries, &nowhere, None);
    let peer = Arc::new(Peer {
        address: [127, 0, 0, 1].into(),
        is_trusted: false,
        scheme: "http",
        listener: "bench".into(),
        tls: None,
    });
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        for _ in 0..EXCHANGES {
            exchange(&pools, &chain, &peer);
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(EXCHANGES));
    }
    println!("{best:8.0} ns  {name}");
}

fn exchange(pools: &Pools, chain: &Chain, peer: &Arc<Peer>) {
    let request = Request::get("/bench")
        .header("host", "bench.example")
        .header("user-agent", "weir-bench/1")
        .header("accept", "*/*")
        .header("accept-encoding", "identity")
        .header("x-trace", "4bf92f3577b34da6a3ce929d0e0e4736");
    let response = Response::builder()
        .header("content-type", "text/plain")
        .header("content-length", "100")
        .header("server", "origin");
    let (request, ()) = request.body(()).expect("sound").into_parts();
    let (response, ()) = response.body(()).expect("sound").into_parts();
    let mut held = Exchange::begin(ExchangeId(7), Instant::now(), peer, request);
    pools.request(chain, &mut held).expect("the filter works");
    held.answer(response, None, Origin::Upstream);
    pools.response(chain, &mut held).expect("the filter works");
    black_box(&held);
}
