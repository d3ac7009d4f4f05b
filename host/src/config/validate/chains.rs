//! Chains: from names and lists to entries, and what a route makes of its site's.

mod any_of;

use std::collections::HashMap;
use std::ops::Range;

use super::plugins::{Declared, Plugins};
use super::routes::pattern;
use super::{Check, MOST_ENTRIES, MOST_INSTANCES};
use crate::config::entries::{self, Added, RouteChain};
use crate::config::fault::{quoted, suggestion};
use crate::config::file;
use crate::config::filters::{self, AddedAlternatives, LongAdded, LongEntry};
use crate::config::json::Settings;
use crate::config::read::{Named, OneOrMore};
use crate::config::{Entry, Json, Link, Located, OnFailure, Owner, PathPattern, Place, Plugin, alternatives};

/// A list may name lists.
const DEEPEST: usize = 16;

/// The named chains, and all entries that were made so far.
pub(super) struct Chains<'a> {
    named: &'a Named<Vec<Located<entries::Entry>>>,
    index: HashMap<&'a str, Option<&'a [Located<entries::Entry>]>>,
    plugins: Plugins,
    entries: Vec<Entry>,
}

/// What a long entry says, in a chain or added to one.
struct Wanted<'a> {
    plugin: &'a Located<String>,
    name: Option<&'a Located<String>>,
    except: Option<&'a OneOrMore<Located<String>>>,
    config: Option<&'a Settings>,
    on_failure: Option<OnFailure>,
    limits: Option<&'a filters::Limits>,
}

macro_rules! wanted {
    ($long:ty) => {
        impl<'a> From<&'a $long> for Wanted<'a> {
            fn from(entry: &'a $long) -> Self {
                Self {
                    plugin: &entry.plugin,
                    name: entry.name.as_ref(),
                    except: entry.except.as_ref(),
                    config: entry.config.as_ref(),
                    on_failure: entry.on_failure,
                    limits: entry.limits.as_ref(),
                }
            }
        }
    };
}
wanted!(LongEntry);
wanted!(LongAdded);

/// Where an added entry goes.
struct Goes<'a> {
    before: Option<&'a Located<String>>,
    after: Option<&'a Located<String>>,
    first: Option<&'a Located<bool>>,
}

macro_rules! goes {
    ($added:ty) => {
        impl<'a> From<&'a $added> for Goes<'a> {
            fn from(added: &'a $added) -> Self {
                Self { before: added.before.as_ref(), after: added.after.as_ref(), first: added.first.as_ref() }
            }
        }
    };
}
goes!(LongAdded);
goes!(AddedAlternatives);

impl<'a> Chains<'a> {
    pub(super) fn new(check: &mut Check, named: &'a Named<Vec<Located<entries::Entry>>>, plugins: Plugins) -> Self {
        for (name, _) in &named.0 {
            if plugins.is_known(&name.value) {
                check.fault(name.place, format!("`{}` is a plugin's name already", name.value)).help =
                    Some("give the chain another name".into());
            }
        }
        let index = named.0.iter().map(|(name, list)| (name.value.as_str(), list.as_deref())).collect();
        let mut chains = Self { named, index, plugins, entries: Vec::new() };
        // What is used nowhere is checked all the same.
        for (name, list) in named.sound() {
            let owner = (format!("chains.{}", name.value), None);
            chains.list(check, list, &owner);
        }
        chains.entries.clear();
        chains.plugins.forget_uses();
        chains
    }

    /// All entries, and the plugins.
    pub(super) fn finish(self, workers: usize, check: &mut Check) -> (Vec<Entry>, Vec<Plugin>) {
        let wanted = workers * self.entries.len();
        if let Some(first) = self.entries.first().filter(|_| wanted > MOST_INSTANCES as usize) {
            let message = format!("{} filters on {workers} workers need {wanted} instances", self.entries.len());
            check.fault(first.place, message).help =
                Some(format!("there is room for {MOST_INSTANCES}; write fewer `workers:`"));
        }
        (self.entries, self.plugins.all())
    }

    /// The links of a list, each with an entry of its own.
    pub(super) fn list(&mut self, check: &mut Check, list: &'a [Located<entries::Entry>], owner: &Owner) -> Vec<Link> {
        let (mut links, before) = (Vec::new(), check.faults.len());
        self.expand(check, list, owner, &mut links, &mut Vec::new());
        // What holds itself has every name twice.
        if check.faults.len() == before {
            self.check_names(check, &links);
        }
        links
    }

