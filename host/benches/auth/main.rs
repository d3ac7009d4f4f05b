//! What proving an identity costs, without a network: `cargo bench -p weir --profile dist --bench auth`.
//!
//! Each row is what a filter adds to an exchange: CPU time of the one thread that a worker is, with the filter less
//! without it, the best of five rounds that take turns. Its requests are many different ones, as far as that matters,
//! and each of them was seen to meet what it is to meet before anything is measured. Behind the rows stand the bars,
//! and a control that must miss its bar: if it does not, nothing here is to be trusted.

#[path = "../common/mod.rs"]
mod common;
mod key;
mod native;
mod others;
mod peers;
mod rules;
mod token;
mod tokens;

use common::report::Report;
use common::site::Site;
use tokio::runtime::{Builder, LocalOptions};

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).expect("a runtime");
    let (mut site, mut report) = (Site::new(), Report::default());
    runtime.block_on(async {
        token::measure(&site, &mut report).await;
        key::measure(&site, &mut report).await;
        rules::measure(&site, &mut report).await;
        others::measure(&mut site).await;
    });
    report.print();
}
