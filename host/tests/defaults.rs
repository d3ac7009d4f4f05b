//! What holds where the file says nothing of a plugin or a store.

use std::time::Duration;

use weir_host::config::{Config, Isolation, Kept, Limits, Quarantine, Source, parse};

fn config(more: &str) -> Config {
    let text = format!(
        "version: 1\nlisteners: {{ public: {{ address: 127.0.0.1:8080 }} }}\n\
         sites: [{{ chain: [request-id], routes: [{{ path: /*, upstream: http://127.0.0.1:9000 }}] }}]\n{more}"
    );
    let config = parse(Source { path: "weir.yaml".into(), text });
    assert_eq!(config.faults, []);
    config
}

#[test]
fn the_stores_are_those_that_are_declared_and_the_local_one() {
    let stores = |more: &str| -> Vec<_> {
        config(more).stores.into_iter().map(|store| (store.name.value, store.kept)).collect()
    };
    let store = |name: &str, size| (name.to_owned(), Kept::Memory { size });
    assert_eq!(stores(""), [store("local", 64 << 20)]);
    assert_eq!(stores("stores: { limits: { memory: 2MiB } }"), [store("limits", 2 << 20), store("local", 64 << 20)]);
    assert_eq!(stores("stores: { local: { memory: 1GiB } }"), [store("local", 1 << 30)]);
}

#[test]
fn a_plugin_of_which_nothing_is_said_has_the_defaults_that_are_documented() {
    let config = config("");
    let entry = &config.entries[0];
    assert_eq!(entry.limits, Limits::default());
    assert_eq!(
        entry.limits,
        Limits {
            cpu: Duration::from_millis(10),
            memory: 32 << 20,
            wait: Duration::from_secs(5),
            configure: Duration::from_secs(1),
            compile: Duration::from_mins(2),
            instances: 16,
            waiting: 1024,
            queue: Duration::from_secs(1),
            pins: 16,
            files: 1024,
            calls: 16,
            body: 1 << 20,
            series: 256,
            recycle_calls: 1_000_000,
            recycle_memory: None,
        }
    );
    assert_eq!(entry.limits.recycle_bytes(), 16 << 20);
    assert_eq!((entry.isolation, entry.component.wasi), (Isolation::Pooled, None));
    assert_eq!(entry.grants.vars, [""; 0]);
    let rule = Quarantine {
        percent: 50,
        calls: 20,
        window: Duration::from_secs(10),
        first: Duration::from_secs(10),
        longest: Duration::from_mins(10),
    };
    assert_eq!(entry.quarantine, Some(rule));
}

#[test]
fn memory_for_recycling_is_half_of_what_an_instance_may_have_also_on_a_route() {
    let limits = |plugin: &str| config(&format!("plugins: {{ request-id: {{ {plugin} }} }}")).entries[0].limits;
    assert_eq!(limits("limits: { memory: 4MiB }").recycle_bytes(), 2 << 20);
    assert_eq!(limits("limits: { memory: 4MiB, recycle_memory: 4MiB }").recycle_bytes(), 4 << 20);
}

#[test]
fn a_quarantine_never_ends_before_it_begins() {
    let rule = |written: &str| {
        config(&format!("plugins: {{ request-id: {{ quarantine: {written} }} }}")).entries[0].quarantine
    };
    let long = rule("{ first: 1h }").unwrap();
    assert_eq!((long.first, long.longest), (Duration::from_hours(1), Duration::from_hours(1)));
    assert_eq!((rule("off"), rule("false")), (None, None));
}
