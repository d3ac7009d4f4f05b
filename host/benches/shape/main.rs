//! What shaping traffic costs, without a network: `cargo bench -p weir --profile dist --bench shape`.
//!
//! Each row is what a filter adds to an exchange: CPU time of the one thread that a worker is, with the filter less
//! without it, the best of five rounds that take turns. Its requests are many different ones, as far as that matters,
//! and each of them was seen to meet what it is to meet before anything is measured. Behind the rows stand the bars,
//! each with a control that must miss it: if one does not, nothing here is to be trusted. Needs `redis-server`; what that
//! takes, and the thread that speaks with it, do not count.

mod addresses;
#[path = "../common/mod.rs"]
mod common;
mod cors;
mod edits;
mod limits;
mod shared;

use common::report::Report;
use common::site::Site;
use tokio::runtime::{Builder, LocalOptions};

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).expect("a runtime");
    let (mut site, mut report) = (Site::new(), Report::default());
    runtime.block_on(async {
        cors::measure(&site, &mut report).await;
        addresses::measure(&site, &mut report).await;
        limits::measure(&site, &mut report).await;
        edits::measure(&site, &mut report).await;
        shared::measure(&mut site, &mut report).await;
    });
    report.print();
}

/// An entry of a chain, so many times.
fn times(count: usize, plugin: &str, config: &str) -> String {
    let entry = |number| format!("{{ plugin: {plugin}, name: {plugin}-{number}, config: {config} }}");
    (0..count).map(entry).collect::<Vec<_>>().join(", ")
}
