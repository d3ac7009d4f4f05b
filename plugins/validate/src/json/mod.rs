//! JSON as it was written: every value keeps its text, so that numbers are never rounded and a body that goes on is the one
//! that came. Values stand in one list in the order of the text; nothing here knows schemas.

mod equal;
mod place;
mod read;

pub(crate) use equal::{equal, fingerprint};
pub(crate) use place::push;
pub(crate) use read::{Bounds, Unreadable, read};

/// Where a value stands in the list.
pub(crate) type At = u32;

/// The first value, which holds all others.
pub(crate) const ROOT: At = 0;

/// What kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    False,
    True,
    Number,
    Text,
    /// A text with escapes: what it means stands apart.
    Escaped,
    Array,
    Object,
}

/// A value; of a container `a` counts its items or members and `b` is where the next value after it stands; of a number or
/// text they are where its bytes begin and end.
#[derive(Clone, Copy, Debug)]
struct Value {
    kind: Kind,
    a: u32,
    b: u32,
}

/// A document.
#[derive(Debug)]
pub(crate) struct Json {
    text: String,
    /// What texts with escapes mean, one behind the other.
    unescaped: String,
    values: Vec<Value>,
    /// What reading it took.
    steps: u32,
}

const NOTHING: Value = Value { kind: Kind::Null, a: 0, b: 0 };

impl Json {
    fn value(&self, at: At) -> Value {
        self.values.get(at as usize).copied().unwrap_or(NOTHING)
    }

    /// How many steps reading it took.
    pub(crate) fn steps(&self) -> u32 {
        self.steps
    }

    pub(crate) fn kind(&self, at: At) -> Kind {
        self.value(at).kind
    }

    /// Whether there is an object.
    pub(crate) fn is_object(&self, at: At) -> bool {
        self.kind(at) == Kind::Object
    }

    /// The text of a number, or what a text means.
    pub(crate) fn text(&self, at: At) -> &str {
        let Value { kind, a, b } = self.value(at);
        let source = if kind == Kind::Escaped { &self.unescaped } else { &self.text };
        source.get(a as usize..b as usize).unwrap_or_default()
    }

    /// A text's meaning; nothing if this is no text.
    pub(crate) fn string(&self, at: At) -> Option<&str> {
        matches!(self.kind(at), Kind::Text | Kind::Escaped).then(|| self.text(at))
    }

    /// How many items or members a container has.
    pub(crate) fn count(&self, at: At) -> u32 {
        let value = self.value(at);
        if matches!(value.kind, Kind::Array | Kind::Object) { value.a } else { 0 }
    }

    /// Where the next value stands that is not inside of this one.
    fn after(&self, at: At) -> At {
        let value = self.value(at);
        if matches!(value.kind, Kind::Array | Kind::Object) { value.b } else { at + 1 }
    }

    /// The items of an array; of anything else none.
    pub(crate) fn items(&self, at: At) -> impl Iterator<Item = At> {
        let mut next = at + 1;
        let count = if self.kind(at) == Kind::Array { self.count(at) } else { 0 };
        (0..count).map(move |_| {
            let item = next;
            next = self.after(item);
            item
        })
    }

    /// The members of an object, as name and value; of anything else none.
    pub(crate) fn members(&self, at: At) -> impl Iterator<Item = (&str, At)> {
        let mut next = at + 1;
        let count = if self.is_object(at) { self.count(at) } else { 0 };
        (0..count).map(move |_| {
            let name = next;
            next = self.after(name + 1);
            (self.text(name), name + 1)
        })
    }

    /// The first member of this name.
    pub(crate) fn member(&self, at: At, name: &str) -> Option<At> {
        self.members(at).find(|(other, _)| *other == name).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests;
