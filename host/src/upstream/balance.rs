//! Which endpoint is asked. Each worker counts its own turns; how endpoints fare is shared.

use std::cell::RefCell;
use std::net::IpAddr;

use super::endpoint::Endpoint;
use crate::config::Balance;

/// One worker's turns.
#[derive(Debug)]
pub(super) struct Balancer {
    balance: Balance,
    turns: RefCell<Vec<i64>>,
}

impl Balancer {
    /// `start` tells workers apart, so that they do not all begin with the same endpoint.
    pub(super) fn new(balance: Balance, endpoints: &[Endpoint], start: usize) -> Self {
        let balancer = Self { balance, turns: RefCell::new(vec![0; endpoints.len()]) };
        for _ in 0..start % endpoints.len().max(1) {
            balancer.next(endpoints, |_| true);
        }
        balancer
    }

    /// One that was not tried yet and does not drain; those that could not be reached a moment ago only if there is no other.
    pub(super) fn choose(&self, endpoints: &[Endpoint], client: IpAddr, tried: &[usize]) -> Option<usize> {
        if endpoints.len() == 1 {
            return (tried.is_empty() && !endpoints[0].is_draining()).then_some(0);
        }
        let is_left = |index: usize| !tried.contains(&index) && !endpoints[index].is_draining();
        let is_preferred = |index: usize| is_left(index) && !endpoints[index].is_avoided();
        self.among(endpoints, client, is_preferred).or_else(|| self.among(endpoints, client, is_left))
    }

    fn among(&self, endpoints: &[Endpoint], client: IpAddr, may: impl Fn(usize) -> bool) -> Option<usize> {
        match self.balance {
            Balance::RoundRobin => self.next(endpoints, may),
            Balance::LeastConnections => self.least(endpoints, may),
            Balance::IpHash => (0..endpoints.len())
                .filter(|index| may(*index))
                .map(|index| (index, score(&endpoints[index], client)))
                .max_by(|(_, one), (_, other)| one.total_cmp(other))
                .map(|(index, _)| index),
        }
    }

    /// Smooth weighted round-robin, as in nginx: the turns of a heavy endpoint are spread between those of the others.
    fn next(&self, endpoints: &[Endpoint], may: impl Fn(usize) -> bool) -> Option<usize> {
        let mut turns = self.turns.borrow_mut();
        let (mut total, mut best) = (0, None);
        for (index, endpoint) in endpoints.iter().enumerate().filter(|(index, _)| may(*index)) {
            let weight = i64::from(endpoint.config.weight);
            turns[index] += weight;
            total += weight;
            if best.is_none_or(|best: usize| turns[index] > turns[best]) {
                best = Some(index);
            }
        }
        turns[best?] -= total;
        best
    }

    /// The fewest exchanges in progress for its weight; in turn where several have.
    fn least(&self, endpoints: &[Endpoint], may: impl Fn(usize) -> bool) -> Option<usize> {
        let load = |index: usize| (endpoints[index].in_progress() as u64, u64::from(endpoints[index].config.weight));
        let is_less = |one: (u64, u64), other: (u64, u64)| one.0 * other.1 < other.0 * one.1;
        let loads = (0..endpoints.len()).filter(|index| may(*index)).map(load);
        let least = loads.reduce(|one, other| if is_less(other, one) { other } else { one })?;
        // Other workers count at the same time: if all have grown since, any will do.
        self.next(endpoints, |index| may(index) && !is_less(least, load(index))).or_else(|| self.next(endpoints, may))
    }
}

/// Weighted rendezvous: the client's endpoint is the one with the highest score, so taking another away changes nothing.
fn score(endpoint: &Endpoint, client: IpAddr) -> f64 {
    let (high, low) = match client {
        IpAddr::V4(address) => (0, u64::from(address.to_bits())),
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            ((bits >> 64) as u64, ((bits << 64) >> 64) as u64)
        }
    };
    let hash = mix(mix(endpoint.seed ^ high) ^ low);
    let fraction = (f64::from((hash >> 32) as u32) + 0.5) / 4_294_967_296.0;
    -f64::from(endpoint.config.weight) / fraction.ln()
}

/// The finalizer of `SplitMix64`: every bit of the input changes about half of the output's.
fn mix(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
