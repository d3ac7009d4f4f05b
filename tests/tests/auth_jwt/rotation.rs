//! Keys that come and go while requests are served.

use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use weir_tests::{Client, Issuer, Key, base64url, until};

use crate::{JWKS, Stage, claims};

/// Asks with a token again and again, on one connection, until it is over: counts what was answered otherwise.
fn go_on(proxy: SocketAddr, token: &str, is_over: &AtomicBool, answered: &AtomicUsize) -> Vec<u16> {
    let (mut client, mut others) = (Client::connect(proxy), Vec::new());
    while !is_over.load(Ordering::Relaxed) {
        let status = client.get("/", &format!("Authorization: Bearer {token}\r\n")).status;
        others.extend((status != 200).then_some(status));
        answered.fetch_add(1, Ordering::Relaxed);
    }
    others
}

/// A proxy on two workers, a key that it knows and one that it has never seen.
fn rotating(more: &str) -> (Stage, [Key; 2], [String; 2]) {
    let issuer = Issuer::start();
    let keys = [issuer.key("old", "ES256"), issuer.key("new", "EdDSA")];
    issuer.publish(&[&keys[0]]);
    let tokens = keys.each_ref().map(|key| issuer.token(key, &claims("ada")));
    let stage = Stage::built(issuer, &format!("{JWKS}{more}"), |proxy| proxy.top("workers: 2"));
    (stage, keys, tokens)
}

#[test]
fn a_new_key_is_accepted_at_first_sight_while_requests_are_served() {
    let (stage, [old, new], [by_old, by_new]) = rotating("");
    assert_eq!(stage.get(&by_old).status, 200);
    let (is_over, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (token, proxy) = (by_old.clone(), stage.proxy.address);
            let (is_over, answered) = (Arc::clone(&is_over), Arc::clone(&answered));
            std::thread::spawn(move || go_on(proxy, &token, &is_over, &answered))
        })
        .collect();
    until("they are served", || answered.load(Ordering::Relaxed) > 100);
    // The proxy fetches a document at most once in a second, whoever asks: the keys are older than that.
    let quiet = Cell::new((0, Instant::now()));
    until("the issuer is left alone", || {
        let count = stage.issuer.count("/jwks");
        if count != quiet.get().0 {
            quiet.set((count, Instant::now()));
        }
        quiet.get().1.elapsed() > Duration::from_millis(1500)
    });
    stage.issuer.publish(&[&old, &new]);
    assert_eq!(stage.get(&by_new).status, 200);
    let so_far = answered.load(Ordering::Relaxed);
    until("they are served", || answered.load(Ordering::Relaxed) > so_far + 100);
    is_over.store(true, Ordering::Relaxed);
    for client in clients {
        assert_eq!(client.join().unwrap(), Vec::<u16>::new(), "a good token was refused");
    }
}

#[test]
fn a_key_that_was_published_while_others_were_fetched_is_found_with_the_next_fetch() {
    let (stage, [old, new], [by_old, by_new]) = rotating(", refetch: 2s");
    assert_eq!(stage.get(&by_old).status, 200);
    // The first fetches are hardly over, or one is on its way with what was there before.
    stage.issuer.publish(&[&old, &new]);
    let begun = Instant::now();
    until("it is accepted", || stage.get(&by_new).status == 200);
    assert!(begun.elapsed() < Duration::from_secs(15), "that took {:?}", begun.elapsed());
}

#[test]
fn a_withdrawn_key_is_refused_though_its_tokens_were_seen_before() {
    let (stage, [old, new], [by_old, by_new]) = rotating(", refresh: 1s");
    stage.issuer.publish(&[&old, &new]);
    until("both are known", || [&by_old, &by_new].iter().all(|token| stage.get(token).status == 200));
    // Each worker has seen that both are good.
    for _ in 0..20 {
        assert_eq!((stage.get(&by_old).status, stage.get(&by_new).status), (200, 200));
    }
    stage.issuer.publish(&[&new]);
    until("the old key's token is refused", || stage.get(&by_old).status == 401);
    for _ in 0..20 {
        assert_eq!((stage.get(&by_old).status, stage.get(&by_new).status), (401, 200));
    }
    stage.issuer.publish(&[&new, &old]);
    until("the old key's token is accepted again", || stage.get(&by_old).status == 200);
}

