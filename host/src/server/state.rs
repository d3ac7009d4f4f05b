//! What a configuration becomes: everything that workers use, immutable and shared.

use std::sync::Arc;

use crate::config::{Admin, Config, Plugin, Report};
use crate::listen::{OperatorTls, Settings};
use crate::plugin::{Digest, Engine, Given, Substitutes};
use crate::snapshot::{Snapshot, SwapSteps};

/// What exchanges use, and what new connections use.
#[derive(Debug)]
pub struct State {
    /// What it was made from.
    pub config: Arc<Config>,
    /// Where operators come in; its token is read anew for each state.
    pub admin: Option<Admin>,
    /// For exchanges.
    pub snapshot: Arc<Snapshot>,
    /// For connections, in the order of [`Config::listeners`].
    pub listeners: Vec<Arc<Settings>>,
    /// For connections to the admin address.
    pub operators: Option<Arc<OperatorTls>>,
    /// What is not wrong, and yet to be looked at.
    pub warnings: Option<Report>,
}

impl State {
    /// The same with another component of one plugin, and how long that took. Slow: compiles it.
    pub fn with_component(
        &self,
        plugin: &Plugin,
        given: Given,
        configured: Digest,
        may_want_more: bool,
    ) -> Result<(Self, SwapSteps), Report> {
        let (snapshot, steps) = self.snapshot.with_component(&self.config, plugin, given, configured, may_want_more)?;
        Ok((
            Self {
                config: Arc::clone(&self.config),
                admin: self.admin.clone(),
                operators: self.operators.clone(),
                snapshot: Arc::new(snapshot),
                listeners: self.listeners.clone(),
                warnings: None,
            },
            steps,
        ))
    }

    /// Builds and verifies; what did not change since the state before is taken over, and what is in `substitutes`
    /// takes the place of what the configuration names. Slow: compiles filters. Reads
    /// files, but opens no port and calls nobody.
    pub fn build(
        config: Arc<Config>,
        engine: &Arc<Engine>,
        before: Option<&Self>,
        substitutes: &Substitutes,
    ) -> Result<Self, Report> {
        let (mut listeners, mut faults) = (Vec::new(), Vec::new());
        let known: &[Arc<Settings>] = before.map_or(&[], |state| &state.listeners);
        for listener in &config.listeners {
            let kept = known.iter().find(|settings| *settings.name == listener.name);
            match Settings::load(listener, kept.map(AsRef::as_ref)) {
                Ok(settings) => listeners.push(Arc::new(settings)),
                Err(found) => faults.extend(found),
            }
        }
        let admin = config.admin.clone().and_then(|admin| {
            let token = admin.token.map(|token| token.read_again(admin.address.place)).transpose();
            let token = token.map_err(|fault| faults.push(fault)).ok()?;
            Some(Admin { token, ..admin })
        });
        let tls = config.admin.as_ref().and_then(|admin| Some((admin.tls.as_ref()?, admin.has_open_probes)));
        let operators = tls.map(|(tls, has_open_probes)| OperatorTls::load(tls, has_open_probes)).transpose();
        let operators = operators.unwrap_or_else(|found| {
            faults.extend(found);
            None
        });
        let operators = operators.map(Arc::new);
        let snapshot = Snapshot::build(&config, engine, before.map(|state| &*state.snapshot), substitutes, faults)?;
        let warnings = config.warned(snapshot.warnings(&config));
        Ok(Self { config, admin, snapshot: Arc::new(snapshot), listeners, operators, warnings })
    }

    /// Readies the stores. Slow.
    pub fn begin_stores(&self) {
        self.snapshot.begin_stores(&self.config);
    }
}
