//! Which servers a store asks, as whom, and how it follows when they change.

use weir_tests::{Authority, Proxy, RedisCluster, RedisSentinels, RedisServer, Scrape, until};

use crate::backend::Backend;
use crate::bed::{ask, builder};

/// Of a store with this server, and these keys beside `redis`.
fn declared(url: &str, keys: &str) -> String {
    let separator = if keys.is_empty() { "" } else { ", " };
    format!("{{ redis: \"{url}\", timeout: 10s{separator}{keys} }}")
}

fn reload(proxy: &Proxy, declaration: &str, count: usize) {
    proxy.write(&builder(declaration));
    proxy.signal("HUP");
    proxy.log.wait_many("is reloaded", count);
}

#[test]
fn processes_share_what_is_on_a_server() {
    let redis = RedisServer::start();
    let proxy = builder(&declared(&redis.url(), "")).start();
    let other = proxy.again();
    assert_eq!(ask(&proxy, "/", "add n 5"), "5");
    assert_eq!(ask(&other, "/", "add n 1"), "6");
    assert_eq!(ask(&proxy, "/", "advance n 0 4 10"), "10 taken");
    assert_eq!(ask(&other, "/", "advance n 0 1 10"), "10 left");
}

#[test]
fn a_prefix_and_a_database_are_a_stores_own() {
    let redis = RedisServer::start();
    let proxy = builder(&declared(&redis.url(), "")).start();
    assert_eq!(ask(&proxy, "/", "set a one"), "done");
    assert!(redis.cli(&["keys", "*"]).starts_with("weir:"));
    reload(&proxy, &declared(&redis.url(), "prefix: \"mine/\""), 1);
    assert_eq!(ask(&proxy, "/", "get a"), "none");
    assert_eq!(ask(&proxy, "/", "set a two"), "done");
    assert!(redis.cli(&["keys", "mine/*"]).contains(":a"));
    assert_eq!(redis.cli(&["dbsize"]), "2");
    reload(&proxy, &declared(&format!("{}/3", redis.url()), ""), 2);
    assert_eq!(ask(&proxy, "/", "get a"), "none");
    assert_eq!(ask(&proxy, "/", "set a three"), "done");
    assert_eq!((redis.cli(&["-n", "3", "dbsize"]), redis.cli(&["dbsize"])), ("1".to_owned(), "2".to_owned()));
    reload(&proxy, &declared(&redis.url(), ""), 3);
    assert_eq!(ask(&proxy, "/", "get a"), "=one");
}

#[test]
fn a_reload_moves_a_store_to_another_server_and_leaves_the_first() {
    let (first, second) = (RedisServer::start(), RedisServer::start());
    let proxy = builder(&declared(&first.url(), "")).start();
    assert_eq!(ask(&proxy, "/", "set a first"), "done");
    let connections = |server: &RedisServer| server.cli(&["client", "list"]).lines().count();
    // With the one that asks.
    assert_eq!(connections(&first), 2);
    reload(&proxy, &declared(&second.url(), ""), 1);
    assert_eq!(ask(&proxy, "/", "get a"), "none");
    until("the first is left", || connections(&first) == 1);
    let id = || second.cli(&["client", "list", "type", "normal"]).lines().next().map(|line| line[..8].to_owned());
    let before = id();
    // Who changes nothing about a store keeps its connection.
    proxy.write(&builder(&declared(&second.url(), "")).top("x-note: nothing"));
    proxy.signal("HUP");
    proxy.log.wait_many("is reloaded", 2);
    assert_eq!(ask(&proxy, "/", "get a"), "none");
    assert_eq!(id(), before);
}

