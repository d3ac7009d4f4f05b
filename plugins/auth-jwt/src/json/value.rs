//! Objects and values that were read before, so that nothing can be wrong with them any more.

use std::borrow::Cow;

use super::reader::Reader;

/// A value, as it stands in its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Value<'a>(&'a str);

/// An object's members, in their order.
#[derive(Debug, Default)]
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Object<'a> {
    /// One with room for as many members as most tokens have.
    pub(super) fn with_room() -> Self {
        Self(Vec::with_capacity(16))
    }

    pub(super) fn push(&mut self, name: Cow<'a, str>, value: Value<'a>) {
        self.0.push((name, value));
    }

    /// The member; none if it is `null`, too.
    pub(crate) fn get(&self, name: &str) -> Option<Value<'a>> {
        let member = self.0.iter().find(|(known, _)| known == name);
        member.map(|(_, value)| *value).filter(|value| !value.is_null())
    }

    /// Whether there is such a member, whatever it is.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// The member, if it is a text.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.get(name)?.text()
    }
}

impl<'a> Value<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self(text)
    }

    /// As it is written.
    pub(crate) fn written(self) -> &'a str {
        self.0
    }

    pub(crate) fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// The text, if it is one.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        if !self.0.starts_with('"') {
            return None;
        }
        Reader::new(self.0).string().ok()
    }

    /// The values, if it is a list.
    pub(crate) fn items(self) -> Option<Vec<Self>> {
        let mut items = Vec::new();
        if !self.0.starts_with('[') {
            return None;
        }
        Reader::new(self.0).list(&mut |item| items.push(item)).ok()?;
        Some(items)
    }

    /// The members, if it is an object.
    pub(crate) fn object(self) -> Option<Object<'a>> {
        let mut object = Object::default();
        if !self.0.starts_with('{') {
            return None;
        }
        Reader::new(self.0).object(&mut |name, value| object.push(name, value)).ok()?;
        Some(object)
    }

    /// As text: a text is what it says, everything else JSON without spaces.
    pub(crate) fn plain(self) -> String {
        if let Some(text) = self.text() {
            return text.into_owned();
        }
        let mut plain = String::with_capacity(self.0.len());
        let (mut is_text, mut is_escaped) = (false, false);
        for character in self.0.chars() {
            if is_text || !character.is_ascii_whitespace() {
                plain.push(character);
            }
            match character {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '"' => is_text = !is_text,
                _ => {}
            }
        }
        plain
    }
}
