//! What a configuration becomes: everything that workers use, immutable and shared.

use std::sync::Arc;

use crate::config::{Config, Report};
use crate::listen::Settings;
use crate::plugin::{Engine, Substitutes};
use crate::snapshot::Snapshot;

/// What exchanges use, and what new connections use.
#[derive(Debug)]
pub struct State {
    /// What it was made from.
    pub config: Arc<Config>,
    /// For exchanges.
    pub snapshot: Arc<Snapshot>,
    /// For connections, in the order of [`Config::listeners`].
    pub listeners: Vec<Arc<Settings>>,
    /// What is not wrong, and yet to be looked at.
    pub warnings: Option<Report>,
}

impl State {
    /// Builds and verifies; what did not change since the state before is taken over. Slow: compiles filters. Reads
    /// files, but opens no port and calls nobody.
    pub fn build(config: Arc<Config>, engine: &Arc<Engine>, before: Option<&Self>) -> Result<Self, Report> {
        let (mut listeners, mut faults) = (Vec::new(), Vec::new());
        let known: &[Arc<Settings>] = before.map_or(&[], |state| &state.listeners);
        for listener in &config.listeners {
            let kept = known.iter().find(|settings| *settings.name == listener.name);
            match Settings::load(listener, kept.map(AsRef::as_ref)) {
                Ok(settings) => listeners.push(Arc::new(settings)),
                Err(found) => faults.extend(found),
            }
        }
        let snapshot =
            Snapshot::build(&config, engine, before.map(|state| &*state.snapshot), &Substitutes::new(), faults)?;
        let warnings = config.warned(snapshot.warnings(&config));
        Ok(Self { config, snapshot: Arc::new(snapshot), listeners, warnings })
    }
}