#[test]
fn who_is_not_let_in_is_told_why() {
    let redis = RedisServer::reached_by(
        &["--user", "admin", "--pass", "all", "--no-auth-warning"],
        &["user default off", "user admin on >all ~* +@all", "user weir on >secret ~weir:* +get +set +ping"],
    );
    let text = |url: &str, keys: &str| builder(&declared(url, keys)).text("127.0.0.1:0");
    let named = format!("redis://weir@{}", redis.address);
    let password = "password: { file: password.txt }";
    let right = [("password.txt", "secret")];
    // The user in the URL, or beside it.
    for (url, keys) in [(&named, password.to_owned()), (&redis.url(), format!("user: weir, {password}"))] {
        let proxy = Proxy::with(&[], &text(url, &keys), &right);
        assert_eq!(ask(&proxy, "/", "set a x; get a"), "done; =x");
        // What it has no right to is told with what it needs, and the rest goes on.
        assert_eq!(ask(&proxy, "/", "remove a"), "unavailable");
        let line = proxy.log.wait("refuses operations");
        assert!(line.contains("NOPERM") && line.contains("its user needs"), "{line}");
        assert_eq!(ask(&proxy, "/", "get a"), "=x");
        assert_eq!(ask(&proxy, "/", "remove a"), "unavailable");
        let told = proxy.log.so_far().iter().filter(|line| line.contains("refuses operations")).count();
        assert_eq!(told, 1, "{}", proxy.log.so_far().join("\n"));
        let refused = Scrape::of(&proxy.log).now().sum("weir_store_failures_total", &[("kind", "refused")]);
        assert!((refused - 2.0).abs() < 0.1);
    }
    let wrong = Proxy::with(&[], &text(&named, password), &[("password.txt", "other")]);
    let line = wrong.log.wait("is out of reach");
    assert!(line.contains("it does not let the user `weir` in: WRONGPASS") && !line.contains("other"), "{line}");
    assert_eq!(ask(&wrong, "/", "get a"), "unavailable");
    let none = Proxy::with(&[], &text(&redis.url(), ""), &[]);
    let line = none.log.wait("is out of reach");
    assert!(line.contains("it wants a password: write `password` beside `redis`"), "{line}");
    // A password that changes in its file is taken over by a reload.
    std::fs::write(wrong.path("password.txt"), "secret").unwrap();
    wrong.signal("HUP");
    wrong.log.wait("is reloaded");
    until("it is let in", || ask(&wrong, "/", "get a") == "=x");
}

#[test]
fn a_password_without_a_user_is_the_default_users() {
    let redis = RedisServer::reached_by(&["--pass", "secret", "--no-auth-warning"], &["requirepass secret"]);
    let text = builder(&declared(&redis.url(), "password: { file: password.txt }")).text("127.0.0.1:0");
    let proxy = Proxy::with(&[], &text, &[("password.txt", "secret")]);
    assert_eq!(ask(&proxy, "/", "set a x; get a"), "done; =x");
}

#[test]
fn servers_over_tls_show_certificates_that_count() {
    let (authority, other) = (Authority::new(), Authority::new());
    let redis = RedisServer::over_tls(&authority, "127.0.0.1");
    let url = format!("rediss://{}", redis.address);
    let ca = |authority: &Authority| format!("ca: \"{}\"", authority.file().display());
    let proxy = builder(&declared(&url, &format!("tls: {{ {} }}", ca(&authority)))).start();
    assert_eq!(ask(&proxy, "/", "set a x; get a"), "done; =x");
    reload(&proxy, &declared(&url, &format!("tls: {{ {} }}", ca(&other))), 1);
    proxy.log.wait("its certificate is by no authority that counts; name the authority's file under `tls: { ca }`");
    assert_eq!(ask(&proxy, "/", "get a"), "unavailable");
    // The system's authorities do not know it either.
    reload(&proxy, &declared(&url, ""), 2);
    assert_eq!(ask(&proxy, "/", "get a"), "unavailable");
    // Another name.
    let named = RedisServer::over_tls(&authority, "redis.example.com");
    let url = format!("rediss://{}", named.address);
    reload(&proxy, &declared(&url, &format!("tls: {{ {} }}", ca(&authority))), 3);
    assert_eq!(ask(&proxy, "/", "get a"), "unavailable");
    proxy.log.wait("its certificate is not for `127.0.0.1`");
    let tls = format!("tls: {{ {}, server_name: redis.example.com }}", ca(&authority));
    reload(&proxy, &declared(&url, &tls), 4);
    assert_eq!(ask(&proxy, "/", "set a x; get a"), "done; =x");
    // One that does not speak TLS, and one that speaks nothing else.
    let plain = RedisServer::start();
    let tls = format!("tls: {{ {} }}", ca(&authority));
    reload(&proxy, &declared(&format!("rediss://{}", plain.address), &tls), 5);
    assert_eq!(ask(&proxy, "/", "get a"), "unavailable");
    // Whether it answers at all is chance: it waits for the end of a line.
    proxy.log.wait("in TLS; write redis:// if it should not");
    reload(&proxy, &declared(&named.url(), ""), 6);
    assert_eq!(ask(&proxy, "/", "get a"), "unavailable");
}

