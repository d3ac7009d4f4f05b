//! `auth-key` among many keys.

use std::fmt::Write;

use weir_host::crypto::{Hash, digest};

use crate::common::lane::{Asked, Meets};
use crate::common::report::{Report, row};
use crate::common::site::Site;

const KEYS: usize = 10_000;

pub(crate) async fn measure(site: &Site, report: &mut Report) {
    let key = |number: usize| format!("wk_live_{number:05}_b7c1f0e29d5a4c86a3e8");
    let mut text = String::new();
    for number in 0..KEYS {
        let hash = digest(Hash::Sha256, key(number).as_bytes());
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(text, "sha256:{hex} client-{number:05} roles=reader").expect("room");
    }
    let file = site.file("keys.txt", &text);
    let entry = format!("{{ plugin: auth-key, config: {{ file: {file} }} }}");
    // Far apart from one another, so that none is near the one before.
    let known = (0..KEYS).map(|number| Asked::get("/bench").with("x-api-key", &key(number * 7919 % KEYS)));
    let cost = site.cost(&entry, known.collect(), Meets::Upstream).await;
    row("auth-key among 10,000 keys", cost);
    report.bar("auth-key among 10,000 keys <= 2 us", cost / 1e3, 2.0, " us");
    let unknown = (KEYS..KEYS + 2048).map(|number| Asked::get("/bench").with("x-api-key", &key(number)));
    let cost = site.cost(&entry, unknown.collect(), Meets::Refusal(401, "unknown-key")).await;
    row("auth-key: a key that is not among them", cost);
    report.bar("auth-key: a key that is not among 10,000 <= 2 us", cost / 1e3, 2.0, " us");
}
