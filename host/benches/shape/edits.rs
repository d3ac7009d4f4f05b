//! `transform`: headers, and documents beside the same in plain Rust.

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::common::lane::{Asked, Meets};
use crate::common::report::{Report, row};
use crate::common::site::Site;
use crate::common::stopwatch::{ROUNDS, Stopwatch};
use crate::times;

pub(crate) async fn measure(site: &Site, report: &mut Report) {
    headers(site, report).await;
    documents(site, report).await;
}

/// Five operations, in one direction and in both.
async fn headers(site: &Site, report: &mut Report) {
    let asked = || {
        let asked = Asked::get("/bench").variable("user.id", "ada").variable("user.tenant", "analytical-engines");
        vec![asked.with("x-debug", "1").with("x-old", "kept").with("x-user", "somebody else")]
    };
    let kinds = [
        (
            "five header operations",
            "{ request: { headers: { remove: [x-debug], rename: { x-old: x-new }, \
               set: { x-user: \"{user.id}\", x-api-version: \"2\" }, append: { x-tenant: \"{user.tenant}\" } } } }",
        ),
        (
            "five header operations in both directions",
            "{ request: { headers: { remove: [x-debug], set: { x-user: \"{user.id}\" }, \
               append: { x-tenant: \"{user.tenant}\" } } }, \
               response: { headers: { remove: [server], set: { x-served-by: weir } } } }",
        ),
    ];
    for (name, config) in kinds {
        let cost = site.cost(&times(1, "transform", config), asked(), Meets::Upstream).await;
        row(&format!("transform: {name}"), cost);
        report.bar(&format!("transform: {name} <= 2.5 us"), cost / 1e3, 2.5, " us");
    }
    let planted = site.cost(&times(4, "transform", kinds[0].1), asked(), Meets::Upstream).await;
    report.control("transform: four times five header operations", planted / 1e3, 2.5, " us");
}

const MASK: &str = "{ response: { body: { json: [{ mask: { at: \"**.card\", keep_last: 4 } }] } } }";

/// A document of 10 KiB whose cards are hidden, as an API that pages through orders has it.
async fn documents(site: &Site, report: &mut Report) {
    let (plain, bare) = (document(false), document(true));
    assert!((9 << 10..11 << 10).contains(&plain.len()), "a document of some 10 KiB, not {}", plain.len());
    let asked = || vec![Asked::get("/orders").answered_with(&plain, &Bytes::from(masked(&plain)))];
    let one = times(1, "transform", MASK);
    let (cost, native) = beside(site, &one, asked().into(), &plain).await;
    row("transform: a mask in 10 KiB of JSON", cost);
    row(&format!("the same by serde_json in plain Rust: {:.2}x", cost / native), native);
    report.bar("transform: a mask in 10 KiB of JSON <= 3x serde_json", cost / native, 3.0, "x");
    let (planted, native) = beside(site, &times(4, "transform", MASK), asked().into(), &plain).await;
    report.control("transform: four masks in 10 KiB of JSON", planted / native, 3.0, "x");

    // Nothing to hide: the document goes on as it came.
    let asked = vec![Asked::get("/orders").answered_with(&bare, &bare)];
    row("transform: 10 KiB of JSON with nothing to mask", site.cost(&one, asked, Meets::Upstream).await);
}

/// What an entry adds, and what plain Rust takes for the same document, in rounds that take turns.
async fn beside(site: &Site, entry: &str, asked: Arc<[Asked]>, document: &Bytes) -> (f64, f64) {
    let bare = site.lane("", &asked, Meets::Upstream).await;
    let with = site.lane(entry, &asked, Meets::Rewriting).await;
    let mut best = [f64::INFINITY; 3];
    for _ in 0..ROUNDS {
        for (best, found) in best.iter_mut().zip([bare.round().await, with.round().await, native_round(document)]) {
            *best = best.min(found);
        }
    }
    let [bare, with, native] = best;
    (with - bare, native)
}

fn native_round(document: &[u8]) -> f64 {
    let (stopwatch, mut done) = (Stopwatch::start(), 0);
    loop {
        for _ in 0..100 {
            black_box(masked(black_box(document)));
        }
        done += 100;
        if let Some(each) = stopwatch.each_of(done) {
            return each;
        }
    }
}

/// As somebody would write it who needs no more: the document as a tree, which is gone through and written again.
fn masked(document: &[u8]) -> Vec<u8> {
    let mut tree: Value = serde_json::from_slice(document).expect("JSON");
    mask(&mut tree);
    serde_json::to_vec(&tree).expect("JSON")
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                match value {
                    Value::String(text) if key == "card" => {
                        let end = text.char_indices().rev().nth(3).map_or(0, |(start, _)| start);
                        *text = format!("****{}", &text[end..]);
                    }
                    value => mask(value),
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(mask),
        _ => {}
    }
}

/// Orders, with cards or without, written as `serde_json` writes them.
fn document(is_bare: bool) -> Bytes {
    let order = |number: u32| {
        let mut payment = json!({ "kind": "visa", "holder": "Ada King", "expires": "2029-12" });
        if !is_bare {
            payment["card"] = json!(format!("411111111111{number:04}"));
        }
        json!({
            "id": format!("ord_{number:08}"), "placed": "2026-01-31T12:34:56.789Z", "total": 1999 + number, "paid": true,
            "customer": { "name": "Ada King, Countess of Lovelace", "email": format!("ada+{number}@example.com") },
            "items": [
                { "sku": "wheel-17", "title": "A \"large\" wheel", "count": 2, "price": 4.5 },
                { "sku": "axle-3", "title": "Axle, brass", "count": 1, "price": 1990.25 },
            ],
            "payment": payment, "notes": null,
        })
    };
    let orders: Vec<Value> = (0..25).map(order).collect();
    serde_json::to_vec(&json!({ "orders": orders, "next": "/orders?after=25" })).expect("JSON").into()
}