#[test]
fn scripts_that_a_server_has_forgotten_are_sent_again() {
    let redis = RedisServer::start();
    let proxy = builder(&redis.declaration()).start();
    for round in 1..=3 {
        assert_eq!(ask(&proxy, "/", &format!("advance s{round} 0 1 9")), "1 taken");
        assert_eq!(ask(&proxy, "/", &format!("swap s{round} 1 x")), "true");
        assert_eq!(ask(&proxy, "/", &format!("add t{round} 1 600000")), "1");
    }
    // Sent in full once, and then known by their digests.
    let stats = redis.cli(&["info", "commandstats"]);
    assert!(stats.contains("cmdstat_eval:calls=3,") && stats.contains("cmdstat_evalsha:calls=9,"), "{stats}");
    for round in 1..=3 {
        assert_eq!(ask(&proxy, "/", "advance n 0 1 9"), format!("{round} taken"));
        assert_eq!(ask(&proxy, "/", "swap a - x"), "true");
        assert_eq!(ask(&proxy, "/", "swap a x -"), "true");
        assert_eq!(ask(&proxy, "/", "add m 1 600000"), round.to_string());
        assert_eq!(redis.cli(&["script", "flush"]), "OK");
    }
}

#[test]
fn a_server_that_is_full_or_may_not_write_is_told() {
    let redis = RedisServer::start();
    let proxy = builder(&redis.declaration()).start();
    assert_eq!(ask(&proxy, "/", "set a x"), "done");
    assert_eq!(redis.cli(&["config", "set", "maxmemory", "1"]), "OK");
    assert_eq!(ask(&proxy, "/", "set b y"), "too-large");
    assert_eq!(ask(&proxy, "/", "advance n 0 1 9"), "too-large");
    let line = proxy.log.wait("refuses operations");
    assert!(line.contains("OOM") && line.contains("maxmemory-policy"), "{line}");
    assert_eq!(ask(&proxy, "/", "get a"), "=x");
    assert_eq!(redis.cli(&["config", "set", "maxmemory", "0"]), "OK");
    assert_eq!(ask(&proxy, "/", "set b y"), "done");
    // A value of another kind, which another program wrote.
    let key = redis.cli(&["--raw", "keys", "*:a"]);
    assert_eq!(redis.cli(&["del", &key]), "1");
    assert_eq!(redis.cli(&["rpush", &key, "x"]), "1");
    assert_eq!(ask(&proxy, "/", "add a 1"), "not-a-number");
    proxy.log.wait("WRONGTYPE");
    // One that has become a replica.
    assert_eq!(redis.cli(&["replicaof", "127.0.0.1", "1"]), "OK");
    assert_eq!(ask(&proxy, "/", "set b z"), "unavailable");
    proxy.log.wait("it is a replica");
    assert_eq!(redis.cli(&["replicaof", "no", "one"]), "OK");
    until("it may be written to", || ask(&proxy, "/", "set b z") == "done");
}

#[test]
fn the_replica_is_followed_when_the_master_is_lost() {
    let mut group = RedisSentinels::start();
    let proxy = builder(&group.declaration()).start();
    assert_eq!(ask(&proxy, "/", "set a x"), "done");
    until("the replica has it", || group.servers[1].cli(&["dbsize"]) == "1");
    group.servers[0].kill();
    until("the replica serves", || ask(&proxy, "/", "get a; add n 1").starts_with("=x;"));
    assert!(group.servers[1].cli(&["info", "replication"]).contains("role:master"));
    proxy.log.wait("the store `kept` is back: mymaster answers");
}

#[test]
fn a_failover_that_was_asked_for_is_followed() {
    let group = RedisSentinels::start();
    let proxy = builder(&group.declaration()).start();
    assert_eq!(ask(&proxy, "/", "set a x"), "done");
    until("the replica has it", || group.servers[1].cli(&["dbsize"]) == "1");
    assert_eq!(group.sentinels[0].cli(&["sentinel", "failover", RedisSentinels::NAME]), "OK");
    until("the replica is the master", || group.servers[1].cli(&["info", "replication"]).contains("role:master"));
    // What the old master takes until it is told that it is none is lost.
    until("it is written to", || {
        ask(&proxy, "/", "set b y") == "done" && group.servers[1].cli(&["--raw", "keys", "*:b"]).ends_with(":b")
    });
    assert_eq!(ask(&proxy, "/", "get a"), "=x");
}

