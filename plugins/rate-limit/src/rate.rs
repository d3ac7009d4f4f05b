//! How much in which time: what each algorithm does with its number, in whole numbers. Knows nothing of stores, keys or
//! requests.
//!
//! Times are microseconds since 1970, as all processes see them that count together.

/// How requests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// A count for each window; windows begin at multiples of their length since 1970.
    Fixed,
    /// The same, and of the window before as much as reaches into the span of that length that ends now.
    Sliding,
    /// Permits come one by one and are kept up to `burst`. The number is the time at which all will be there again (GCRA).
    Bucket,
}

/// So much in this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    algorithm: Algorithm,
    limit: i64,
    /// Microseconds.
    window: i64,
    /// Permits that are there when nobody has asked for long; of a bucket only.
    burst: i64,
    /// Microseconds in which one permit comes; of a bucket only.
    interval: i64,
}

/// What a request does with the number of whom it is counted for: raise it to `floor` if it is lower, then add `by`, unless it
/// came to more than `most`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Take {
    pub(crate) floor: i64,
    pub(crate) by: i64,
    pub(crate) most: i64,
    /// Milliseconds for which the number matters.
    pub(crate) ttl: u64,
}

/// Where a number stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// Permits that can be had now.
    pub(crate) permits: i64,
    /// Seconds until there are more, rounded up.
    pub(crate) seconds: i64,
}

/// The greatest limit: with it no product below leaves 64 bits.
pub(crate) const MOST: i64 = 1_000_000_000;

/// Numbers that are greater have lost what they stood for in some stores.
pub(crate) const GREATEST: i64 = (1 << 53) - 1;

/// How long a window's number is kept beyond its end, at most: clocks that differ by less do no harm.
const SLACK: i64 = 10_000;

const SECOND: i64 = 1_000_000;

impl Rate {
    /// `burst` is of a bucket only; without one it is the limit.
    pub(crate) fn new(algorithm: Algorithm, limit: i64, window: i64, burst: Option<i64>) -> Self {
        let (limit, window) = (limit.clamp(1, MOST), window.max(1));
        // Rounded up: never faster than was said.
        let interval = (window + limit - 1) / limit;
        Self { algorithm, limit, window, burst: burst.unwrap_or(limit).clamp(1, MOST), interval }
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(crate) fn limit(&self) -> i64 {
        self.limit
    }

    /// Seconds.
    pub(crate) fn window(&self) -> i64 {
        self.window / SECOND
    }

    /// What can be had at once at most.
    pub(crate) fn burst(&self) -> i64 {
        if self.algorithm == Algorithm::Bucket { self.burst } else { self.limit }
    }

    /// Microseconds in which an empty bucket becomes full.
    pub(crate) fn time_to_fill(&self) -> i64 {
        self.burst.saturating_mul(self.interval)
    }

    /// Which window it is; a bucket has one number for all time.
    pub(crate) fn number(&self, now: i64) -> i64 {
        if self.algorithm == Algorithm::Bucket { 0 } else { now / self.window }
    }

    /// What a request of this cost does. `previous` is the number of the window before, which a sliding window looks at.
    pub(crate) fn take(&self, now: i64, cost: i64, previous: i64) -> Take {
        match self.algorithm {
            Algorithm::Fixed => Take { floor: 0, by: cost, most: self.limit, ttl: self.ttl(now, 0) },
            Algorithm::Sliding => {
                let most = self.limit - self.weighted(now, previous);
                Take { floor: 0, by: cost, most, ttl: self.ttl(now, self.window) }
            }
            Algorithm::Bucket => Take {
                floor: now,
                by: cost.saturating_mul(self.interval),
                most: now + self.time_to_fill(),
                ttl: (self.time_to_fill() / 1000 + 1000).unsigned_abs(),
            },
        }
    }

    /// The same, whether or not it fits: what is charged afterwards, to a window only.
    pub(crate) fn charge(&self, now: i64, cost: i64) -> Take {
        Take { most: GREATEST, ..self.take(now, bounded(cost), 0) }
    }

    /// Whether the cost fits on top of what a number is.
    pub(crate) fn fits(&self, now: i64, value: i64, previous: i64, cost: i64) -> bool {
        let take = self.take(now, cost, previous);
        value.max(take.floor).saturating_add(take.by) <= take.most
    }

    /// What can be had where the number is this.
    pub(crate) fn left(&self, now: i64, value: i64, previous: i64) -> Left {
        let permits = match self.algorithm {
            Algorithm::Fixed => self.limit - value,
            Algorithm::Sliding => self.limit - self.weighted(now, previous) - value,
            Algorithm::Bucket => (now + self.time_to_fill() - value.max(now)) / self.interval,
        };
        let permits = permits.clamp(0, self.burst());
        // A window of which nothing is used will have no more, but another one will be.
        let until_more = match self.algorithm {
            Algorithm::Sliding if permits == self.limit => self.rest(now),
            _ => self.wait(now, value, previous, permits + 1),
        };
        Left { permits, seconds: seconds(until_more) }
    }

    /// Microseconds until a request of this cost fits, if nobody else comes.
    pub(crate) fn wait(&self, now: i64, value: i64, previous: i64, cost: i64) -> i64 {
        match self.algorithm {
            Algorithm::Fixed => self.rest(now),
            Algorithm::Sliding => self.slide(now, value, previous, cost) * 1000,
            Algorithm::Bucket => {
                let free = value.max(now).saturating_add(cost.saturating_mul(self.interval));
                free.saturating_sub(now + self.time_to_fill()).max(0)
            }
        }
    }

    /// Of the window before, what reaches into the span that ends now; rounded up.
    fn weighted(&self, now: i64, previous: i64) -> i64 {
        let (window, left) = (self.window / 1000, self.window / 1000 - self.elapsed(now));
        (bounded(previous) * left + window - 1) / window
    }

    /// Milliseconds until the cost fits, in this window or in the next one.
    fn slide(&self, now: i64, value: i64, previous: i64, cost: i64) -> i64 {
        let (window, elapsed) = (self.window / 1000, self.elapsed(now));
        // The moment of a window at which what is weighted has come down to this.
        let moment = |weighted: i64, to: i64| match weighted {
            0 => 0,
            _ => (window - to * window / weighted).max(0),
        };
        let (value, previous) = (bounded(value), bounded(previous));
        let room = self.limit - cost - value;
        if room >= 0 {
            (moment(previous, room) - elapsed).max(0)
        } else {
            window - elapsed + moment(value, (self.limit - cost).max(0))
        }
    }

    /// Milliseconds since the window began.
    fn elapsed(&self, now: i64) -> i64 {
        now % self.window / 1000
    }

    /// Microseconds until the window ends.
    fn rest(&self, now: i64) -> i64 {
        self.window - now % self.window
    }

    fn ttl(&self, now: i64, beyond: i64) -> u64 {
        ((self.rest(now) + beyond) / 1000 + SLACK.min(self.window / 1000)).unsigned_abs()
    }
}

/// A count that can be multiplied by any window's length.
fn bounded(count: i64) -> i64 {
    count.clamp(0, 3 * MOST)
}

/// Whole seconds, rounded up.
pub(crate) fn seconds(micros: i64) -> i64 {
    (micros + SECOND - 1) / SECOND
}
