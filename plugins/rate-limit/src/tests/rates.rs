//! What the README says that each algorithm lets through at most, against clients that try to get more.

use crate::rate::{Algorithm, GREATEST, MOST, Rate};

const SECOND: i64 = 1_000_000;

/// A number in a store, by window.
#[derive(Default)]
struct Number {
    window: i64,
    value: Option<i64>,
    before: i64,
}

impl Number {
    /// Brings it to the window of this moment.
    fn at(&mut self, rate: &Rate, now: i64) -> (i64, i64) {
        let window = rate.number(now);
        if window != self.window {
            self.before = if window == self.window + 1 { self.value.unwrap_or_default() } else { 0 };
            (self.window, self.value) = (window, None);
        }
        (self.value.unwrap_or_default(), self.before)
    }

    fn take(&mut self, rate: &Rate, now: i64, cost: i64) -> bool {
        let (value, before) = self.at(rate, now);
        let take = rate.take(now, cost, before);
        assert!(take.most.abs() <= GREATEST && take.floor + take.by <= GREATEST, "{take:?}");
        let sum = value.max(take.floor) + take.by;
        if sum <= take.most {
            self.value = Some(sum);
        }
        sum <= take.most
    }
}

/// Moments at which clients ask: all at once now and then, steadily, at the edges of windows, at random.
fn patterns(window: i64) -> Vec<Vec<i64>> {
    let start = 1_700_000_000 * SECOND / window * window;
    let mut seed = 11_u64;
    let mut random = move |most: i64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(seed >> 33).unwrap() % most
    };
    let steady = (0..3000).map(|index| start + index * window / 1000).collect();
    let bursts = (0..3000).map(|index| start + index / 300 * window / 3 + index % 300).collect();
    let edges = (0..3000).map(|index| start + (1 + index / 500) * window + (index % 500 - 250) * window / 100_000);
    let late = (0..1000).map(|index| if index < 200 { start + window - 1 } else { start + window + index * 1000 });
    let mut anyhow: Vec<i64> = (0..3000).map(|_| start + random(4 * window)).collect();
    anyhow.sort_unstable();
    vec![steady, bursts, edges.collect(), late.collect(), anyhow]
}

/// The moments of a pattern that were let through.
fn let_through(rate: &Rate, pattern: &[i64]) -> Vec<i64> {
    let mut number = Number::default();
    pattern.iter().copied().filter(|now| number.take(rate, *now, 1)).collect()
}

/// For every span between two that were let through: how many there were in it, and how long it is.
fn spans(moments: &[i64]) -> impl Iterator<Item = (i64, i64)> {
    moments.iter().enumerate().flat_map(move |(first, begin)| {
        let behind = moments[first..].iter().enumerate();
        behind.map(move |(count, end)| (i64::try_from(count).unwrap() + 1, end - begin))
    })
}

#[test]
fn a_fixed_window_lets_through_its_limit_and_not_one_more() {
    for window in [SECOND, 60 * SECOND] {
        let rate = Rate::new(Algorithm::Fixed, 100, window, None);
        for pattern in patterns(window) {
            let passed = let_through(&rate, &pattern);
            let count = |of: &[i64], number| of.iter().filter(|now| *now / window == number).count();
            for number in pattern.first().unwrap() / window..=pattern.last().unwrap() / window {
                assert_eq!(count(&passed, number), count(&pattern, number).min(100));
            }
        }
    }
}

#[test]
fn a_sliding_window_lets_through_in_a_span_what_the_readme_says() {
    for window in [SECOND, 60 * SECOND] {
        let rate = Rate::new(Algorithm::Sliding, 100, window, None);
        for pattern in patterns(window) {
            let passed = let_through(&rate, &pattern);
            assert!(passed.len() >= 100, "{}", passed.len());
            for (count, length) in spans(&passed) {
                // limit x (1 + span / window), for spans up to the window's length.
                assert!(length > window || count * window <= 100 * (window + length), "{count} in {length}");
            }
        }
    }
}

