//! From the configuration's entries to filters that are ready to run: read, compiled, linked, configured once.
//!
//! Runs off the workers. Whatever is wrong becomes a fault at the line that asked for it; an entry that did not
//! change since the snapshot before is taken over, instances and all.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmtime::component::{ComponentExportIndex, InstancePre};

use super::bindings::{CONFIGURE, ON_REQUEST, ON_RESPONSE};
use super::cache::hex;
use super::engine::Engine;
use super::instance::{Guest, Hook, Instance, Refused};
use crate::config::{
    Component as ComponentConfig, ComponentSource, Entry as EntryConfig, Fault, Limits, OnFailure, Owner,
};

/// No component in sight of a request is larger; language runtimes are 12-18 MB.
const LARGEST_COMPONENT: u64 = 64 << 20;

/// A component, compiled and linked.
pub(super) struct Filter {
    digest: [u8; 32],
    pub(super) pre: InstancePre<Guest>,
    pub(super) configure: ComponentExportIndex,
    pub(super) on_request: Option<ComponentExportIndex>,
    pub(super) on_response: Option<ComponentExportIndex>,
}

impl Filter {
    pub(super) fn has(&self, hook: Hook) -> bool {
        match hook {
            Hook::Configure => true,
            Hook::Request => self.on_request.is_some(),
            Hook::Response => self.on_response.is_some(),
        }
    }
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&hex(&self.digest))
    }
}

/// One filter of the chain, with what the operator wrote about it.
#[derive(Debug)]
pub struct Entry {
    /// Its name in the chain.
    pub name: String,
    owner: Owner,
    pub(super) filter: Arc<Filter>,
    pub(super) config: Arc<str>,
    pub(super) on_failure: OnFailure,
    pub(super) limits: Limits,
}

/// A filter and its digest, or why there is none.
type Loaded = Result<(Arc<Filter>, [u8; 32]), Fault>;

/// Makes entries.
#[derive(Debug)]
pub struct Registry<'a> {
    engine: &'a Engine,
    before: HashMap<(&'a Owner, &'a str), &'a Arc<Entry>>,
    loaded: HashMap<[u8; 32], Result<Arc<Filter>, String>>,
    /// What was read and hashed so far: many entries may be of one plugin.
    read: HashMap<ComponentSource, Loaded>,
}

impl<'a> Registry<'a> {
    /// A registry that takes over what it can from the entries `before`.
    pub fn new(engine: &'a Engine, before: &'a [Arc<Entry>]) -> Self {
        let loaded = before.iter().map(|entry| (entry.filter.digest, Ok(Arc::clone(&entry.filter)))).collect();
        let before = before.iter().map(|entry| ((&entry.owner, entry.name.as_str()), entry)).collect();
        Self { engine, before, loaded, read: HashMap::new() }
    }

    /// The entry, ready to run.
    pub fn entry(&mut self, wanted: &EntryConfig) -> Result<Arc<Entry>, Vec<Fault>> {
        let filter = self.filter(&wanted.component).map_err(|fault| vec![fault])?;
        let entry = Arc::new(Entry {
            name: wanted.name.clone(),
            owner: wanted.owner.clone(),
            filter,
            config: wanted.config.to_string().into(),
            on_failure: wanted.on_failure,
            limits: wanted.limits,
        });
        if let Some(same) = self.before.get(&(&entry.owner, entry.name.as_str())).filter(|before| before.is(&entry)) {
            return Ok(Arc::clone(same));
        }
        match Instance::new(self.engine, &entry) {
            Ok(_) => Ok(entry),
            Err(Refused::Config(faults)) => {
                let fault = |fault: super::bindings::Fault| {
                    let at = if fault.pointer.is_empty() { String::new() } else { format!(" at {}", fault.pointer) };
                    let place = wanted.config.place_of(&fault.pointer);
                    Fault::new(place, format!("`{}` refuses its config{at}: {}", wanted.name, fault.message))
                };
                Err(faults.into_iter().map(fault).collect())
            }
            Err(Refused::Failed(failure)) => Err(vec![Fault::new(
                wanted.place,
                format!("`{}` cannot be used: while it was configured {failure}", wanted.name),
            )]),
        }
    }

    /// Checks a component that no entry uses.
    pub fn check(&mut self, component: &ComponentConfig) -> Result<(), Fault> {
        self.filter(component).map(|_| ())
    }

    fn filter(&mut self, wanted: &ComponentConfig) -> Result<Arc<Filter>, Fault> {
        if !self.read.contains_key(&wanted.source) {
            let loaded = self.read(wanted);
            self.read.insert(wanted.source.clone(), loaded);
        }
        let (filter, digest) = self.read[&wanted.source].clone()?;
        match &wanted.sha256 {
            Some(pinned) if pinned.value != digest => {
                Err(Fault::new(pinned.place, format!("the component's digest is {}", hex(&digest)))
                    .help("write that one, if this is the component that you want"))
            }
            _ => Ok(filter),
        }
    }

    fn read(&mut self, wanted: &ComponentConfig) -> Loaded {
        let bytes = match &wanted.source {
            ComponentSource::Bundled(name) => weir_bundle::find(name).unwrap_or_default().into(),
            ComponentSource::File(path) => std::borrow::Cow::Owned(read_component(path).map_err(|why| {
                Fault::new(wanted.place, format!("cannot read {}: {why}", path.display()))
                    .help("paths are relative to the file that names them")
            })?),
        };
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        let engine = self.engine;
        self.loaded
            .entry(digest)
            .or_insert_with(|| load(engine, digest, &bytes).map(Arc::new).map_err(|error| format!("{error:#}")))
            .clone()
            .map(|filter| (filter, digest))
            .map_err(|why| Fault::new(wanted.place, format!("this is not a filter that this weir can run: {why}")))
    }
}

impl Entry {
    fn is(&self, other: &Self) -> bool {
        self.name == other.name
            && self.owner == other.owner
            && self.filter.digest == other.filter.digest
            && self.config == other.config
            && self.on_failure == other.on_failure
            && self.limits == other.limits
    }
}

/// A component's file, if it is not too large.
pub fn read_component(path: &Path) -> Result<Vec<u8>, String> {
    let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > LARGEST_COMPONENT {
        return Err(format!("it has {} MiB; a component may have {} MiB", length >> 20, LARGEST_COMPONENT >> 20));
    }
    std::fs::read(path).map_err(|error| error.to_string())
}

fn load(engine: &Engine, digest: [u8; 32], bytes: &[u8]) -> wasmtime::Result<Filter> {
    if bytes.get(..8).is_some_and(|magic| magic == b"\0asm\x01\0\0\0") {
        wasmtime::bail!("it is a core WebAssembly module, not a component");
    }
    // The compiler's own words about other bytes are a dump of them.
    if !bytes.starts_with(b"\0asm") {
        wasmtime::bail!("it is not WebAssembly");
    }
    let component = engine.compile(&digest, bytes)?;
    let hook = |(interface, function)| {
        let interface = component.get_export_index(None, interface)?;
        component.get_export_index(Some(&interface), function)
    };
    let Some(configure) = hook(CONFIGURE) else {
        wasmtime::bail!("it does not export {}, which every filter has", CONFIGURE.0);
    };
    let (on_request, on_response) = (hook(ON_REQUEST), hook(ON_RESPONSE));
    let pre = engine.linker.instantiate_pre(&component)?;
    Ok(Filter { digest, pre, configure, on_request, on_response })
}
