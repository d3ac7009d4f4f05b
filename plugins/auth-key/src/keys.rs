//! All keys of an entry: those of the configuration, and those of a file that is kept fresh.

use std::rc::Rc;

use weir::document::{Parsed, State};
use weir::{Document, Result};

use crate::table::{Key, Table};
use crate::text::Text;

/// The keys.
#[derive(Debug)]
pub(crate) struct Keys {
    written: Rc<Table>,
    file: Option<Parsed<Text>>,
}

/// What is found of a hash.
#[derive(Debug)]
pub(crate) enum Found<'a, T> {
    Key(T),
    Unknown,
    /// The file, or its newer text, is being read; the next hook has more of it.
    Reading(&'a Parsed<Text>),
    /// There is no good copy of the file yet.
    Missing(&'a Parsed<Text>),
}

impl Keys {
    pub(crate) fn new(written: Table, file: Option<Document>) -> Self {
        let written = Rc::new(written);
        let text = |document| Parsed::new(document, "file", Text { written: Rc::clone(&written) });
        let file = file.map(text);
        Self { written, file }
    }

    /// What `look` makes of the key with this hash. While a newer text of the file is read nobody goes by the one before it:
    /// a key may have been withdrawn.
    pub(crate) fn find<T>(&self, hash: &[u8], look: impl FnOnce(Key<'_>) -> T) -> Result<Found<'_, T>> {
        if let Some(key) = self.written.find(hash) {
            return Ok(Found::Key(look(key)));
        }
        let Some(file) = &self.file else { return Ok(Found::Unknown) };
        Ok(match file.look()? {
            State::Ready(_) if file.is_reading() => Found::Reading(file),
            State::Ready(table) => table.find(hash).map_or(Found::Unknown, |key| Found::Key(look(key))),
            State::Reading => Found::Reading(file),
            State::Missing => Found::Missing(file),
        })
    }
}
