//! What operators are told about a running proxy.
//!
//! What is small is told at once; what may be large is made of the shared parts beside the control thread, which accepts
//! connections.

mod chains;
mod config;
mod failures;
mod sites;
mod status;
mod upstreams;
mod versions;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::spawn_local;

use super::Server;
use crate::config::Config;
use crate::snapshot::Snapshot;
pub(super) use failures::failures;

/// What is in force, to be looked at from any thread.
#[derive(Clone, Debug)]
pub(super) struct InForce {
    pub(super) config: Arc<Config>,
    snapshot: Arc<Snapshot>,
}

impl Server {
    /// What is in force.
    pub(super) fn in_force(&self) -> InForce {
        InForce { config: Arc::clone(&self.state.config), snapshot: Arc::clone(&self.state.snapshot) }
    }

    /// Answers with what this makes of what is in force. One view is made at a time: more would take the workers' cores.
    pub(super) fn show<T: Send + 'static>(
        &self,
        answer: oneshot::Sender<T>,
        view: impl FnOnce(&InForce) -> T + Send + 'static,
    ) {
        let in_force = self.in_force();
        let turn = Arc::clone(&self.showing);
        spawn_local(async move {
            let Ok(_turn) = turn.acquire().await else { return };
            if let Ok(view) = tokio::task::spawn_blocking(move || view(&in_force)).await {
                // Who asked may have gone.
                let _ = answer.send(view);
            }
        });
    }
}

/// For views.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
