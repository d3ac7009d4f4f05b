//! Where is counted, and what happens if that cannot be done.

use std::cell::Cell;
use std::time::Duration;

use serde::Deserialize;
use weir::Store;
use weir::metrics::Counter;
use weir::store::{Error, Step};

use crate::batches::Batches;
use crate::counters::{Counted, Counters};
use crate::limit::Asked;

/// How permits are taken, and what becomes of requests that cannot be counted.
#[derive(Debug)]
pub(crate) struct Counting {
    taking: Taking,
    on_failure: OnFailure,
    when_full: WhenFull,
    /// The numbers of this process, while the store fails.
    meanwhile: Counters,
    /// Whether the last call of the store failed, as far as this instance knows.
    fails: Cell<bool>,
    failures: Counter<1>,
}

/// How permits are taken from the store.
#[derive(Debug)]
pub(crate) enum Taking {
    /// Each for itself.
    Each(Counters),
    /// Several at once, for later requests.
    Batches(Batches),
}

/// What becomes of requests while the store fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, weir::Config)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnFailure {
    /// They go on.
    Open,
    /// They are refused.
    Closed,
    /// They are counted in this process.
    #[default]
    Local,
}

/// What becomes of requests of those who are new while the store is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, weir::Config)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum WhenFull {
    /// They are refused.
    #[default]
    Refuse,
    /// They go on.
    Admit,
}

/// In this process's store, while it is known that the other one fails.
const FAILS: &str = "fails";

/// A store that still fails after this time is told of again.
const SAID: Duration = Duration::from_hours(1);

/// A request was not counted.
#[derive(Debug)]
pub(crate) enum Uncounted {
    /// It goes on, with this note.
    Admitted(&'static str),
    Refused(Error),
}

impl Counting {
    pub(crate) fn new(
        taking: Taking,
        local: Store,
        on_failure: OnFailure,
        when_full: WhenFull,
        failures: Counter<1>,
    ) -> Self {
        Self { taking, on_failure, when_full, meanwhile: Counters::new(local), fails: Cell::new(false), failures }
    }

    /// The store that is counted in.
    pub(crate) fn store(&self) -> &Store {
        match &self.taking {
            Taking::Each(counters) => counters.store(),
            Taking::Batches(batches) => batches.store(),
        }
    }

    /// Takes what is asked for, all of it or nothing.
    pub(crate) fn take(&self, asked: &[Asked<'_>], now: i64) -> Result<Counted, Uncounted> {
        let counted = match &self.taking {
            Taking::Each(counters) => counters.take(asked, now),
            Taking::Batches(batches) => batches.take(asked, now),
        };
        match counted {
            Ok(counted) => {
                if self.fails.replace(false) && self.meanwhile.store().remove(FAILS).unwrap_or(true) {
                    weir::info!("the store `{}` answers again", self.store().name());
                }
                Ok(counted)
            }
            Err(Error::TooLarge) => Err(self.full()),
            Err(error) => {
                self.failed(error);
                match self.on_failure {
                    OnFailure::Open => Err(Uncounted::Admitted("store-failed")),
                    OnFailure::Closed => Err(Uncounted::Refused(error)),
                    OnFailure::Local => self.meanwhile.take(asked, now).map_err(|error| match error {
                        Error::TooLarge => self.full(),
                        _ => Uncounted::Refused(error),
                    }),
                }
            }
        }
    }

    /// Charges what an answer cost, wherever requests are counted now. What cannot be charged is lost.
    pub(crate) fn charge(&self, asked: &Asked<'_>, now: i64) {
        let Taking::Each(counters) = &self.taking else { return };
        if let Err(error) = counters.charge(asked, now, asked.cost) {
            self.failed(error);
            if self.on_failure == OnFailure::Local {
                let _ = self.meanwhile.charge(asked, now, asked.cost);
            }
        }
    }

    fn full(&self) -> Uncounted {
        self.failures.add([Error::TooLarge.name()], 1);
        match self.when_full {
            WhenFull::Refuse => Uncounted::Refused(Error::TooLarge),
            WhenFull::Admit => Uncounted::Admitted("store-full"),
        }
    }

    fn failed(&self, error: Error) {
        self.failures.add([error.name()], 1);
        let was_known = self.fails.replace(true);
        // Of all instances one says so; where they cannot agree on which, each does.
        let said = self.meanwhile.store().advance_one(&Step::new(FAILS, 1, 1).living(SAID));
        if said.map_or(!was_known, |said| said.taken) {
            let then = match self.on_failure {
                OnFailure::Open => "requests go on uncounted",
                OnFailure::Closed => "requests are refused",
                OnFailure::Local => "requests are counted in this process",
            };
            weir::warn!("the store `{}` fails: {}; {then} until it answers", self.store().name(), error.name());
        }
    }
}