    fn expand(
        &mut self,
        check: &mut Check,
        list: &'a [Located<entries::Entry>],
        owner: &Owner,
        links: &mut Vec<Link>,
        inside: &mut Vec<&'a str>,
    ) {
        for entry in list {
            match &entry.value {
                entries::Entry::Name(name) => match self.index.get_key_value(name.as_str()) {
                    Some((chain, list)) => {
                        let (chain, list) = (*chain, *list);
                        if inside.contains(&chain) || inside.len() >= DEEPEST {
                            check.fault(entry.place, format!("the chain `{chain}` holds itself")).help =
                                Some("remove it from one of the chains that it is in".into());
                            continue;
                        }
                        inside.push(chain);
                        self.expand(check, list.unwrap_or_default(), owner, links, inside);
                        inside.pop();
                    }
                    None => links.extend(self.short(check, name, entry.place, owner)),
                },
                entries::Entry::Long(long) => {
                    links.extend(self.long(check, &Wanted::from(&**long), entry.place, owner));
                }
                entries::Entry::AnyOf(written) => {
                    links.extend(self.any_of(check, &(&**written).into(), entry.place, owner));
                }
            }
        }
    }

    fn short(&mut self, check: &mut Check, plugin: &str, place: Place, owner: &Owner) -> Option<Link> {
        let declared = self.plugins.find(check, plugin, place, self.named.names(), false)?;
        Some(self.push(entry(declared, owner, plugin, place)))
    }

    fn long(&mut self, check: &mut Check, wanted: &Wanted<'_>, place: Place, owner: &Owner) -> Option<Link> {
        let except = check.except(wanted.except);
        let plugin = wanted.plugin;
        let declared = self.plugins.find(check, &plugin.value, plugin.place, self.named.names(), true)?;
        let limits = check.limits(wanted.limits, declared.limits);
        let name = wanted.name.unwrap_or(wanted.plugin);
        let link = self.push(Entry {
            config: wanted.config.map_or_else(|| Json::empty(place), |config| config.0.clone()),
            on_failure: wanted.on_failure.unwrap_or(OnFailure::Closed),
            limits,
            ..entry(declared, owner, &name.value, name.place)
        });
        Some(Link { except, ..link })
    }

    fn push(&mut self, entry: Entry) -> Link {
        self.entries.push(entry);
        Link { entry: self.entries.len() - 1, except: Vec::new(), any_of: None }
    }

    fn check_names(&self, check: &mut Check, links: &[Link]) {
        let mut names = HashMap::new();
        for (name, place) in self.names(links) {
            if let Some(first) = names.insert(name, place) {
                let fault = check.fault(place, format!("there is an entry `{name}` in this chain already"));
                fault.also = Some((first, "here before".into()));
                fault.help = Some("give one of them a `name:` of its own".into());
            }
        }
        if let Some(link) = links.get(MOST_ENTRIES) {
            check.fault(self.entries[link.entry].place, format!("a chain has at most {MOST_ENTRIES} entries"));
        }
        self.check_alternatives(check, links);
    }

