//! A flood of clients that nobody has seen before, against a store that has a bound.

use weir_host::store::{Memory, Step, Store};
use weir_tests::{Client, Scrape};

use crate::{get_as, limited, served};

#[test]
fn a_flood_of_new_clients_cannot_make_the_store_forget_who_was_limited() {
    let (proxy, _origin) =
        limited("limit: 2, window: 744h, store: small", |builder| builder.top("stores: { small: { memory: 1MiB } }"));
    assert_eq!(served(&proxy, "192.0.2.1", 3), 2);
    assert_eq!(served(&proxy, "192.0.2.2", 1), 1);
    let mut flood = Client::connect(proxy.address);
    let mut refused = 0;
    for index in 0..5000 {
        let line = format!("X-Forwarded-For: 10.0.{}.{}\r\n", index / 250, index % 250);
        refused += usize::from(flood.get("/", &line).status == 503);
    }
    assert!(refused > 1000, "{refused}");
    assert_eq!(served(&proxy, "192.0.2.1", 3), 0);
    assert_eq!(served(&proxy, "192.0.2.2", 3), 1);
    let newcomer = get_as(&proxy, "192.0.2.3");
    assert_eq!((newcomer.status, newcomer.text().as_str()), (503, "Not available now\n"));
    let figures = Scrape::of(&proxy.log).now();
    let small = [("store", "small")];
    assert!(figures.sum("weir_store_refused_total", &small) > 1000.0, "{}", figures.text);
    assert_eq!(figures.sum("weir_store_evicted_total", &small), 0.0);
    assert!(figures.sum("weir_store_bytes", &small) <= 1_048_576.0);
    assert!(figures.sum("weir_plugin_rate_limit_store_failures_total", &[("error", "too-large")]) > 1000.0);
    let full = [("filter", "rate-limit"), ("reason", "store-full")];
    assert!(figures.sum("weir_filter_answers_total", &full) > 1000.0);
}

/// What this process has in memory, in MiB.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux counts it");
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() >> 10
}

/// A step as the filter makes it, of somebody with this number.
fn step(store: &Memory, who: usize) -> Option<i64> {
    let key = format!("default:f60:29453760:0={who}");
    let step = Step { key: &key, floor: 0, by: 1, most: 100, ttl: Some(3_600_000) };
    store.step("entry", &step).ok().map(|stand| stand.value)
}

#[test]
fn ten_million_keys_stay_within_the_bound_and_forget_nobody() {
    const MANY: usize = 10_000_000;
    let before = memory();
    let store = Memory::new(64 << 20);
    for who in 0..1000 {
        assert_eq!(step(&store, who), Some(1));
    }
    std::thread::scope(|scope| {
        for half in 0..2 {
            let store = &store;
            scope.spawn(move || (1000..MANY).skip(half).step_by(2).for_each(|who| _ = step(store, who)));
        }
    });
    for who in 0..1000 {
        assert_eq!(step(&store, who), Some(2));
    }
    let usage = store.usage();
    assert!(usage.values > 150_000 && usage.bytes <= 64 << 20, "{usage:?}");
    assert_eq!((usage.values as u64 + usage.refused, usage.evicted), (MANY as u64, 0));
    // What is counted is what it takes, or nearly so.
    assert!(memory() < before + 100, "{} MiB after {before}", memory());
}
