//! Parameters of the query that goes to the upstream. Those that nothing is said about stay as they are spelt.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use weir::escape::{self, Destination};
use weir::{Faults, Request};

use crate::fill::{Text, TooLong, escaped};
use crate::headers::Unfit;
use crate::pointer;

/// What becomes of parameters: others than these are taken out, then some are removed, renamed, set and appended.
#[derive(Debug, Default, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    /// Only these parameters go on, and those that are set or appended here.
    keep: Option<Vec<String>>,
    /// Parameters that go.
    #[serde(default)]
    remove: Vec<String>,
    /// Parameters that get another name: `{ q: query }`.
    #[serde(default)]
    rename: BTreeMap<String, String>,
    /// Parameters with this one value, which may have placeholders; if a value is not there, the parameter goes.
    #[serde(default)]
    set: BTreeMap<String, String>,
    /// Values beside those that are there, which may have placeholders; if a value is not there, nothing is appended.
    #[serde(default)]
    append: BTreeMap<String, String>,
}

/// Of each kind.
const MOST: usize = 64;

/// Parameters of a query that is looked at; more are no query that somebody wrote.
const MOST_PARAMETERS: usize = 4096;

/// What becomes of parameters.
#[derive(Debug)]
pub(crate) struct Query {
    keep: Option<Vec<String>>,
    remove: Vec<String>,
    /// The name as it is, and the other one, also as it stands in a query.
    rename: Vec<(String, String, String)>,
    set: Vec<Parameter>,
    append: Vec<Parameter>,
}

#[derive(Debug)]
struct Parameter {
    name: String,
    /// With its `=`, as it stands in a query.
    before: String,
    value: Text,
}

impl Written {
    /// What becomes of parameters; what is wrong is noted.
    pub(crate) fn into_query(self, at: &str, faults: &mut Faults) -> Query {
        let kept = self.keep.as_ref().map_or(0, Vec::len);
        for (key, count) in [
            ("keep", kept),
            ("remove", self.remove.len()),
            ("rename", self.rename.len()),
            ("set", self.set.len()),
            ("append", self.append.len()),
        ] {
            if count > MOST {
                faults.at(&pointer(at, key), "there are more than 64 parameters here");
            }
        }
        for (name, to) in &self.rename {
            if name == to {
                faults.at(&pointer(&[at, "/rename"].concat(), name), "it has that name already");
            }
        }
        let mut parameters = |key: &str, written: BTreeMap<String, String>| {
            let at = pointer(at, key);
            let parameter = |(name, value): (String, String)| Parameter {
                before: [&escaped(&name), "="].concat(),
                value: Text::parse(&value, &pointer(&at, &name), faults).in_query(),
                name,
            };
            written.into_iter().map(parameter).collect()
        };
        Query {
            set: parameters("set", self.set),
            append: parameters("append", self.append),
            keep: self.keep,
            remove: self.remove,
            rename: self
                .rename
                .into_iter()
                .map(|(name, to)| {
                    let escaped = escaped(&to);
                    (name, to, escaped)
                })
                .collect(),
        }
    }
}

/// What a request's query becomes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Edited {
    Not,
    To(Option<String>),
}

impl Query {
    /// Edits the query of the request.
    pub(crate) fn edit(&self, request: &mut Request) -> Result<(), Unfit> {
        let query = request.upstream_query();
        match self.edited(query.as_deref(), request)? {
            Edited::Not => Ok(()),
            Edited::To(query) => request.set_query(query.as_deref()).map_err(Unfit::from),
        }
    }

    fn edited(&self, query: Option<&str>, request: &Request) -> Result<Edited, TooLong> {
        let mut parameters = Vec::new();
        let pairs = query.filter(|query| !query.is_empty()).map(|query| query.split('&'));
        for pair in pairs.into_iter().flatten() {
            if parameters.len() == MOST_PARAMETERS {
                return Err(TooLong);
            }
            let name = pair.split('=').next().unwrap_or_default();
            parameters.push(Pair { name: escape::decoded(name), text: pair.into() });
        }
        let before = parameters.len();
        let is_kept = |pair: &Pair<'_>| self.keep.as_ref().is_none_or(|keep| keep.iter().any(|name| pair.is(name)));
        parameters.retain(|pair| is_kept(pair) && !self.remove.iter().any(|name| pair.is(name)));
        let mut is_changed = parameters.len() != before;
        for (name, to, escaped) in &self.rename {
            if parameters.iter().any(|pair| pair.is(name)) {
                parameters.retain(|pair| !pair.is(to));
                for pair in parameters.iter_mut().filter(|pair| pair.is(name)) {
                    let value = pair.text.find('=').and_then(|place| pair.text.get(place..)).unwrap_or_default();
                    *pair = Pair { name: to.clone().into(), text: [escaped, value].concat().into() };
                }
                is_changed = true;
            }
        }
        for parameter in &self.set {
            // The first gets the value, further ones go.
            let mut value = parameter.fill(request)?;
            parameters.retain_mut(|pair| {
                if !pair.is(&parameter.name) {
                    return true;
                }
                is_changed = true;
                value.take().map(|value| *pair = value).is_some()
            });
            is_changed |= value.is_some();
            parameters.extend(value);
        }
        for parameter in &self.append {
            let value = parameter.fill(request)?;
            is_changed |= value.is_some();
            parameters.extend(value);
        }
        if !is_changed {
            return Ok(Edited::Not);
        }
        let texts: Vec<Cow<'_, str>> = parameters.into_iter().map(|pair| pair.text).collect();
        Ok(Edited::To((!texts.is_empty()).then(|| ascii(texts.join("&")))))
    }
}

/// Some clients send characters where their escapes belong, which is how a query has to be set.
fn ascii(query: String) -> String {
    if query.bytes().all(|byte| byte.is_ascii_graphic()) {
        return query;
    }
    let mut ascii = String::with_capacity(3 * query.len());
    for character in query.chars() {
        if character.is_ascii_graphic() {
            ascii.push(character);
        } else {
            escape::push(&mut ascii, character.encode_utf8(&mut [0; 4]), Destination::UrlPart);
        }
    }
    ascii
}

/// A parameter of a request.
struct Pair<'a> {
    /// Without escapes.
    name: Vec<u8>,
    /// As it stands in the query.
    text: Cow<'a, str>,
}

impl Pair<'_> {
    fn is(&self, name: &str) -> bool {
        self.name == name.as_bytes()
    }
}

impl Parameter {
    /// The parameter for this request; none if one of its values is not there.
    fn fill(&self, request: &Request) -> Result<Option<Pair<'static>>, TooLong> {
        let value = self.value.fill(request, Destination::UrlPart)?;
        Ok(value.map(|value| Pair { name: self.name.clone().into(), text: [&self.before, &*value].concat().into() }))
    }
}
