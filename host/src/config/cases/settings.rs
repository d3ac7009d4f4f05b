//! What a case's configuration would be in an operator's file: a listener for each that its requests come in by, the
//! upstream, and one route behind the one filter.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use super::super::file::File;
use super::super::files::Origin;
use super::super::read::{Read, Reader};
use super::super::sources::Loaded;
use super::super::tree::{Key, Kind, Node, Scalar};
use super::super::{Config, Fault, Place, Source, validate};
use super::merge::copy;
use super::{Case, Failure, Step, file};

/// Of the upstream that the route leads to.
const UPSTREAM: &str = "upstream";

/// Never connected to: requests of filters' own do not leave.
const NOWHERE: &str = "http://127.0.0.1:9";

/// What a case waits for an upstream that does not answer; in real time.
const PATIENCE: &str = "50ms";

/// What the configuration is made of.
#[derive(Debug)]
pub(super) struct Settings {
    place: Place,
    plugin: Option<Rc<Node>>,
    config: Option<Rc<Node>>,
    on_failure: Option<Rc<Node>>,
    site: String,
    path: Option<Rc<Node>>,
    route: Option<Rc<Node>>,
    strip_prefix: Option<Rc<Node>>,
    upstreams: BTreeSet<String>,
    stores: BTreeSet<String>,
    listeners: BTreeSet<String>,
    secrets: HashMap<String, String>,
    is_patient: bool,
}

impl Settings {
    pub(super) fn new(case: &file::Case, steps: &[Step]) -> Self {
        let raw = |raw: &Option<super::forms::Raw>| raw.as_ref().map(|raw| Rc::clone(&raw.0));
        let route = |of: fn(&file::Route) -> &Option<super::forms::Raw>| case.route.as_ref().and_then(|it| raw(of(it)));
        let named = |names: &Option<Vec<super::Located<String>>>| -> BTreeSet<String> {
            names.iter().flatten().map(|name| name.value.clone()).collect()
        };
        let mut upstreams = named(&case.upstreams);
        upstreams.extend(steps.iter().flat_map(|step| step.answers.iter().map(|answer| answer.upstream.clone())));
        let mut stores = named(&case.stores);
        stores.extend(case.kv.0.iter().map(|(store, _)| store.value.clone()));
        stores.remove(super::super::Store::LOCAL);
        Self {
            place: case.name.place,
            plugin: raw(&case.plugin),
            config: raw(&case.config),
            on_failure: raw(&case.on_failure),
            site: case.site.as_ref().map_or_else(|| "site".to_owned(), |site| site.value.clone()),
            path: route(|route| &route.path),
            route: route(|route| &route.name),
            strip_prefix: route(|route| &route.strip_prefix),
            upstreams,
            stores,
            listeners: steps.iter().map(|step| step.request.listener.clone()).collect(),
            secrets: case.secrets.0.iter().map(|(name, value)| (name.value.clone(), value.clone())).collect(),
            is_patient: steps.iter().all(|step| step.upstream.failure != Some(Failure::Timeout)),
        }
    }

    fn node(&self, kind: Kind) -> Rc<Node> {
        Rc::new(Node { place: self.place, kind })
    }

    fn text(&self, text: &str) -> Rc<Node> {
        self.node(Kind::Scalar(Scalar { text: text.to_owned(), is_plain: false, written: None }))
    }

    fn map(&self, entries: impl IntoIterator<Item = (impl Into<String>, Rc<Node>)>) -> Rc<Node> {
        let key = |name: String| Key { name, place: self.place };
        self.node(Kind::Map(entries.into_iter().map(|(name, value)| (key(name.into()), value)).collect()))
    }

    fn list(&self, item: Rc<Node>) -> Rc<Node> {
        self.node(Kind::List(vec![item]))
    }

    fn endpoint(&self, url: &str) -> Rc<Node> {
        self.map([("endpoints", self.list(self.text(url)))])
    }

