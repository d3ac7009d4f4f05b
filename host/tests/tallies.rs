//! What filters do is counted, by entry and hook, and stays counted when the entry is replaced.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Request, Response};
use tokio::runtime::{Builder, LocalOptions};
use weir_host::clock::Slices;
use weir_host::config::{self, Config, Source};
use weir_host::plugin::{
    Chain, CompiledCache, Engine, Entry, Exchange, ExchangeId, HookTally, Nowhere, Origin, Outbound, Peer, Pools,
    Registry, Remotes, Station, Step, Stores, Substitutes, Tally, Warm,
};

/// A chain with this filter's configuration, as one of the site's.
fn config(deny: &str) -> Config {
    let text = format!(
        "version: 1\nlisteners: {{ a: {{ address: \"127.0.0.1:0\" }} }}\n\
         upstreams: {{ origin: {{ endpoints: [\"http://127.0.0.1:1\"] }} }}\n\
         sites: [{{ name: shop, chain: [request-id, {{ plugin: ip-filter, except: [/open], config: {{ deny: [{deny}] }} }}], \
         routes: [{{ path: /*, upstream: origin }}] }}]\n"
    );
    let config = config::parse(Source { path: "weir.yaml".into(), text });
    config.sound(Vec::new()).expect("the configuration is sound");
    config
}

fn entries(engine: &Engine, config: &Config, before: &[Arc<Entry>]) -> Vec<Arc<Entry>> {
    let (stores, remotes, none) = (Stores::new(), Remotes::new(), Substitutes::new());
    let mut registry = Registry::new(engine, before, (&stores, &remotes), config.known(), &none);
    config.entries.iter().map(|entry| registry.entry(entry).expect("the filter loads")).collect()
}

/// One exchange of this client's, timed or not.
fn exchange(pools: &Pools, chain: &Chain, client: [u8; 4], path: &str, is_timed: bool) -> bool {
    let address = client.into();
    let peer = Peer { address, is_trusted: false, scheme: "http", listener: "a".into(), tls: None };
    let (request, ()) = Request::get(path).header("host", "a.example").body(()).unwrap().into_parts();
    let (response, ()) = Response::new(()).into_parts();
    let mut held = Exchange::begin(ExchangeId(7), Instant::now(), &Arc::new(peer), request);
    if is_timed {
        held.trail.begin();
    }
    let is_answered = matches!(pools.request(chain, &mut held).expect("the filters work"), Step::Answered);
    if !is_answered {
        held.answer(response, None, Origin::Upstream);
    }
    pools.response(chain, &mut held).expect("the filters work");
    is_answered
}

fn hook<'a>(tally: &'a Tally, name: &str) -> &'a HookTally {
    tally.hooks.iter().find(|hook| hook.hook == name).unwrap_or_else(|| panic!("no `{name}` in {tally:?}"))
}

#[test]
fn what_filters_do_is_counted_by_hook_and_reason_and_stays_counted() {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).unwrap();
    runtime.block_on(async {
        let engine = Arc::new(Engine::new(CompiledCache::from_environment()).unwrap());
        let outbound: Arc<dyn Outbound> = Arc::new(Nowhere);
        let station = Station { outbound, ticks: false };
        let mut slices = Slices::new();
        let first = config("10.0.0.0/8");
        let old = entries(&engine, &first, &[]);
        let chain = Chain::new(&first.sites[0].chain, &old);
        let pools = Pools::new(&engine, &old, &station, Warm::default(), None, &mut slices).await;
        assert!(exchange(&pools, &chain, [10, 0, 0, 1], "/a", true));
        assert!(!exchange(&pools, &chain, [192, 0, 2, 1], "/a", true));
        assert!(!exchange(&pools, &chain, [192, 0, 2, 1], "/a", false));
        assert!(!exchange(&pools, &chain, [10, 0, 0, 1], "/open", true));
        let find = |entries: &[Arc<Entry>], name: &str| {
            Arc::clone(entries.iter().find(|entry| entry.name == name).expect("there is such an entry"))
        };
        let id = find(&old, "request-id").tally();
        assert_eq!((hook(&id, "on-request").next, hook(&id, "on-response").next), (4, 4));
        assert_eq!((id.calls(), id.failures()), (8, 0));
        // What was not timed has no duration.
        assert_eq!(hook(&id, "on-request").durations.iter().sum::<u64>(), 3);
        assert!(hook(&id, "on-request").spent > Duration::ZERO);
        let filter = find(&old, "ip-filter");
        let tally = filter.tally();
        assert_eq!((hook(&tally, "on-request").next, hook(&tally, "on-request").answered), (2, 1));
        assert_eq!((tally.excepted, tally.answers.len()), (1, 1));
        assert_eq!((tally.instances.made, tally.instances.dropped), (1, 0));
        assert!(tally.instances.memory > 0);
        assert_eq!(filter.owner(), ("shop", None));

        // Another configuration is another version under the same name.
        let second = config("192.0.2.0/24");
        let new = entries(&engine, &second, &old);
        let changed = Chain::new(&second.sites[0].chain, &new);
        let adopted = Pools::new(&engine, &new, &station, Warm::default(), Some(&pools), &mut slices).await;
        assert!(exchange(&adopted, &changed, [192, 0, 2, 1], "/a", true));
        // An exchange of before ends on what it began with, and counts as well.
        assert!(exchange(&pools, &chain, [10, 0, 0, 1], "/a", true));
        let replaced = find(&new, "ip-filter");
        assert_eq!(hook(&replaced.tally(), "on-request").answered, 3);
        assert_eq!(hook(&replaced.tally_of_version(), "on-request").answered, 1);
        assert_eq!(hook(&filter.tally_of_version(), "on-request").answered, 2);
        drop(pools);
        let tally = replaced.tally();
        assert_eq!(hook(&tally, "on-request").answered, 3);
        assert_eq!(tally.answers.iter().map(|(_, count)| count).sum::<u64>(), 3);
        assert_eq!((tally.instances.made, tally.instances.dropped), (2, 1));
        assert_eq!(filter.tally_of_version(), Tally::default());
    });
}
