//! From documents to compiled schemas: those that the first one leads to.

use std::collections::BTreeMap;

use super::draft::Draft;
use super::registry::{Registry, Spot};
use super::{Fault, Id, Rule, Schema, Schemas, Source, progress};
use crate::json::{At, Json, Kind, ROOT};

/// What the operator says beside the schemas.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// The draft of documents that do not say theirs.
    pub(crate) draft: Draft,
    /// Whether formats are asserted; otherwise the draft says.
    pub(crate) formats: Option<bool>,
}

/// More would take too long to compile.
const MOST_SCHEMAS: usize = 10_000;

/// More is not read by anybody.
const MOST_FAULTS: usize = 20;

pub(super) struct Compiler<'a> {
    pub(super) documents: &'a [Source],
    pub(super) options: Options,
    pub(super) registry: Registry,
    pub(super) faults: Vec<Fault>,
    pub(super) follows_evaluated: bool,
    ids: BTreeMap<Spot, Id>,
    pending: Vec<(Spot, Id)>,
    list: Vec<Schema>,
}

/// Compiles the first document's schema and all that it refers to, or says what is wrong.
pub(crate) fn compile(documents: Vec<Source>, options: Options) -> Result<Schemas, Vec<Fault>> {
    let mut faults = Vec::new();
    let registry = Registry::new(&documents, options.draft, &mut faults);
    let mut compiler = Compiler {
        documents: &documents,
        options,
        registry,
        faults,
        follows_evaluated: false,
        ids: BTreeMap::new(),
        pending: Vec::new(),
        list: Vec::new(),
    };
    let root = compiler.id((0, ROOT));
    compiler.compile_pending();
    let anchors = compiler.dynamic_anchors();
    progress::check(&mut compiler);
    let Compiler { mut faults, list, follows_evaluated, .. } = compiler;
    if faults.is_empty() {
        Ok(Schemas { documents, list, root, follows_evaluated, anchors })
    } else {
        faults.truncate(MOST_FAULTS);
        Err(faults)
    }
}

impl<'a> Compiler<'a> {
    pub(super) fn json(&self, spot: Spot) -> Option<&'a Json> {
        self.documents.get(spot.0).map(|source| &source.json)
    }

    /// Notes what is wrong with the value there.
    pub(super) fn fault(&mut self, (document, at): Spot, message: impl Into<String>) {
        if self.faults.len() < MOST_FAULTS {
            let pointer = self.json((document, at)).map(|json| json.pointer(at)).unwrap_or_default();
            self.faults.push(Fault { document, pointer, message: message.into() });
        }
    }

    /// The compiled schema for the one that stands there; it may be compiled later.
    pub(super) fn id(&mut self, spot: Spot) -> Id {
        if let Some(id) = self.ids.get(&spot) {
            return *id;
        }
        let id = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(Schema::default());
        self.ids.insert(spot, id);
        self.pending.push((spot, id));
        id
    }

    fn compile_pending(&mut self) {
        while let Some((spot, id)) = self.pending.pop() {
            if self.list.len() > MOST_SCHEMAS {
                self.fault(spot, "there are at most 10,000 schemas");
                return;
            }
            let resource = self.registry.located.get(&spot).copied().unwrap_or_default();
            let rules = self.rules(spot, resource);
            if let Some(schema) = self.list.get_mut(id as usize) {
                *schema = Schema { resource, rules };
            }
        }
    }

    fn rules(&mut self, spot: Spot, resource: u32) -> Vec<Rule> {
        let Some(json) = self.json(spot) else { return Vec::new() };
        match json.kind(spot.1) {
            Kind::True => Vec::new(),
            Kind::False => vec![Rule::Never],
            Kind::Object => self.keywords(spot, resource),
            _ => {
                self.fault(spot, "this is no schema: those are objects, `true` and `false`");
                Vec::new()
            }
        }
    }

    /// All of them have been referred to by name, so they are compiled even where nothing else leads to them.
    fn dynamic_anchors(&mut self) -> Vec<Vec<(Box<str>, Id)>> {
        let mut anchors: Vec<Vec<(Box<str>, Id)>> = vec![Vec::new(); self.registry.resources.len()];
        if !self.list.iter().any(|schema| schema.rules.iter().any(|rule| matches!(rule, Rule::DynamicRef(..)))) {
            return anchors;
        }
        let dynamic: Vec<_> =
            self.registry.dynamic.iter().map(|((resource, name), spot)| (*resource, name.clone(), *spot)).collect();
        for (resource, name, spot) in dynamic {
            let id = self.id(spot);
            if let Some(anchors) = anchors.get_mut(resource as usize) {
                anchors.push((name.into(), id));
            }
        }
        self.compile_pending();
        anchors
    }

    /// The compiled schemas, and where each stands.
    pub(super) fn compiled(&self) -> (&[Schema], BTreeMap<Id, Spot>) {
        (&self.list, self.ids.iter().map(|(spot, id)| (*id, *spot)).collect())
    }

    /// The schema to which a reference leads.
    pub(super) fn referred(&mut self, spot: Spot, resource: u32) -> Option<(Spot, Id)> {
        let reference = self.json(spot)?.string(spot.1);
        let Some(reference) = reference else {
            self.fault(spot, "a reference is a text");
            return None;
        };
        let (registry, documents) = (&mut self.registry, self.documents);
        match registry.find(documents, resource, reference, &mut self.faults) {
            Some(found) => Some((found, self.id(found))),
            None => {
                self.fault(
                    spot,
                    format!("`{reference}` leads nowhere: references are to this schema and to those in `schemas`, nothing is fetched"),
                );
                None
            }
        }
    }

    /// A value's parts, for keywords that hold several schemas.
    pub(super) fn ids(&mut self, document: usize, spots: Vec<At>) -> Vec<Id> {
        spots.into_iter().map(|at| self.id((document, at))).collect()
    }
}
