//! Where schemas stand in documents: their resources, anchors and identifiers.

use std::collections::BTreeMap;

use super::draft::{Draft, Holds};
use super::{Fault, Source};
use crate::json::{At, ROOT};
use crate::uri;

/// A value in one of the documents.
pub(super) type Spot = (usize, At);

/// A schema with an identifier of its own, and those inside of it that have none.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) uri: String,
    pub(super) draft: Draft,
    /// Whether keywords that assert something count: a metaschema may leave them out.
    pub(super) validates: bool,
    /// Whether its metaschema wants formats to be asserted.
    pub(super) asserts_formats: bool,
}

#[derive(Debug, Default)]
pub(super) struct Registry {
    pub(super) resources: Vec<Resource>,
    /// The resource in which each schema stands.
    pub(super) located: BTreeMap<Spot, u32>,
    by_uri: BTreeMap<String, (Spot, u32)>,
    anchors: BTreeMap<(u32, String), Spot>,
    pub(super) dynamic: BTreeMap<(u32, String), Spot>,
}

/// Metaschemas of metaschemas.
const MOST_METASCHEMAS: u32 = 8;

const VALIDATION: &str = "https://json-schema.org/draft/2020-12/vocab/validation";
const FORMATS: &str = "https://json-schema.org/draft/2020-12/vocab/format-assertion";

impl Registry {
    /// Finds all schemas of all documents.
    pub(super) fn new(documents: &[Source], default: Draft, faults: &mut Vec<Fault>) -> Self {
        let mut registry = Self::default();
        for (number, document) in documents.iter().enumerate() {
            let (draft, validates, asserts_formats) = Registry::dialect(documents, (number, ROOT), default, faults);
            let resource = registry.add(Resource { uri: document.uri.clone(), draft, validates, asserts_formats });
            registry.by_uri.insert(document.uri.clone(), ((number, ROOT), resource));
            registry.scan(documents, (number, ROOT), resource, faults);
        }
        registry
    }

