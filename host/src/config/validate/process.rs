//! What concerns the process: its end, its successor, its logs.

use std::path::PathBuf;
use std::time::Duration;

use super::Check;
use crate::config::file::{File, LogFile};
use crate::config::forms::AccessLog;
use crate::config::units::Time;
use crate::config::{Config, Located};

/// Longer than any exchange is worth waiting for.
const LONGEST: Duration = Duration::from_hours(24);

impl Check {
    pub(super) fn process(&mut self, file: &File, config: &mut Config) {
        let process = &mut config.process;
        match file.access_log.as_ref().map(|access_log| &access_log.value) {
            None | Some(AccessLog::Is(true)) => {}
            Some(AccessLog::Is(false)) => config.access_log = false,
            Some(AccessLog::In(records)) => process.access_file = self.log_file(records),
        }
        process.log_file = file.log.as_ref().and_then(|log| self.log_file(log));
        if let Some(drain) = &file.drain {
            self.patience(drain.delay.as_ref(), &mut process.drain.delay);
            self.patience(drain.grace.as_ref(), &mut process.drain.grace);
        }
        if let Some(upgrade) = &file.upgrade {
            if let Some(timeout) = &upgrade.timeout {
                process.upgrade.timeout = self.limit(timeout);
            }
            self.patience(upgrade.grace.as_ref(), &mut process.upgrade.grace);
        }
    }

    /// Unlike a limit, it may be none at all.
    fn patience(&mut self, written: Option<&Located<Time>>, patience: &mut Duration) {
        let Some(written) = written else { return };
        *patience = written.value.0;
        if *patience > LONGEST {
            self.fault(written.place, "a `delay` or `grace` is from 0s to 24h");
        }
    }

    /// Opening it would make it, which is not for whoever only looks. Its folder tells most of what can be wrong.
    fn log_file(&mut self, log: &LogFile) -> Option<Located<PathBuf>> {
        let (path, place) = (self.path(&log.file), log.file.place);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if path.is_dir() {
            self.fault(place, format!("`{}` is a folder", path.display())).help =
                Some("name a file in it, as in `file: access.log`".into());
            return None;
        }
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            self.fault(place, format!("there is no folder `{}`", folder.display())).help =
                Some("make it, and let the user that runs weir write in it; paths are relative to the file".into());
            return None;
        }
        Some(Located { value: path, place })
    }
}