    /// A route's chain: its site's, unless it visibly says otherwise.
    pub(super) fn route(
        &mut self,
        check: &mut Check,
        route: &'a file::Route,
        path: &PathPattern,
        site: &[Link],
        owner: &Owner,
    ) -> Vec<Link> {
        let mut links = match &route.chain {
            Some(Located { value: RouteChain::None, .. }) => Vec::new(),
            Some(Located { value: RouteChain::These(list), .. }) => self.list(check, list, owner),
            None => site.to_vec(),
        };
        for name in route.without.as_deref().unwrap_or_default() {
            match self.position(&links, &name.value) {
                Some(these) => drop(links.drain(these)),
                None => self.no_entry(check, &links, name),
            }
        }
        for (name, change) in &route.r#override.0 {
            let (position, Some(change)) = (self.position(&links, &name.value), change) else { continue };
            match position {
                Some(these) if Self::is_group(&links[these.start], &name.value) => {
                    self.not_one(check, &links[these], name);
                }
                Some(Range { start, .. }) => {
                    links[start].entry = self.changed(check, links[start].entry, name.place, change, owner);
                }
                None => self.no_entry(check, &links, name),
            }
        }
        for added in route.add.as_deref().unwrap_or_default() {
            self.add(check, added, &mut links, owner);
        }
        self.check_names(check, &links);
        for link in &mut links {
            link.except.retain(|except| meets(except, path));
        }
        links.retain(|link| !link.except.iter().any(|except| covers(except, path)));
        links
    }

    /// The entry of this name, or the alternatives of the group that has it.
    fn position(&self, links: &[Link], name: &str) -> Option<Range<usize>> {
        match links.iter().position(|link| self.entries[link.entry].name == name) {
            Some(position) => Some(position..position + 1),
            None => {
                let first = links.iter().position(|link| Self::is_group(link, name))?;
                Some(alternatives(links, first))
            }
        }
    }

    fn no_entry(&self, check: &mut Check, links: &[Link], name: &Located<String>) {
        let names: Vec<&str> = self.names(links).map(|(name, _)| name).collect();
        let help = match links {
            [] => "the chain is empty here".to_owned(),
            _ => suggestion(&name.value, "entries", names),
        };
        check.fault(name.place, format!("there is no entry {} in this route's chain", quoted(&name.value))).help =
            Some(help);
    }

    /// An entry of the route's own, like the site's but for the change.
    fn changed(
        &mut self,
        check: &mut Check,
        entry: usize,
        place: Place,
        change: &filters::Override,
        owner: &Owner,
    ) -> usize {
        let before = &self.entries[entry];
        let mut config = before.config.clone();
        if let Some(patch) = &change.config {
            config.merge(&patch.0);
        }
        let entry = Entry {
            owner: owner.clone(),
            name: before.name.clone(),
            component: before.component.clone(),
            config,
            on_failure: change.on_failure.unwrap_or(before.on_failure),
            limits: check.limits(change.limits.as_ref(), before.limits),
            isolation: before.isolation,
            grants: before.grants.clone(),
            quarantine: before.quarantine,
            place: before.place,
            changed: Some(place),
        };
        self.push(entry).entry
    }

    fn add(&mut self, check: &mut Check, added: &'a Located<Added>, links: &mut Vec<Link>, owner: &Owner) {
        let (new, at) = match &added.value {
            Added::Name(name) => {
                let mut new = Vec::new();
                match self.index.get(name.as_str()).copied() {
                    Some(list) => {
                        self.expand(check, list.unwrap_or_default(), owner, &mut new, &mut vec![name.as_str()]);
                    }
                    None => new.extend(self.short(check, name, added.place, owner)),
                }
                (new, links.len())
            }
            Added::Long(long) => {
                let at = self.place_for(check, &(&**long).into(), links);
                (self.long(check, &Wanted::from(&**long), added.place, owner).into_iter().collect(), at)
            }
            Added::AnyOf(written) => {
                let at = self.place_for(check, &(&**written).into(), links);
                (self.any_of(check, &(&**written).into(), added.place, owner), at)
            }
        };
        links.splice(at..at, new);
    }

    fn place_for(&self, check: &mut Check, goes: &Goes<'_>, links: &[Link]) -> usize {
        let is_first = goes.first.filter(|first| first.value);
        let said =
            [goes.before.map(|name| name.place), goes.after.map(|name| name.place), is_first.map(|first| first.place)];
        if let Some(second) = said.into_iter().flatten().nth(1) {
            check.fault(second, "an added filter goes to one place").help =
                Some("write one of `before`, `after` and `first`".into());
        }
        match (goes.before, goes.after) {
            _ if is_first.is_some() => 0,
            (Some(name), _) | (None, Some(name)) => match self.position(links, &name.value) {
                // Nothing comes between alternatives.
                Some(these) => {
                    let group = alternatives(links, these.start);
                    if goes.before.is_some() { group.start } else { group.end }
                }
                None => {
                    self.no_entry(check, links, name);
                    links.len()
                }
            },
            (None, None) => links.len(),
        }
    }
}

/// An entry of which nothing is said but its plugin and its name.
fn entry(declared: Declared, owner: &Owner, name: &str, place: Place) -> Entry {
    let Declared { component, limits, isolation, grants, quarantine, .. } = declared;
    Entry {
        owner: owner.clone(),
        name: name.to_owned(),
        component,
        config: Json::empty(place),
        on_failure: OnFailure::Closed,
        limits,
        isolation,
        grants,
        quarantine,
        place,
        changed: None,
    }
}

impl Check {
    fn except(&mut self, except: Option<&OneOrMore<Located<String>>>) -> Vec<PathPattern> {
        let written = except.map(|except| except.0.as_slice()).unwrap_or_default();
        written.iter().filter_map(|path| pattern(self, path)).collect()
    }
}

/// Whether every path of the route is excepted.
fn covers(except: &PathPattern, route: &PathPattern) -> bool {
    match (except, route) {
        (PathPattern::Exact(_), PathPattern::Prefix(_)) => false,
        _ => except.matches(route.fixed()),
    }
}

/// Whether some path of the route is excepted.
fn meets(except: &PathPattern, route: &PathPattern) -> bool {
    except.matches(route.fixed()) || route.matches(except.fixed())
}
