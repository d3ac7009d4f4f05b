//! `rate-limit` with counts in this process.

use std::net::Ipv4Addr;

use crate::common::lane::{Asked, Meets};
use crate::common::report::{Report, row};
use crate::common::site::Site;
use crate::times;

/// Clients that take turns, each with a counter of its own.
const CLIENTS: u32 = 2048;

/// Nobody uses it up, and no window ends meanwhile.
const LIMIT: &str = "limit: 1000000000, window: 744h";

pub(crate) async fn measure(site: &Site, report: &mut Report) {
    let clients = || -> Vec<Asked> {
        let address = |number: u32| Ipv4Addr::from_bits(0x0A00_0000 + number * 7919 % CLIENTS);
        (0..CLIENTS).map(|number| Asked::get("/bench").from(address(number))).collect()
    };
    let window = format!("{{ {LIMIT} }}");
    let cost = site.cost(&times(1, "rate-limit", &window), clients(), Meets::Upstream).await;
    row("rate-limit: a fixed window", cost);
    report.bar("rate-limit: counts in this process <= 2 us", cost / 1e3, 2.0, " us");
    let planted = site.cost(&times(4, "rate-limit", &window), clients(), Meets::Upstream).await;
    report.control("rate-limit: four of it", planted / 1e3, 2.0, " us");

    for algorithm in ["sliding-window", "token-bucket"] {
        // A bucket is filled by whole microseconds: this is the fastest one.
        let config = match algorithm {
            "token-bucket" => "{ algorithm: token-bucket, limit: 1000000, window: 1s, burst: 1000000000 }".to_owned(),
            _ => format!("{{ algorithm: {algorithm}, {LIMIT} }}"),
        };
        let cost = site.cost(&times(1, "rate-limit", &config), clients(), Meets::Upstream).await;
        row(&format!("rate-limit: {algorithm}"), cost);
    }
    let quiet = format!("{{ {LIMIT}, headers: false }}");
    row("rate-limit: without its fields", site.cost(&times(1, "rate-limit", &quiet), clients(), Meets::Upstream).await);
    let both = "{ name: month, limit: 1000000000, window: 744h }, { name: weeks, limit: 1000000000, window: 743h }";
    let two = times(1, "rate-limit", &format!("{{ limits: [{both}] }}"));
    row("rate-limit: two limits", site.cost(&two, clients(), Meets::Upstream).await);
    // The first request of each has used it up.
    let one = times(1, "rate-limit", "{ limit: 1, window: 744h }");
    row("rate-limit: refused", site.cost(&one, clients(), Meets::Refusal(429, "limited")).await);
}
