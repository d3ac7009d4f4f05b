//! A limit of the entry, and what it asks for a request: which number in a store is meant.

use weir::exchange;
use weir::store::Step;

use crate::cost::Cost;
use crate::rate::{Algorithm, Rate, Take};

/// A limit as it is configured.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    pub(crate) name: String,
    pub(crate) rate: Rate,
    /// Other rates, by what a variable says.
    pub(crate) plans: Option<Plans>,
    /// Which of the entry's keys tells requests apart.
    pub(crate) key: usize,
    pub(crate) cost: Cost,
    /// What its keys in stores begin with. Another algorithm or window is another one: its numbers would mean something else.
    prefix: String,
}

/// Rates by a variable's values.
#[derive(Clone, Debug)]
pub(crate) struct Plans {
    pub(crate) var: String,
    pub(crate) rates: Vec<(String, Rate)>,
}

/// What a limit asks for a request.
#[derive(Clone, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) limit: &'a Limit,
    pub(crate) rate: Rate,
    pub(crate) who: &'a str,
    pub(crate) cost: i64,
}

impl Limit {
    pub(crate) fn new(name: String, rate: Rate, plans: Option<Plans>, key: usize, cost: Cost) -> Self {
        let algorithm = match rate.algorithm() {
            Algorithm::Fixed => ":f",
            Algorithm::Sliding => ":s",
            Algorithm::Bucket => ":b",
        };
        let prefix = [&name, algorithm, &rate.window().to_string(), ":"].concat();
        Self { name, rate, plans, key, cost, prefix }
    }

    /// The rate of the current exchange.
    pub(crate) fn rate(&self) -> Rate {
        let Some(plans) = &self.plans else { return self.rate };
        let plan = exchange::var(&plans.var);
        let named = plan.and_then(|plan| plans.rates.iter().find(|(name, _)| *name == plan));
        named.map_or(self.rate, |(_, rate)| *rate)
    }

    /// The key of somebody's number in this window.
    fn key(&self, number: i64, who: &str) -> String {
        let mut key = String::with_capacity(self.prefix.len() + who.len() + 21);
        key.push_str(&self.prefix);
        push_number(&mut key, number.unsigned_abs());
        key.push(':');
        key.push_str(who);
        key
    }
}

impl Asked<'_> {
    /// The key of the number now.
    pub(crate) fn key(&self, now: i64) -> String {
        self.limit.key(self.rate.number(now), self.who)
    }

    /// The key of the number before this one, where that counts.
    pub(crate) fn key_before(&self, now: i64) -> Option<String> {
        self.slides().then(|| self.limit.key(self.rate.number(now) - 1, self.who))
    }

    pub(crate) fn slides(&self) -> bool {
        self.rate.algorithm() == Algorithm::Sliding
    }

    /// What is done with the number.
    pub(crate) fn step(&self, now: i64, previous: i64) -> Step {
        step(self.key(now), &self.rate.take(now, self.cost, previous))
    }

    /// What is done with it afterwards, whether or not that fits.
    pub(crate) fn charge(&self, now: i64, cost: i64) -> Step {
        step(self.key(now), &self.rate.charge(now, cost))
    }
}

fn step(key: String, take: &Take) -> Step {
    Step { key, floor: take.floor, by: take.by.unsigned_abs(), most: take.most, ttl: Some(take.ttl) }
}

/// Decimal digits, without what formatting costs.
pub(crate) fn push_number(text: &mut String, number: u64) {
    let mut digits = [0; 20];
    let (mut at, mut rest) = (digits.len(), number);
    while at > 0 {
        at -= 1;
        if let Some(digit) = digits.get_mut(at) {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        }
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    text.push_str(digits.get(at..).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or_default());
}