#[test]
fn a_key_that_changes_under_its_name_refuses_what_it_signed_before() {
    let issuer = Issuer::start();
    let before = issuer.key("a", "ES256");
    issuer.publish(&[&before]);
    let stage = Stage::new(issuer, ", refresh: 1s");
    let by_before = stage.issuer.token(&before, &claims("ada"));
    stage.accepts(&by_before);
    let after = stage.issuer.key("a", "ES256");
    let by_after = stage.issuer.token(&after, &claims("ada"));
    assert_eq!(stage.get(&by_after).status, 401);
    stage.issuer.publish(&[&after]);
    until("the new one counts", || stage.get(&by_after).status == 200);
    assert_eq!(stage.get(&by_before).status, 401);
}

/// A token of nobody's, with a key id of its own.
fn unknown(number: usize) -> String {
    let header = json!({ "alg": "ES256", "kid": format!("unknown-{number}") }).to_string();
    format!("{}.{}.{}", base64url(header), base64url(claims("mallory").to_string()), base64url([7; 64]))
}

#[test]
fn a_flood_of_unknown_key_ids_asks_the_issuer_once_in_the_interval() {
    let issuer = Issuer::start();
    let key = issuer.key("a", "ES256");
    issuer.publish(&[&key]);
    let stage = Stage::built(issuer, &format!("{JWKS}, refetch: 10s"), |proxy| proxy.top("workers: 2"));
    let good = stage.issuer.token(&key, &claims("ada"));
    stage.accepts(&good);
    let (begun, before) = (Instant::now(), stage.issuer.count("/jwks"));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (proxy, good) = (stage.proxy.address, &good);
            scope.spawn(move || {
                let mut client = Client::connect(proxy);
                for number in 0..250 {
                    let token = unknown(250 * thread + number);
                    assert_eq!(client.get("/", &format!("Authorization: Bearer {token}\r\n")).status, 401);
                }
                assert_eq!(client.get("/", &format!("Authorization: Bearer {good}\r\n")).status, 200);
            });
        }
    });
    let intervals = usize::try_from(begun.elapsed().as_secs()).unwrap() / 10;
    let asked = stage.issuer.count("/jwks") - before;
    assert!(asked <= 1 + intervals, "1,000 unknown key ids asked the issuer {asked} times");
}

#[test]
fn a_flood_of_unknown_key_ids_does_not_hammer_an_issuer_that_is_down() {
    let issuer = Issuer::start();
    let key = issuer.key("a", "ES256");
    issuer.publish(&[&key]);
    let stage = Stage::built(issuer, &format!("{JWKS}, refetch: 10s"), |proxy| proxy.top("workers: 2"));
    let good = stage.issuer.token(&key, &claims("ada"));
    stage.accepts(&good);
    stage.issuer.answer("/jwks", &json!({ "status": 500 }));
    let (begun, before) = (Instant::now(), stage.issuer.count("/jwks"));
    let mut client = Client::connect(stage.proxy.address);
    for number in 0..300 {
        let status = client.get("/", &format!("Authorization: Bearer {}\r\n", unknown(number))).status;
        assert_eq!(status, 401);
    }
    assert_eq!(client.get("/", &format!("Authorization: Bearer {good}\r\n")).status, 200);
    // A failed fetch is repeated, by the proxy itself too, but not more often than once in a second.
    let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap();
    let asked = stage.issuer.count("/jwks") - before;
    assert!(asked <= 2 + seconds, "300 unknown key ids asked the issuer {asked} times in {seconds} s");
}
