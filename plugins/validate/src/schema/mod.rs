//! Schemas, compiled: what is to be looked at of a value, in lists without names. `compile` makes them of documents; `check`
//! holds values against them.

mod compile;
mod draft;
mod keywords;
mod progress;
mod registry;

pub(crate) use compile::{Options, compile};
pub(crate) use draft::Draft;

use crate::format::Format;
use crate::json::{At, Json};
use crate::number::{Divisor, Number};
use crate::regex::Program;

/// A compiled schema's place in the list.
pub(crate) type Id = u32;

/// A schema document, under the URI by which others refer to it.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) uri: String,
    pub(crate) json: Json,
}

/// What is wrong with a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// In which document.
    pub(crate) document: usize,
    /// Where there.
    pub(crate) pointer: String,
    pub(crate) message: String,
}

/// All schemas that the first document leads to.
#[derive(Debug)]
pub(crate) struct Schemas {
    documents: Vec<Source>,
    list: Vec<Schema>,
    root: Id,
    /// Whether it must be known which members and items other keywords have looked at.
    pub(crate) follows_evaluated: bool,
    /// For each resource, what its `$dynamicAnchor`s name.
    anchors: Vec<Vec<(Box<str>, Id)>>,
}

/// One schema.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    /// In which resource it stands, for `$dynamicRef`.
    pub(crate) resource: u32,
    pub(crate) rules: Vec<Rule>,
}

/// A value of a schema's document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Constant {
    document: usize,
    at: At,
}

/// A number of a schema, with its form that is quick to compare.
#[derive(Debug)]
pub(crate) struct Limit {
    text: Box<str>,
    small: Option<i64>,
}

/// What a keyword, or several that belong together, say.
#[derive(Debug)]
pub(crate) enum Rule {
    /// The schema `false`.
    Never,
    Type(Types),
    Enum(Vec<Constant>),
    Const(Constant),
    MultipleOf(Divisor, Box<str>),
    Maximum(Limit),
    ExclusiveMaximum(Limit),
    Minimum(Limit),
    ExclusiveMinimum(Limit),
    MaxLength(u32),
    MinLength(u32),
    Pattern(Box<Program>, Box<str>),
    Format(Format),
    MaxItems(u32),
    MinItems(u32),
    UniqueItems,
    MaxProperties(u32),
    MinProperties(u32),
    /// Names, sorted.
    Required(Vec<Box<str>>),
    /// With this member, these must be there, too.
    DependentRequired(Box<str>, Vec<Box<str>>),
    /// With this member, the object must fit this.
    DependentSchema(Box<str>, Id),
    Ref(Id),
    DynamicRef(Box<str>, Id),
    AllOf(Vec<Id>),
    AnyOf(Vec<Id>),
    OneOf(Vec<Id>),
    Not(Id),
    If(Id, Option<Id>, Option<Id>),
    Properties(Box<Properties>),
    PropertyNames(Id),
    /// Those at the front, and all others.
    Items(Vec<Id>, Option<Id>),
    Contains {
        id: Id,
        least: u32,
        most: Option<u32>,
        counts_as_evaluated: bool,
    },
    UnevaluatedItems(Id),
    UnevaluatedProperties(Id),
}

/// What is said of members by their names.
#[derive(Debug, Default)]
pub(crate) struct Properties {
    /// Sorted by name.
    pub(crate) named: Vec<(Box<str>, Id)>,
    pub(crate) patterns: Vec<(Program, Id)>,
    pub(crate) additional: Option<Id>,
}

/// Kinds of values, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Types(u8);

impl Types {
    /// What they are called, in the order of their bits.
    pub(crate) const NAMES: [(&'static str, &'static str); 7] = [
        ("string", "a string"),
        ("integer", "an integer"),
        ("number", "a number"),
        ("boolean", "true or false"),
        ("null", "null"),
        ("array", "an array"),
        ("object", "an object"),
    ];
    pub(crate) const STRING: u8 = 1;
    pub(crate) const INTEGER: u8 = 2;
    pub(crate) const NUMBER: u8 = 4;
    pub(crate) const BOOLEAN: u8 = 8;
    pub(crate) const NULL: u8 = 16;
    pub(crate) const ARRAY: u8 = 32;
    pub(crate) const OBJECT: u8 = 64;

    /// The kinds as they may stand behind `must be`.
    pub(crate) fn words(self) -> String {
        let words =
            Self::NAMES.iter().enumerate().filter(|(bit, _)| self.0 >> bit & 1 == 1).map(|(_, (_, words))| *words);
        words.collect::<Vec<_>>().join(" or ")
    }

    pub(crate) fn has(self, kind: u8) -> bool {
        self.0 & kind != 0
    }
}

impl Limit {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.into(), small: small(text) }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// How the number of this text compares with it.
    pub(crate) fn compare(&self, text: &str) -> std::cmp::Ordering {
        match (small(text), self.small) {
            (Some(number), Some(limit)) => number.cmp(&limit),
            _ => Number::read(text).cmp(&Number::read(&self.text)),
        }
    }
}

fn small(text: &str) -> Option<i64> {
    if text.len() <= 18 { text.parse().ok() } else { None }
}

impl Schemas {
    /// The schema that everything begins with.
    pub(crate) fn root(&self) -> Id {
        self.root
    }

    pub(crate) fn schema(&self, id: Id) -> Option<&Schema> {
        self.list.get(id as usize)
    }

    /// A value that a schema names.
    pub(crate) fn constant(&self, constant: Constant) -> Option<(&Json, At)> {
        self.documents.get(constant.document).map(|source| (&source.json, constant.at))
    }

    /// What a name means as a dynamic anchor of this resource.
    pub(crate) fn anchor(&self, resource: u32, name: &str) -> Option<Id> {
        let anchors = self.anchors.get(resource as usize)?;
        anchors.iter().find(|(anchor, _)| **anchor == *name).map(|(_, id)| *id)
    }
}
