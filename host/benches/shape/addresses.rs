//! `ip-filter` with many networks.

use std::fmt::Write;
use std::net::Ipv4Addr;

use crate::common::lane::{Asked, Meets};
use crate::common::report::{Report, row};
use crate::common::site::Site;
use crate::times;

const NETWORKS: u32 = 10_000;

/// One of the networks: all over the addresses, and none inside another.
fn network(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(number.wrapping_mul(2_654_435_761) & 0xFFFF_F000)
}

pub(crate) async fn measure(site: &Site, report: &mut Report) {
    let mut text = String::new();
    for number in 0..NETWORKS {
        writeln!(text, "{}/24", network(number)).expect("room");
    }
    let config = format!("{{ deny_list: {} }}", site.file("networks.txt", &text));
    let one = times(1, "ip-filter", &config);
    let ring = |below: u32| -> Vec<Asked> {
        // Far apart from one another, so that none is near the one before.
        let address = |number: u32| network(number * 7919 % NETWORKS).to_bits() | below;
        (0..2048).map(|number| Asked::get("/bench").from(Ipv4Addr::from_bits(address(number)))).collect()
    };
    // In the same 4,096 addresses as a network that is refused, and not in it.
    let let_in = ring(0x0101);
    let cost = site.cost(&one, let_in.clone(), Meets::Upstream).await;
    row("ip-filter with 10,000 networks: let in", cost);
    report.bar("ip-filter with 10,000 networks <= 1.5 us", cost / 1e3, 1.5, " us");
    let planted = site.cost(&times(4, "ip-filter", &config), let_in, Meets::Upstream).await;
    report.control("ip-filter with 10,000 networks: four of it", planted / 1e3, 1.5, " us");
    let refused = site.cost(&one, ring(0x0001), Meets::Refusal(403, "ip-denied")).await;
    row("ip-filter with 10,000 networks: refused", refused);
}
