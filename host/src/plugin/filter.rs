//! A component, compiled and linked: what all entries of one plugin share.

use std::sync::OnceLock;

use wasmtime::component::{Component, InstancePre};

use super::capability::Away;
use super::engine::Engine;
use super::given::Given;
use super::hook::Exports;
use super::instance::Guest;
use super::manifest::{About, Manifest};

/// What grants a capability, by the mark of a field in the plugin's schema.
pub(super) const GRANTED: [(&str, &str); 5] = [
    ("kv", "store"),
    ("http-client", "upstream"),
    ("documents", "document"),
    ("secrets", "secret"),
    ("files", "directory"),
];

/// A filter that can be instantiated.
#[allow(clippy::struct_excessive_bools, reason = "each is one fact about its component")]
pub(super) struct Filter {
    pub(super) given: Given,
    pub(super) about: About,
    /// What it imports of that which must be granted.
    pub(super) imports: Vec<&'static str>,
    pub(super) exports: Exports,
    /// Whether it imports what an answer is made with.
    pub(super) answers: bool,
    calls_upstreams: bool,
    uses_stores: bool,
    checks_passwords: bool,
    pub(super) stubs_wasi: bool,
    component: Component,
    /// By what is away.
    linked: [OnceLock<Result<InstancePre<Guest>, String>>; 4],
}

impl Filter {
    /// Checks and compiles a component.
    pub(super) fn load(
        engine: &Engine,
        given: Given,
        stubs_wasi: bool,
        patience: std::time::Duration,
    ) -> Result<Self, String> {
        let manifest = Manifest::read(&given.bytes)?;
        manifest.check()?;
        if !stubs_wasi && let Some(import) = manifest.wasi().next() {
            return Err(format!(
                "it imports `{import}`: files, sockets, clocks and environments are not for filters. If its language's \
                 runtime only insists on having it, write `wasi: stub` beside its `file`"
            ));
        }
        let imports = |name: &str| manifest.capabilities().any(|capability| capability.name == name);
        let answers = imports("reply") || imports("files");
        let (calls_upstreams, uses_stores) = (imports("http-client"), imports("kv"));
        let checks_passwords = imports("password");
        let about = manifest.about.clone().unwrap_or_default();
        for (capability, kind) in GRANTED.iter().filter(|(capability, _)| imports(capability)) {
            if !about.schema.as_ref().is_some_and(|schema| marks(schema, kind)) {
                return Err(format!(
                    "it imports `{capability}`, which nothing can grant: the schema of its configuration has no field of \
                     the kind `{kind}` (`\"x-weir\": \"{kind}\"`)"
                ));
            }
        }
        let component = engine.compile(&given.digest, &given.bytes, patience)?;
        let exports =
            Exports::of(&component).ok_or("it does not export `weir:filter/configure`, which every filter has")?;
        let linked = [const { OnceLock::new() }; 4];
        let imports = GRANTED.iter().filter(|(capability, _)| imports(capability));
        let imports = imports.map(|(capability, _)| *capability).collect();
        let filter = Self {
            given,
            about,
            imports,
            exports,
            answers,
            calls_upstreams,
            uses_stores,
            checks_passwords,
            stubs_wasi,
            component,
            linked,
        };
        filter.link(engine, Away::default())?;
        Ok(filter)
    }

    /// Ready to be instantiated, for an entry that was granted this.
    pub(super) fn link(&self, engine: &Engine, away: Away) -> Result<InstancePre<Guest>, String> {
        let linked = self.linked[away.place()]
            .get_or_init(|| self.link_as(engine, &self.component, away).map_err(|error| format!("{error:#}")));
        linked.clone()
    }

    /// The same for another form of the component.
    pub(super) fn link_as(
        &self,
        engine: &Engine,
        component: &Component,
        away: Away,
    ) -> wasmtime::Result<InstancePre<Guest>> {
        let linker = engine.linker(away);
        if !self.stubs_wasi {
            return linker.instantiate_pre(component);
        }
        let mut linker = linker.clone();
        linker.define_unknown_imports_as_traps(component)?;
        linker.instantiate_pre(component)
    }

    /// Whether an instance of it may have to wait.
    pub(super) fn waits(&self, away: Away) -> bool {
        self.checks_passwords || self.calls_upstreams && away.upstreams || self.uses_stores && away.stores
    }
}

/// Whether a field of the schema is of this kind.
fn marks(schema: &serde_json::Value, kind: &str) -> bool {
    match schema {
        serde_json::Value::Object(members) => {
            members.get("x-weir").is_some_and(|mark| mark == kind) || members.values().any(|value| marks(value, kind))
        }
        serde_json::Value::Array(values) => values.iter().any(|value| marks(value, kind)),
        _ => false,
    }
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.given.fmt(formatter)
    }
}
