//! Several processes that count together, in a Redis of their own.

use std::collections::BTreeMap;

use weir_tests::{Proxy, Scrape, until};

use crate::redis::Redis;
use crate::{crowd, served};

/// A proxy that counts in this Redis, and answers itself.
fn proxy(redis: &Redis, config: &str) -> Proxy {
    Proxy::of(
        &format!(
            "version: 1\nworkers: 2\nadmin: {{ address: \"127.0.0.1:0\" }}\n\
             listeners: {{ main: {{ address: \"127.0.0.1:0\", trusted_proxies: [127.0.0.1] }} }}\n\
             stores: {{ shared: {{ {}, timeout: 10s }} }}\nsites:\n  - chain:\n      - plugin: rate-limit\n        \
             limits: {{ waiting: 10000, wait: 20s, queue: 60s }}\n        config: {{ store: shared, window: 744h, {config} }}\n      \
             - {{ plugin: respond, config: {{ body: served }} }}\n    routes: []\n",
            redis.written()
        ),
        &[],
    )
}

fn fleet(redis: &Redis, config: &str) -> Vec<Proxy> {
    (0..4).map(|_| proxy(redis, config)).collect()
}

fn ports(fleet: &[Proxy]) -> Vec<u16> {
    fleet.iter().map(|proxy| proxy.address.port()).collect()
}

#[test]
fn of_ten_thousand_at_once_four_processes_let_through_exactly_the_limit() {
    let redis = Redis::start();
    let fleet = fleet(&redis, "limit: 1000");
    let answers = crowd(10_000, &ports(&fleet));
    assert_eq!(answers, BTreeMap::from([(200, 1000), (429, 9000)]));
}

#[test]
fn the_other_algorithms_count_together_as_well() {
    let redis = Redis::start();
    for algorithm in ["sliding-window", "token-bucket"] {
        let fleet = fleet(&redis, &format!("limit: 200, algorithm: {algorithm}"));
        // In half a second of 31 days nothing comes back.
        let answers = crowd(1000, &ports(&fleet));
        assert_eq!(answers, BTreeMap::from([(200, 200), (429, 800)]), "{algorithm}");
    }
}

#[test]
fn four_processes_with_batches_never_let_through_more_and_hardly_less() {
    const LIMIT: usize = 1000;
    const BATCH: usize = 20;
    let redis = Redis::start();
    let fleet = fleet(&redis, &format!("limit: {LIMIT}, local_batch: {BATCH}"));
    let answers = crowd(10_000, &ports(&fleet));
    let admitted = answers.get(&200).copied().unwrap_or_default();
    assert_eq!(answers.values().sum::<usize>(), 10_000, "{answers:?}");
    assert!(answers.keys().all(|status| [200, 429].contains(status)), "{answers:?}");
    let least = LIMIT - 3 * (BATCH - 1);
    assert!((least..=LIMIT).contains(&admitted), "{admitted} is not within {least} and {LIMIT}");
    // What somebody has left is given out by that process, and nothing beyond.
    let rest: usize = fleet.iter().map(|proxy| served(proxy, "127.0.0.1", 2 * BATCH)).sum();
    assert_eq!(admitted + rest, LIMIT);
    let taken: f64 = fleet
        .iter()
        .map(|proxy| {
            let figures = Scrape::of(&proxy.log).now();
            let of = |what| figures.sum("weir_plugin_rate_limit_takings_total", &[("what", what)]);
            assert!(of("batch") > 0.5, "{}", figures.text);
            of("batch")
        })
        .sum();
    assert!(taken <= 50.5, "{taken}");
}

#[test]
fn a_redis_that_goes_leaves_each_configuration_its_way_and_comes_back() {
    let mut redis = Redis::start();
    let proxies = ["open", "closed", "local"].map(|how| {
        let limit = if how == "local" { 3 } else { 2 };
        proxy(&redis, &format!("limit: {limit}, name: {how}, on_store_failure: {how}"))
    });
    let [open, closed, local] = &proxies;
    assert_eq!([open, closed, local].map(|proxy| served(proxy, "192.0.2.1", 5)), [2, 2, 3]);
    redis.end();
    assert_eq!([open, closed, local].map(|proxy| served(proxy, "192.0.2.2", 5)), [5, 0, 3]);
    let record = closed.access.wait("store-failed");
    assert!(record.contains("the store `shared`"), "{record}");
    for proxy in &proxies {
        proxy.log.wait("the store `shared` fails");
    }
    redis.run();
    for proxy in &proxies {
        // How soon it is tried again is the store's to say.
        until("the store is counted in again", || {
            served(proxy, "192.0.2.3", 1);
            proxy.log.so_far().iter().any(|line| line.contains("the store `shared` answers again"))
        });
    }
    assert_eq!([open, closed, local].map(|proxy| served(proxy, "192.0.2.4", 5)), [2, 2, 3]);
    let figures = Scrape::of(&open.log).now();
    assert!(figures.sum("weir_plugin_rate_limit_store_failures_total", &[]) > 4.5, "{}", figures.text);
}
