//! What becomes of counters when the configuration changes, and where the chain says something else.

use weir_tests::{Client, Origin, Proxy, ProxyBuilder};

use crate::served;

fn builder(origin: &Origin, entry: &str) -> ProxyBuilder {
    let builder = Proxy::builder().top("workers: 2").main("trusted_proxies: [127.0.0.1]").filter(entry);
    builder.route("/*", "app", origin.address)
}

#[test]
fn counters_outlive_a_reload_as_long_as_what_is_counted_stays_the_same() {
    let origin = Origin::text("served\n");
    let entry = |more: &str| format!("{{ plugin: rate-limit, config: {{ {more} }} }}");
    let proxy = builder(&origin, &entry("limit: 3, window: 744h")).start();
    assert_eq!(served(&proxy, "192.0.2.1", 5), 3);
    for (count, (more, admitted)) in [
        ("limit: 3, window: 744h, message: Wait", 0),
        ("limit: 5, window: 744h", 2),
        ("limit: 5, window: 744h, algorithm: token-bucket", 5),
        ("limit: 5, window: 744h, algorithm: token-bucket, headers: false", 0),
        ("limit: 5, window: 720h", 5),
        ("limit: 5, window: 744h", 0),
    ]
    .into_iter()
    .enumerate()
    {
        proxy.write(&builder(&origin, &entry(more)));
        proxy.signal("HUP");
        proxy.log.wait_many("is reloaded", count + 1);
        assert_eq!(served(&proxy, "192.0.2.1", 6), admitted, "{more}");
    }
}

#[test]
fn an_entry_of_its_own_has_counters_of_its_own() {
    let origin = Origin::text("served\n");
    let proxy = builder(&origin, "{ plugin: rate-limit, name: usual, config: { limit: 2, window: 744h } }")
        .route_to("/hard", "app", "override: { usual: { config: { limit: 1 } } }")
        .route_to("/free", "app", "without: [usual]")
        .start();
    let mut client = Client::connect(proxy.address);
    let mut statuses = |path: &str| [(); 3].map(|()| client.get(path, "").status);
    assert_eq!(statuses("/hard"), [200, 429, 429]);
    assert_eq!(statuses("/"), [200, 200, 429]);
    assert_eq!(statuses("/free"), [200, 200, 200]);
}