    /// The declaration of the plugin, with the file that its component is in.
    fn declaration(&self, file: Option<&Path>) -> Option<Rc<Node>> {
        let written = match self.plugin.as_deref().map(|plugin| (plugin, &plugin.kind)) {
            None => Vec::new(),
            Some((_, Kind::Map(entries))) => entries.iter().map(|(key, value)| (copy(key), Rc::clone(value))).collect(),
            // What is wrong with it is said where declarations are read.
            Some(_) => return self.plugin.clone(),
        };
        let file =
            file.map(|file| (Key { name: "file".into(), place: self.place }, self.text(&file.to_string_lossy())));
        if file.is_none() && written.is_empty() {
            return None;
        }
        Some(self.node(Kind::Map(file.into_iter().chain(written).collect())))
    }

    fn tree(&self, plugin: &str, component: Option<&Path>, upstream: SocketAddr) -> Rc<Node> {
        let mut entry: Vec<(&str, Rc<Node>)> = vec![("plugin", self.text(plugin))];
        entry.extend(self.config.clone().map(|config| ("config", config)));
        entry.extend(self.on_failure.clone().map(|rule| ("on_failure", rule)));
        let mut route: Vec<(&str, Rc<Node>)> =
            vec![("path", self.path.clone().unwrap_or_else(|| self.text("/*"))), ("upstream", self.text(UPSTREAM))];
        route.extend(self.route.clone().map(|name| ("name", name)));
        route.extend(self.strip_prefix.clone().map(|prefix| ("strip_prefix", prefix)));
        if !self.is_patient {
            route.push(("timeouts", self.map([("response", self.text(PATIENCE))])));
        }
        let site = [
            ("name", self.text(&self.site)),
            ("chain", self.list(self.map(entry))),
            ("routes", self.list(self.map(route))),
        ];
        let mut upstreams: BTreeMap<&str, Rc<Node>> =
            self.upstreams.iter().map(|name| (name.as_str(), self.endpoint(NOWHERE))).collect();
        upstreams.insert(UPSTREAM, self.endpoint(&format!("http://{upstream}")));
        let listener = |name: &String| (name.clone(), self.map([("address", self.text("127.0.0.1:0"))]));
        let store = |name: &String| (name.clone(), self.map([("memory", self.text("1MiB"))]));
        let mut whole = vec![
            ("version", self.text("1")),
            ("workers", self.text("1")),
            ("listeners", self.map(self.listeners.iter().map(listener))),
            ("upstreams", self.map(upstreams)),
            ("stores", self.map(self.stores.iter().map(store))),
            ("sites", self.list(self.map(site))),
        ];
        whole.extend(self.declaration(component).map(|declared| ("plugins", self.map([(plugin, declared)]))));
        self.map(whole)
    }
}

impl Case {
    /// The configuration: this plugin, its component from this file or bundled, before this upstream. Faults have their
    /// places in the file of cases.
    pub fn configuration(
        &self,
        sources: &Arc<Vec<Source>>,
        plugin: &str,
        component: Option<&Path>,
        upstream: SocketAddr,
    ) -> Config {
        let mut reader = Reader::default();
        let own = self
            .settings
            .plugin
            .as_deref()
            .and_then(|plugin| ["file", "sha256"].into_iter().find_map(|key| super::merge::value(plugin, key)));
        if let Some(own) = own {
            let help = "remove it; `weir plugin test FILE.wasm` tries another component";
            reader.faults.push(Fault::new(own.place, "which component is tried is not a case's to say").help(help));
        }
        let tree = self.settings.tree(plugin, component.filter(|_| own.is_none()), upstream);
        let file = File::read(&tree, &mut reader);
        let mut config = validate::validate(Loaded {
            file,
            sources: Arc::clone(sources),
            origin: Origin::default(),
            faults: reader.faults,
        });
        config.secrets.clone_from(&self.settings.secrets);
        config
    }
}
