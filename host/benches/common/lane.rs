//! A chain without a network, and the requests that come to it.

use std::cell::Cell;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response};
use weir_host::clock::Slices;
use weir_host::config::{self, Kept, Source};
use weir_host::plugin::{
    Armed, Chain, Document, Engine, Exchange, ExchangeId, Held, Message, Origin, Outbound, Outcome, Peer, Pools,
    Registry, Remotes, Station, Step, Stores, Substitutes, Warm,
};
use weir_host::store::redis::{Address, Login, Redis, Servers, Settings};
use weir_host::store::{DEFAULT_SIZE, Memory};
use weir_host::upstream::Dial;

use super::stopwatch::Stopwatch;

/// Those that configurations may name. Nobody is there: whatever is asked goes elsewhere.
const UPSTREAMS: [&str; 3] = ["origin", "auth", "policy"];

/// What a client sends, as far as these filters look at it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    method: Method,
    path: String,
    fields: Vec<(HeaderName, HeaderValue)>,
    client: IpAddr,
    /// Variables that filters before have set.
    variables: Vec<(String, String)>,
    /// JSON that the upstream answers with, and what becomes of it; otherwise it is a hundred bytes of text, which nobody
    /// looks at.
    document: Option<(Bytes, Bytes)>,
}

impl Asked {
    pub(crate) fn get(path: &str) -> Self {
        Self {
            method: Method::GET,
            path: path.to_owned(),
            fields: Vec::new(),
            client: Ipv4Addr::LOCALHOST.into(),
            variables: Vec::new(),
            document: None,
        }
    }

