//! How long things took, in buckets with fixed bounds.
//!
//! The bounds are round numbers in seconds, because people ask how many answers took less than 100 ms, not less than 2^27
//! ns. Each is at least twice the one before. So between two powers of two there is one bound at most, and the bucket is
//! found without a loop or a branch: the number of leading zeros names the first bound that can be reached, one
//! comparison tells on which side of it the value lies. Quantiles estimated from the buckets are off by up to a factor
//! of 2.5 at worst, and usually by much less.

use std::time::Duration;

use super::Counter;

/// The most bounds that a histogram has.
const MOST: usize = 16;

/// The upper bounds of a histogram's buckets.
#[derive(Debug)]
pub struct Bounds {
    length: usize,
    /// Ascending; behind the last one, nothing is larger.
    nanos: [u64; MOST + 1],
    /// By the bits of a value: how many bounds are below every such value.
    first: [u8; 65],
}

impl Bounds {
    /// How long exchanges and upstreams take: from what a server beside this one needs to what nobody waits for.
    pub const EXCHANGE: Self = Self::new(&[
        500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
        10_000_000, 30_000_000, 60_000_000,
    ]);

    /// How long the proxy itself takes: from a few microseconds to what a worker that is held up makes of them.
    pub const GATEWAY: Self = Self::new(&[
        5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000,
    ]);

    /// How late a worker is: a timer is late by a millisecond by nature.
    pub const LATENESS: Self =
        Self::new(&[1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000]);

    /// These, in microseconds.
    pub const fn new(micros: &[u64]) -> Self {
        assert!(micros.len() <= MOST, "there are more bounds than a histogram has room for");
        let mut nanos = [u64::MAX; MOST + 1];
        let mut index = 0;
        while index < micros.len() {
            nanos[index] = micros[index] * 1000;
            assert!(index == 0 || nanos[index] >= 2 * nanos[index - 1], "a bound is less than twice the one before");
            index += 1;
        }
        let mut first = [0; 65];
        let mut bits = 1;
        while bits < 65 {
            let least = 1 << (bits - 1);
            while nanos[first[bits] as usize] < least {
                first[bits] += 1;
            }
            if bits < 64 {
                first[bits + 1] = first[bits];
            }
            bits += 1;
        }
        Self { length: micros.len(), nanos, first }
    }

    /// In seconds.
    pub fn seconds(&self) -> impl Iterator<Item = f64> {
        self.nanos[..self.length].iter().map(|nanos| Duration::from_nanos(*nanos).as_secs_f64())
    }

    fn bucket(&self, nanos: u64) -> usize {
        let bits = nanos.bit_width();
        let first = usize::from(self.first[bits as usize]);
        first + usize::from(nanos > self.nanos[first])
    }
}

/// Durations that one thread observes, and any may read.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static Bounds,
    /// How many were in each bucket alone; behind the last bound, the rest.
    counts: [Counter; MOST + 1],
    nanos: Counter,
}

impl Histogram {
    /// Empty.
    pub const fn new(bounds: &'static Bounds) -> Self {
        Self { bounds, counts: [const { Counter::new() }; MOST + 1], nanos: Counter::new() }
    }

    /// Counts one.
    pub fn observe(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.counts[self.bounds.bucket(nanos)].add(1);
        self.nanos.add(nanos);
    }
}

/// What several histograms with the same bounds observed.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// Upper bounds in seconds, and how many were at most so large, but above the bound before. The last is infinite.
    pub buckets: Vec<(f64, u64)>,
    /// In seconds.
    pub sum: f64,
}

impl Distribution {
    /// Their sum; none if nothing was observed.
    pub fn of<'a>(histograms: impl Iterator<Item = &'a Histogram>) -> Option<Self> {
        let mut sums: Option<(&Bounds, [u64; MOST + 1], u64)> = None;
        for histogram in histograms {
            let (_, counts, nanos) = sums.get_or_insert((histogram.bounds, [0; MOST + 1], 0));
            counts.iter_mut().zip(&histogram.counts).for_each(|(sum, count)| *sum += count.get());
            *nanos = nanos.wrapping_add(histogram.nanos.get());
        }
        let (bounds, counts, nanos) = sums.filter(|(_, counts, _)| counts.iter().any(|count| *count > 0))?;
        let buckets = bounds.seconds().chain([f64::INFINITY]).zip(counts).collect();
        Some(Self { buckets, sum: Duration::from_nanos(nanos).as_secs_f64() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_the_bucket_whose_bound_is_the_first_that_is_not_below() {
        for bounds in [Bounds::EXCHANGE, Bounds::GATEWAY, Bounds::LATENESS] {
            let slow = |nanos: u64| bounds.nanos[..bounds.length].iter().take_while(|bound| nanos > **bound).count();
            let near = bounds.nanos[..bounds.length].iter().flat_map(|bound| [bound - 1, *bound, bound + 1]);
            let powers = (0..64).flat_map(|power: u32| [(1 << power) - 1, 1 << power, (1 << power) + 1]);
            for nanos in near.chain(powers).chain([0, u64::MAX]) {
                assert_eq!(bounds.bucket(nanos), slow(nanos), "{nanos} ns");
            }
        }
    }

    #[test]
    fn workers_are_added_up() {
        static BOUNDS: Bounds = Bounds::EXCHANGE;
        let (one, other) = (Histogram::new(&BOUNDS), Histogram::new(&BOUNDS));
        assert_eq!(Distribution::of([&one, &other].into_iter()), None);
        one.observe(Duration::from_millis(1));
        other.observe(Duration::from_millis(1));
        other.observe(Duration::from_secs(100));
        let sum = Distribution::of([&one, &other].into_iter()).unwrap();
        assert_eq!(sum.buckets[1], (0.001, 2));
        assert_eq!(sum.buckets.last(), Some(&(f64::INFINITY, 1)));
        assert_eq!(sum.buckets.iter().map(|(_, count)| count).sum::<u64>(), 3);
        assert!((sum.sum - 100.002).abs() < 1e-9, "{}", sum.sum);
    }
}