    fn add(&mut self, resource: Resource) -> u32 {
        self.resources.push(resource);
        u32::try_from(self.resources.len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn resource(&self, number: u32) -> Option<&Resource> {
        self.resources.get(number as usize)
    }

    /// The draft of a schema with an identifier, and what its metaschema wants.
    fn dialect(documents: &[Source], spot: Spot, otherwise: Draft, faults: &mut Vec<Fault>) -> (Draft, bool, bool) {
        let (mut document, mut at) = spot;
        let (mut validates, mut asserts_formats) = (true, false);
        for _ in 0..MOST_METASCHEMAS {
            let Some(source) = documents.get(document) else { break };
            if (document, at) != spot
                && let Some(vocabularies) = source.json.member(at, "$vocabulary")
            {
                validates &= source.json.member(vocabularies, VALIDATION).is_some();
                asserts_formats |= source.json.member(vocabularies, FORMATS).is_some();
            }
            let Some(named) = source.json.member(at, "$schema").and_then(|at| source.json.string(at)) else {
                return (otherwise, validates, asserts_formats);
            };
            if let Some(draft) = Draft::named(named) {
                return (draft, validates, asserts_formats);
            }
            let named = uri::split(named).0;
            let is_named = |source: &&Source| {
                let id = source.json.member(ROOT, "$id").and_then(|at| source.json.string(at));
                source.uri == named || id.is_some_and(|id| uri::split(id).0 == named)
            };
            match documents.iter().position(|source| is_named(&source)) {
                Some(metaschema) => (document, at) = (metaschema, ROOT),
                None => break,
            }
        }
        faults.push(Fault {
            document: spot.0,
            pointer: documents.get(spot.0).map_or_else(String::new, |source| source.json.pointer(spot.1) + "/$schema"),
            message: "this names no draft that is known: those are \
                      https://json-schema.org/draft/2020-12/schema and http://json-schema.org/draft-07/schema#; \
                      a metaschema of your own must be given in `schemas`"
                .to_owned(),
        });
        (otherwise, validates, asserts_formats)
    }

    /// Finds the schemas from one on, which stands in this resource.
    pub(super) fn scan(&mut self, documents: &[Source], spot: Spot, resource: u32, faults: &mut Vec<Fault>) {
        let Some(Source { json, .. }) = documents.get(spot.0) else { return };
        let mut found = vec![(spot.1, resource)];
        while let Some((at, outer)) = found.pop() {
            if self.located.contains_key(&(spot.0, at)) {
                continue;
            }
            let resource = if json.is_object(at) { self.enter(documents, (spot.0, at), outer, faults) } else { outer };
            self.located.insert((spot.0, at), resource);
            let Some(draft) = self.resource(resource).map(|resource| resource.draft) else { continue };
            let only_refers = !draft.ref_has_siblings() && json.member(at, "$ref").is_some();
            for (keyword, value) in json.members(at) {
                let Some(holds) = draft.holds(keyword) else { continue };
                // Beside a `$ref` nothing counts, but others may refer to what stands there.
                if only_refers && keyword != "definitions" {
                    continue;
                }
                let inside = |at| (at, resource);
                match holds {
                    Holds::List => found.extend(json.items(value).map(inside)),
                    Holds::OneOrList if json.count(value) > 0 && !json.is_object(value) => {
                        found.extend(json.items(value).map(inside));
                    }
                    Holds::One | Holds::OneOrList => found.push(inside(value)),
                    Holds::Map => found.extend(json.members(value).map(|(_, at)| inside(at))),
                    Holds::Dependencies => {
                        let schemas = json.members(value).filter(|(_, at)| json.items(*at).next().is_none());
                        found.extend(schemas.map(|(_, at)| inside(at)));
                    }
                }
            }
        }
    }

    /// Notes what a schema is called; the resource in which it stands is its own one if it has an identifier.
    fn enter(&mut self, documents: &[Source], spot: Spot, outer: u32, faults: &mut Vec<Fault>) -> u32 {
        let Some((Source { json, .. }, Resource { uri: base, draft, .. })) =
            documents.get(spot.0).zip(self.resource(outer))
        else {
            return outer;
        };
        let draft = *draft;
        let text = |name| json.member(spot.1, name).and_then(|at| json.string(at));
        let mut resource = outer;
        let is_ref = !draft.ref_has_siblings() && json.member(spot.1, "$ref").is_some();
        if let Some(id) = text("$id").filter(|_| !is_ref) {
            let (id, fragment) = uri::split(id);
            let uri = uri::resolve(base, id);
            if !id.is_empty() || spot.1 == ROOT {
                let (draft, validates, asserts_formats) = match json.member(spot.1, "$schema") {
                    Some(_) => Self::dialect(documents, spot, draft, faults),
                    None => match self.resource(outer) {
                        Some(outer) => (outer.draft, outer.validates, outer.asserts_formats),
                        None => (draft, true, false),
                    },
                };
                resource = self.add(Resource { uri: uri.clone(), draft, validates, asserts_formats });
                self.by_uri.insert(uri, (spot, resource));
            }
            if !fragment.is_empty() {
                self.anchors.insert((resource, fragment.to_owned()), spot);
            }
        }
        if draft == Draft::TwentyTwenty {
            if let Some(anchor) = text("$anchor") {
                self.anchors.insert((resource, anchor.to_owned()), spot);
            }
            if let Some(anchor) = text("$dynamicAnchor") {
                self.anchors.insert((resource, anchor.to_owned()), spot);
                self.dynamic.insert((resource, anchor.to_owned()), spot);
            }
        }
        resource
    }

    /// Where a reference leads that stands in this resource; none if there is nothing, or no document of that name.
    pub(super) fn find(
        &mut self,
        documents: &[Source],
        resource: u32,
        reference: &str,
        faults: &mut Vec<Fault>,
    ) -> Option<Spot> {
        let (reference, fragment) = uri::split(reference);
        let uri = uri::resolve(&self.resource(resource)?.uri, reference);
        let ((document, root), named) = *self.by_uri.get(&uri)?;
        let mut resource = self.located.get(&(document, root)).copied().unwrap_or(named);
        if fragment.is_empty() {
            return Some((document, root));
        }
        let fragment = uri::decoded(fragment);
        if !fragment.starts_with('/') {
            return self.anchors.get(&(resource, fragment)).copied();
        }
        let json = &documents.get(document)?.json;
        let way = json.way_from(root, &fragment)?;
        for at in &way {
            resource = self.located.get(&(document, *at)).copied().unwrap_or(resource);
        }
        let spot = (document, way.last().copied()?);
        // A place that no keyword makes a schema becomes one by being referred to.
        if !self.located.contains_key(&spot) {
            self.scan(documents, spot, resource, faults);
        }
        Some(spot)
    }
}