    pub(crate) fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::try_from(value).expect("a value of a field");
        self.fields.push((HeaderName::from_static(name), value));
        self
    }

    pub(crate) fn from(mut self, client: impl Into<IpAddr>) -> Self {
        self.client = client.into();
        self
    }

    /// By a document that becomes another one, or stays as it is.
    pub(crate) fn answered_with(mut self, document: &Bytes, becomes: &Bytes) -> Self {
        self.document = Some((document.clone(), becomes.clone()));
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// What becomes of all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meets {
    Upstream,
    /// An answer of the upstream whose document becomes what it is to become.
    Rewriting,
    /// An answer with this status and this reason.
    Refusal(u16, &'static str),
}

/// A chain on one worker's instances, and requests that come to it in turn, again and again.
pub(crate) struct Lane {
    pools: Pools,
    chain: Chain,
    peer: Arc<Peer>,
    asked: Arc<[Asked]>,
    meets: Meets,
    next: Cell<usize>,
}

impl Lane {
    /// A lane whose instance is ready, and has seen every request twice, so that what is to be known or used up is. Panics
    /// if any of them met something else the second time.
    pub(crate) async fn new(
        engine: &Arc<Engine>,
        outbound: &Arc<dyn Outbound>,
        stores: &str,
        chain: &str,
        asked: &Arc<[Asked]>,
        meets: Meets,
    ) -> Self {
        let text = format!(
            "version: 1\nlisteners: {{ a: {{ address: \"127.0.0.1:0\" }} }}\n\
             upstreams: {{ {} }}\nstores: {{ {stores} }}\n\
             sites: [{{ chain: [{chain}], routes: [{{ path: /*, upstream: origin }}] }}]\n",
            UPSTREAMS.map(|name| format!("{name}: {{ endpoints: [\"http://127.0.0.1:1\"] }}")).join(", "),
        );
        let config = config::parse(Source { path: "bench.yaml".into(), text });
        config.sound(Vec::new()).unwrap_or_else(|faults| panic!("the configuration is not sound: {faults:?}"));
        let (mut stores, mut remotes) = (Stores::new(), Remotes::new());
        for store in &config.stores {
            let name = store.name.value.clone();
            match &store.kept {
                Kept::Redis(redis) => drop(remotes.insert(name.clone(), remote(name, redis))),
                _ => drop(stores.insert(name, Arc::new(Memory::new(DEFAULT_SIZE)))),
            }
        }
        let none = Substitutes::new();
        let mut registry = Registry::new(engine, &[], (&stores, &remotes), config.known(), &none);
        let loaded = |entry| registry.entry(entry).unwrap_or_else(|faults| panic!("it does not load: {faults:?}"));
        let entries: Vec<_> = config.entries.iter().map(loaded).collect();
        for document in entries.iter().flat_map(|entry| entry.documents()) {
            if let Some(keeping) = Document::keep(document, Arc::clone(outbound)) {
                tokio::task::spawn_local(keeping);
            }
        }
        let chain = Chain::new(&config.sites[0].chain, &entries);
        let station = Station { outbound: Arc::clone(outbound), ticks: false };
        let pools = Pools::new(engine, &entries, &station, Warm::default(), None, &mut Slices::new()).await;
        let peer = Arc::new(Peer {
            address: [127, 0, 0, 1].into(),
            is_trusted: false,
            scheme: "http",
            listener: "bench".into(),
            tls: None,
        });
        let lane = Self { pools, chain, peer, asked: Arc::clone(asked), meets, next: Cell::new(0) };
        for asked in &*lane.asked {
            lane.exchange(asked).await;
        }
        for asked in &*lane.asked {
            lane.met(asked, lane.exchange(asked).await);
        }
        lane
    }

    /// One round: nanoseconds of this thread's CPU time for an exchange.
    pub(crate) async fn round(&self) -> f64 {
        let (stopwatch, mut exchanges) = (Stopwatch::start(), 0);
        loop {
            for _ in 0..100 {
                let next = self.next.get();
                black_box(self.exchange(&self.asked[next]).await);
                self.next.set((next + 1) % self.asked.len());
            }
            exchanges += 100;
            if let Some(each) = stopwatch.each_of(exchanges) {
                return each;
            }
        }
    }

    async fn exchange(&self, asked: &Asked) -> Held {
        let mut request = Request::builder()
            .method(asked.method.clone())
            .uri(asked.path.as_str())
            .header("host", "bench.example")
            .header("user-agent", "weir-bench/1")
            .header("accept", "*/*");
        for (name, value) in &asked.fields {
            request = request.header(name, value);
        }
        let (request, ()) = request.body(()).expect("sound").into_parts();
        let mut held = Exchange::begin(ExchangeId(7), Instant::now(), &self.peer, request);
        held.client = asked.client;
        if !asked.variables.is_empty() {
            held.with_variables(&asked.variables);
        }
        let mut step = self.pools.request(&self.chain, &mut held).expect("the filter works");
        loop {
            step = match step {
                Step::Call => {
                    let call = self.pools.call(&self.chain, &mut held, Message::Request);
                    match Box::pin(call).await.expect("the filter works") {
                        Step::Next => self.pools.request(&self.chain, &mut held).expect("the filter works"),
                        step => step,
                    }
                }
                Step::Pause(Armed::Refresh(document)) => {
                    let is_good = Box::pin(document.refresh()).await;
                    held.resume(if is_good { Outcome::Done } else { Outcome::Failed });
                    self.pools.request(&self.chain, &mut held).expect("the filter works")
                }
                Step::Next | Step::Answered => break,
                step => panic!("nothing here has a body to wait for: {step:?}"),
            };
        }
        if matches!(self.meets, Meets::Upstream | Meets::Rewriting) {
            let kind = if asked.document.is_some() { "application/json" } else { "text/plain" };
            let response = Response::builder()
                .header("content-type", kind)
                .header("content-length", asked.document.as_ref().map_or(100, |(document, _)| document.len()))
                .header("server", "origin");
            let (response, ()) = response.body(()).expect("sound").into_parts();
            held.answer(response, None, Origin::Upstream);
        }
        let mut step = self.pools.response(&self.chain, &mut held).expect("the filter works");
        while let Step::Pause(armed) = step {
            // What one filter made of it is what the next one gets.
            let made = held.steering(Message::Response).and_then(|steering| steering.replaced.clone());
            let came = asked.document.as_ref().filter(|_| matches!(armed, Armed::Buffer(_)));
            let (came, _) = came.expect("only a document is waited for");
            held.buffered(Message::Response, Some(made.unwrap_or_else(|| came.clone())));
            held.resume(Outcome::Done);
            step = self.pools.response(&self.chain, &mut held).expect("the filter works");
        }
        held
    }

    fn met(&self, asked: &Asked, mut held: Held) {
        if self.chain.is_empty() {
            return;
        }
        let made = held.steering(Message::Response).and_then(|steering| steering.replaced.take());
        let status = held.response.as_ref().map(|response| response.status.as_u16());
        let is_so = match (&held.origin, self.meets) {
            (Origin::Upstream, Meets::Upstream) => made.is_none(),
            (Origin::Upstream, Meets::Rewriting) => {
                made.as_ref() == asked.document.as_ref().map(|(_, becomes)| becomes)
            }
            (Origin::Filter(answer), Meets::Refusal(wanted, reason)) => answer.code == reason && status == Some(wanted),
            _ => false,
        };
        assert!(is_so, "{:?} meets {:?} with {status:?}, and not {:?}", held.request.uri, held.origin, self.meets);
    }
}

/// A store on one server, as it is configured.
fn remote(name: String, redis: &config::Redis) -> Arc<Redis> {
    let config::Servers::One(server) = &redis.servers else { panic!("a benchmark asks one server") };
    let settings = Settings {
        name,
        servers: Servers::One(Address { host: server.host.clone(), port: server.port }),
        login: Login::default(),
        database: redis.database,
        tls: None,
        prefix: redis.prefix.clone(),
        timeout: redis.timeout,
    };
    Arc::new(Redis::new(settings, Arc::new(Dial::new(None).expect("without TLS nothing is read"))))
}
