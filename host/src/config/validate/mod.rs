//! From what was written to what it means. Every fault is noted; none stops the search.

mod chains;
mod limits;
mod listeners;
mod plugins;
mod process;
mod routes;
mod sites;
mod stores;
mod ties;
mod traces;
mod upstreams;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::file::File;
use super::grants::Names;
use super::sources::Loaded;
use super::{Config, Fault, Located, Place, Process, Source, sources};
use chains::Chains;
use plugins::Plugins;
use upstreams::Upstreams;

/// A chain keeps what became of each entry in one word of bits.
pub(crate) const MOST_ENTRIES: usize = 128;

/// Live filter instances; half of what the engine has room for, because a reload needs new ones beside the old.
pub(crate) const MOST_INSTANCES: u32 = 4096;

/// wasmtime reserves address space for this much memory per instance.
pub(crate) const MOST_MEMORY: usize = 1 << 30;

/// What all parts of the validation use.
struct Check {
    sources: Arc<Vec<Source>>,
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
    /// Whether all could be read. If not, what seems to be missing may only be faulty.
    was_read: bool,
}

impl Check {
    fn fault(&mut self, place: Place, message: impl Into<String>) -> &mut Fault {
        self.faults.push(Fault::new(place, message));
        self.faults.last_mut().expect("one was pushed")
    }

    /// Notes that something is missing, unless it may be there and faulty.
    fn missing(&mut self, place: Place, message: impl Into<String>, help: &str) {
        if self.was_read {
            self.fault(place, message).help = Some(help.into());
        }
    }

    /// A path of the file, relative to the file that names it.
    fn path(&self, path: &Located<String>) -> PathBuf {
        let source = path.place.source(&self.sources);
        source.map(sources::folder).unwrap_or_default().join(&path.value)
    }
}

/// Validates what was read.
pub(super) fn validate(loaded: Loaded) -> Config {
    let Loaded { file, sources, origin, faults } = loaded;
    let mut config = Config {
        sources: Arc::clone(&sources),
        origin,
        faults: Vec::new(),
        warnings: Vec::new(),
        workers: std::thread::available_parallelism().map_or(1, Into::into),
        access_log: true,
        process: Process::default(),
        admin: None,
        why: None,
        traces: None,
        listeners: Vec::new(),
        upstreams: Vec::new(),
        stores: Vec::new(),
        entries: Vec::new(),
        plugins: Vec::new(),
        sites: Vec::new(),
        secrets: HashMap::new(),
        names: Names::default(),
    };
    // What could not be read may leave ties and gaps that are not there.
    let was_read = faults.is_empty();
    let mut check = Check { sources, faults, warnings: Vec::new(), was_read };
    if let Some(file) = file {
        check.file(&file, &mut config);
        if was_read {
            ties::find(&mut check, &config);
            check.idle_listeners(&config);
        }
    }
    config.faults = check.faults;
    config.warnings = check.warnings;
    config
}

impl Check {
    fn file(&mut self, file: &File, config: &mut Config) {
        if file.version.is_none() {
            self.fault(file.place, "the key `version` is missing here").help = Some("write `version: 1`".into());
        }
        if let Some(workers) = &file.workers {
            config.workers = usize::try_from(workers.value.0).unwrap_or(1);
        }
        self.process(file, config);
        config.listeners = self.listeners(file);
        config.admin = file.admin.as_ref().and_then(|admin| self.admin(admin, &config.listeners));
        config.why = self.why(file);
        config.stores = self.stores(file);
        config.names = Names::new(file.upstreams.names(), file.stores.names());
        let plugins = Plugins::new(self, &file.plugins);
        let mut upstreams = Upstreams::new(self, &file.upstreams);
        let mut chains = Chains::new(self, &file.chains, plugins);
        config.sites = self.sites(file, &config.listeners, &mut chains, &mut upstreams);
        config.traces = self.traces(file, &mut upstreams);
        config.upstreams = upstreams.all;
        (config.entries, config.plugins) = chains.finish(config.workers, self);
    }
}