#[test]
fn sentinels_are_asked_in_turn_and_as_somebody() {
    let who = ["user default off", "user admin on >all ~* &* +@all", "user weir on >word ~* &* +@all"];
    let pass = ["sentinel sentinel-user admin", "sentinel sentinel-pass all"];
    let lines: Vec<&str> = who.into_iter().chain(pass).collect();
    let mut group = RedisSentinels::with(&["--user", "admin", "--pass", "all", "--no-auth-warning"], &lines);
    group.sentinels[0].kill();
    let declaration = |password: &str, master: &str| {
        let urls = group.urls().replace("redis://", "redis://weir@");
        let redis =
            format!("{{ sentinels: {urls}, master: {master}, database: 2, password: {{ file: {password}.txt }} }}");
        format!("{{ redis: {redis}, timeout: 10s }}")
    };
    let files = [("right.txt", "word"), ("wrong.txt", "other")];
    let start = |password: &str, master: &str| {
        Proxy::with(&[], &builder(&declaration(password, master)).text("127.0.0.1:0"), &files)
    };
    let proxy = start("right", RedisSentinels::NAME);
    until("the second says it", || ask(&proxy, "/", "set a x") == "done");
    assert_eq!(group.servers[0].cli(&["-n", "2", "dbsize"]), "1");
    let wrong = start("wrong", RedisSentinels::NAME);
    let line = wrong.log.wait("is out of reach");
    assert!(line.contains("it does not let the user `weir` in"), "{line}");
    let unknown = start("right", "another");
    let line = unknown.log.wait("is out of reach");
    assert!(line.contains("it does not know that master"), "{line}");
}

#[test]
fn a_slot_that_moves_is_followed() {
    let cluster = RedisCluster::start();
    let proxy = builder(&cluster.declaration()).start();
    assert_eq!(ask(&proxy, "/", "add n 1"), "1");
    let (from, key) = cluster.holder(":n");
    let (source, target) = (&cluster.servers[from], &cluster.servers[(from + 1) % 3]);
    let slot = source.cli(&["cluster", "keyslot", &key]);
    let (source_id, target_id) = (source.cli(&["cluster", "myid"]), target.cli(&["cluster", "myid"]));
    assert_eq!(target.cli(&["cluster", "setslot", &slot, "importing", &source_id]), "OK");
    assert_eq!(source.cli(&["cluster", "setslot", &slot, "migrating", &target_id]), "OK");
    // Still at the source.
    assert_eq!(ask(&proxy, "/", "add n 1"), "2");
    let port = target.address.port().to_string();
    assert_eq!(source.cli(&["migrate", "127.0.0.1", &port, &key, "0", "5000"]), "OK");
    // At the target, which has it on its way: ASK.
    assert_eq!(ask(&proxy, "/", "add n 1"), "3");
    assert_eq!(ask(&proxy, "/", "advance n 0 1 9"), "4 taken");
    assert_eq!(ask(&proxy, "/", "get n; add n 1; get n"), "=4; 5; =5");
    for server in [target, source] {
        assert_eq!(server.cli(&["cluster", "setslot", &slot, "node", &target_id]), "OK");
    }
    // MOVED.
    assert_eq!(ask(&proxy, "/", "add n 1"), "6");
    assert_eq!(ask(&proxy, "/", "get n; add n 1; get n"), "=6; 7; =7");
    assert_eq!(cluster.holder(":n").0, (from + 1) % 3);
}

#[test]
fn a_cluster_without_one_server_serves_the_other_slots_and_heals() {
    let mut cluster = RedisCluster::start();
    let proxy = builder(&cluster.declaration()).start();
    let keys: Vec<String> = (0..30).map(|key| format!("k{key}x")).collect();
    for key in &keys {
        assert_eq!(ask(&proxy, "/", &format!("set {key} x")), "done");
    }
    let (on_it, others): (Vec<_>, Vec<_>) = keys.iter().partition(|key| cluster.holder(&format!(":{key}")).0 == 2);
    assert!(!on_it.is_empty() && !others.is_empty());
    cluster.servers[2].kill();
    until("it is known to be lost", || ask(&proxy, "/", &format!("get {}", on_it[0])) == "unavailable");
    for key in &others {
        assert_eq!(ask(&proxy, "/", &format!("get {key}")), "=x");
    }
    let of_both = format!("get {}; get {}", on_it[0], others[0]);
    assert_eq!(ask(&proxy, "/", &of_both), "unavailable; =x");
    let figures = Scrape::of(&proxy.log).now();
    let lost = cluster.servers[2].address.to_string();
    assert!(figures.sum("weir_store_server_up", &[("server", &lost)]) < 0.5);
    assert!((figures.sum("weir_store_server_up", &[]) - 2.0).abs() < 0.1);
    cluster.servers[2].revive();
    // What it had was not on a disk.
    until("it is back", || ask(&proxy, "/", &of_both) == "none; =x");
    assert_eq!(ask(&proxy, "/", &format!("set {} y", on_it[0])), "done");
}
