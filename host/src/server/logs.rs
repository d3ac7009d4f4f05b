//! Where the proxy writes: opened before anything changes, and used once nothing can fail any more.

use std::path::PathBuf;

use crate::config::{Fault, Located, Process};
use crate::telemetry::access::AccessLog;
use crate::telemetry::{LogFile, log};

/// Files that are open and not used yet.
#[derive(Debug)]
pub(super) struct Logs {
    access: Change,
    log: Change,
}

/// What becomes of an output.
#[derive(Debug)]
enum Change {
    /// It goes where it goes.
    Stays,
    /// It goes to this file, or to its standard stream.
    To(Option<LogFile>),
}

impl Logs {
    /// Opens what the configuration names and did not name before. What is open stays so: its name may stand for
    /// another file meanwhile.
    pub(super) fn open(process: &Process, before: &Process) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut open = |wanted: &Option<Located<PathBuf>>, before: &Option<Located<PathBuf>>| {
            let path = |file: &Option<Located<PathBuf>>| file.as_ref().map(|file| file.value.clone());
            if path(wanted) == path(before) {
                return Change::Stays;
            }
            let Some(Located { value: path, place }) = wanted else { return Change::To(None) };
            match LogFile::open(path) {
                Ok(file) => Change::To(Some(file)),
                Err(error) => {
                    let fault = Fault::new(*place, format!("cannot write to {}: {error}", path.display()));
                    faults.push(fault.help("let the user that runs weir write there"));
                    Change::Stays
                }
            }
        };
        let access = open(&process.access_file, &before.access_file);
        let log = open(&process.log_file, &before.log_file);
        if faults.is_empty() { Ok(Self { access, log }) } else { Err(faults) }
    }

    /// Uses them from now on.
    pub(super) async fn switch(self, access: &AccessLog) {
        if let Change::To(file) = self.access {
            access.to(file);
        }
        if let Change::To(file) = self.log {
            if let Some(file) = &file {
                tracing::info!("the log goes on in {}", file.path().display());
            }
            // It waits for what was logged before.
            let _ = tokio::task::spawn_blocking(move || log::to(file)).await;
        }
    }
}