#[test]
fn a_bucket_lets_through_in_a_span_its_burst_and_what_has_come() {
    for (limit, window, burst) in [(100, 60 * SECOND, 20), (7, SECOND, 100), (1000, SECOND, 1)] {
        let rate = Rate::new(Algorithm::Bucket, limit, window, Some(burst));
        for pattern in patterns(window) {
            let passed = let_through(&rate, &pattern);
            assert!(passed.len() >= 3, "{}", passed.len());
            for (count, length) in spans(&passed) {
                assert!((count - burst) * window <= length * limit, "{count} in {length} of {rate:?}");
            }
        }
    }
    // And somebody who asks often enough gets nearly all of it: an interval is rounded up to a microsecond.
    let rate = Rate::new(Algorithm::Bucket, 7, SECOND, Some(1));
    let often: Vec<i64> = (0..100_000).map(|index| 1_700_000_000 * SECOND + index * 1000).collect();
    assert!((700 - 7..=701).contains(&let_through(&rate, &often).len()));
}

#[test]
fn who_waits_as_long_as_is_said_is_let_through_and_nobody_waits_for_nothing() {
    let second = SECOND;
    for (algorithm, exact) in [(Algorithm::Fixed, 1), (Algorithm::Sliding, 2_000), (Algorithm::Bucket, 1)] {
        for (limit, burst, cost) in [(100, 30, 1), (100, 30, 7), (3, 3, 3)] {
            let rate = Rate::new(algorithm, limit, 10 * second, Some(burst));
            for pattern in patterns(10 * second) {
                let (mut number, mut refused) = (Number::default(), 0);
                for now in pattern {
                    if number.take(&rate, now, cost) {
                        continue;
                    }
                    refused += 1;
                    let (value, before) = number.at(&rate, now);
                    let wait = rate.wait(now, value, before, cost);
                    assert!(wait > 0, "{rate:?} {value} {before}");
                    let mut then = Number { value: Some(value), before, window: number.window };
                    let (value, before) = then.at(&rate, now + wait);
                    assert!(rate.fits(now + wait, value, before, cost), "{rate:?} after {wait}");
                    let mut early = Number { value: number.value, before: number.before, window: number.window };
                    let (value, before) = early.at(&rate, now + wait - exact);
                    assert!(
                        wait <= exact || !rate.fits(now + wait - exact, value, before, cost),
                        "{rate:?} before {wait}"
                    );
                }
                assert!(refused > 0 || limit == 100, "{rate:?}");
            }
        }
    }
}

#[test]
fn what_is_left_is_what_can_be_had_and_there_is_more_when_it_is_said() {
    for algorithm in [Algorithm::Fixed, Algorithm::Sliding, Algorithm::Bucket] {
        let rate = Rate::new(algorithm, 50, 10 * SECOND, Some(20));
        for pattern in patterns(10 * SECOND) {
            let mut number = Number::default();
            for now in pattern {
                number.take(&rate, now, 1);
                let (value, before) = number.at(&rate, now);
                let left = rate.left(now, value, before);
                assert!(left.permits == 0 || rate.fits(now, value, before, left.permits), "{rate:?} {left:?}");
                assert!(!rate.fits(now, value, before, left.permits + 1), "{rate:?} {left:?}");
                // What a sliding window counts is forgotten when the next one is over.
                let longest = if algorithm == Algorithm::Sliding { 20 } else { 10 };
                assert!((1..=longest).contains(&left.seconds), "{rate:?} {left:?}");
            }
        }
    }
}

#[test]
fn the_greatest_numbers_are_computed_with_as_any() {
    let days = 31 * 24 * 3600 * SECOND;
    let now = 4_000_000_000 * SECOND + days / 2 + 1;
    for algorithm in [Algorithm::Fixed, Algorithm::Sliding, Algorithm::Bucket] {
        for (limit, window) in [(MOST, days), (1, days), (MOST, SECOND), (1, SECOND)] {
            let rate = Rate::new(algorithm, limit, window, None);
            for (value, before) in [(0, 0), (MOST, MOST), (GREATEST, GREATEST), (-GREATEST, -GREATEST)] {
                let take = rate.take(now, limit, before);
                assert!(take.most <= GREATEST && take.floor + take.by <= GREATEST, "{take:?}");
                let left = rate.left(now, value, before);
                assert!((0..=limit).contains(&left.permits) && left.seconds >= 0, "{rate:?} {left:?}");
                assert!(rate.wait(now, value, before, 1) >= 0);
            }
            assert_eq!(rate.left(now, 0, 0).permits, limit, "{rate:?}");
        }
    }
}
