//! All users of an entry: those of the configuration, and those of a file that is kept fresh.

use std::rc::Rc;

use weir::document::{Parsed, State};
use weir::{Document, Result};

use crate::htpasswd::Text;
use crate::table::Table;

/// The users.
#[derive(Debug)]
pub(crate) struct Users {
    written: Rc<Table>,
    file: Option<Parsed<Text>>,
}

/// The hash that a password is checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) hash: String,
    /// Whether it is the user's own. That of another one is checked for a user who is not there, so that nobody can tell by
    /// the time that it takes; whoever knows that one's password is refused all the same.
    pub(crate) is_own: bool,
}

/// What is found of a user.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    Target(Target),
    /// There is no user at all.
    Nobody,
    /// The file, or its newer text, is being read; the next hook has more of it.
    Reading(&'a Parsed<Text>),
    /// There is no good copy of the file yet.
    Missing(&'a Parsed<Text>),
}

impl Users {
    pub(crate) fn new(written: Table, file: Option<Document>) -> Self {
        let written = Rc::new(written);
        let file = file.map(|document| Parsed::new(document, "file", Text { written: Rc::clone(&written) }));
        Self { written, file }
    }

    /// What a user's password is checked against. While a newer text of the file is read nobody goes by the one before it: a
    /// user may have gone.
    pub(crate) fn find(&self, user: &str) -> Result<Found<'_>> {
        let own = |hash: &str| Found::Target(Target { hash: hash.to_owned(), is_own: true });
        if let Some(hash) = self.written.find(user) {
            return Ok(own(hash));
        }
        let filed = match &self.file {
            None => None,
            Some(file) => match file.look()? {
                State::Ready(_) if file.is_reading() => return Ok(Found::Reading(file)),
                State::Ready(table) => Some(table),
                State::Reading => return Ok(Found::Reading(file)),
                State::Missing => return Ok(Found::Missing(file)),
            },
        };
        if let Some(hash) = filed.as_ref().and_then(|table| table.find(user)) {
            return Ok(own(hash));
        }
        let others = filed.as_deref().filter(|table| table.len() > 0).unwrap_or(&self.written);
        Ok(match others.any(user) {
            Some(hash) => Found::Target(Target { hash: hash.to_owned(), is_own: false }),
            None => Found::Nobody,
        })
    }
}
