//! Trying a filter: cases out of a file, run through the proxy itself.
//!
//! A case is served as a client's request is: by the room `proxy`, with a snapshot of its configuration, the filter in its
//! sandbox, and an upstream behind a socket of this machine. Only what would differ from one time to the next is given by
//! the case: time, chance, documents, and answers to the filter's own requests. What came of it is compared with what
//! was to come. Nothing here knows the command line.

mod compare;
mod ears;
mod matching;
mod origin;
mod outside;
mod seen;
mod stage;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, LocalOptions};

use crate::clock;
use crate::config::Place;
use crate::config::cases::{Case, Cases};
use crate::plugin::{Engine, GivenChance};

/// What is tried.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The plugin's name, which is its entry's in the chain.
    pub name: String,
    /// The component's file; none if it is bundled.
    pub component: Option<PathBuf>,
}

/// What came of a case.
#[derive(Debug)]
pub struct Verdict {
    /// What is not as it was to be; nothing if the case holds.
    pub differences: Vec<Difference>,
    /// What was logged.
    pub log: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

/// One thing that is not as it was to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where it says what was to come.
    pub place: Place,
    /// What it is about: `status`, `headers.x-id`, ...
    pub what: String,
    /// What was to come.
    pub expected: String,
    /// What came.
    pub got: String,
}

impl Difference {
    fn new(place: Place, what: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self { place, what: what.into(), expected: expected.into(), got: got.into() }
    }
}

/// Runs those of the cases that are wanted, one after the other, and tells of each. From here on the time of this thread
/// is given; of its stack filters may use 1 MiB.
pub fn run(
    cases: &Cases,
    subject: &Subject,
    engine: Engine,
    wanted: impl Fn(&Case) -> bool,
    mut tell: impl FnMut(&Case, &Verdict),
) -> std::io::Result<()> {
    let chance = Arc::new(GivenChance::default());
    let engine = Arc::new(engine.for_trials(&chance));
    for case in cases.cases.iter().filter(|case| wanted(case)) {
        tell(case, &one(cases, case, subject, &engine, &chance)?);
    }
    Ok(())
}

fn one(
    cases: &Cases,
    case: &Case,
    subject: &Subject,
    engine: &Arc<Engine>,
    chance: &GivenChance,
) -> std::io::Result<Verdict> {
    let started = Instant::now();
    let ears = ears::Ears::default();
    // Each case has a runtime of its own: what one leaves behind is gone before the next.
    let runtime = Builder::new_current_thread().enable_io().enable_time().build_local(LocalOptions::default())?;
    let differences = tracing::subscriber::with_default(ears.clone(), || {
        clock::give(case.begins);
        let (first, seed) = &case.random;
        chance.begin(first.clone(), *seed);
        let differences = runtime.block_on(stage::play(cases, case, subject, engine, &ears));
        drop(runtime);
        differences
    })?;
    Ok(Verdict { differences, log: ears.all(), took: started.elapsed() })
}
