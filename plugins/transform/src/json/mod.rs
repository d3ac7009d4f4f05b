//! Editing JSON as text: what no operation is about stays byte for byte as it came, however it is written.
//!
//! Nothing here knows of messages: a document comes in, and goes out changed, unchanged or as unreadable.

mod change;
mod edit;
mod keys;
mod mask;
mod pass;
mod path;
mod pattern;
mod scan;
#[cfg(test)]
mod tests;
mod token;

use pass::{Given, Pass};

pub(crate) use edit::Stopped;
pub(crate) use mask::{Mask, quoted};
pub(crate) use path::Path;

/// One thing to do to a document.
#[derive(Debug)]
pub(crate) enum Operation {
    Remove(Path),
    /// Gives the member another key.
    Rename(Path, String),
    /// Puts the value with this number there.
    Set(Path, usize),
    Move {
        from: Path,
        to: Path,
    },
    Copy {
        from: Path,
        to: Path,
    },
    Mask(Path, Mask),
}

/// Operations, each done to what the one before it left.
#[derive(Debug, Default)]
pub(crate) struct Program {
    steps: Vec<Step>,
    masks: Vec<Mask>,
    refuses_duplicates: bool,
}

#[derive(Debug)]
enum Step {
    Pass(Pass),
    /// Finds a value, then puts it elsewhere.
    Relocate {
        find: Box<Pass>,
        put: Box<Pass>,
    },
}

/// What an operation does to the places that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    /// What is there gets less.
    Takes,
    /// Something is there that was not.
    Makes,
    Renames,
}

impl Does {
    /// Whether what is done behind this comes to the same if it is done at once.
    fn is_apart(self, path: &Path, does: Self, behind: &Path) -> bool {
        match (self, does) {
            (Self::Takes, Self::Takes) => !path.shifts(behind),
            (Self::Takes, _) => !path.shifts(behind) && !path.meets(behind),
            (Self::Makes, Self::Makes) => !path.meets(behind) && !path.has_parent_of(behind),
            _ => !path.meets(behind),
        }
    }
}

impl Program {
    /// Makes as few goings through the document of these as there can be.
    pub(crate) fn new(operations: Vec<Operation>, refuses_duplicates: bool) -> Self {
        let mut program = Self { refuses_duplicates, ..Self::default() };
        // What the pass that is being made is about.
        let mut together: Vec<(Path, Does)> = Vec::new();
        let mut pass = Pass::default();
        for operation in operations {
            let (paths, does) = match &operation {
                Operation::Remove(path) | Operation::Mask(path, _) => (vec![path.clone()], Does::Takes),
                Operation::Set(path, _) => (vec![path.clone()], Does::Makes),
                Operation::Rename(path, to) => (vec![path.clone(), path.beside(to)], Does::Renames),
                Operation::Move { from, to } | Operation::Copy { from, to } => {
                    program.end(&mut pass, &mut together);
                    let mut put = Pass::default();
                    if matches!(operation, Operation::Move { .. }) {
                        put.remove(from);
                    }
                    put.set(to, 0);
                    program.steps.push(Step::Relocate { find: Box::new(Pass::find(from)), put: Box::new(put) });
                    continue;
                }
            };
            let is_apart = |path: &Path| together.iter().all(|(other, did)| did.is_apart(other, does, path));
            if !paths.iter().all(is_apart) || !pass.has_room(paths.iter()) {
                program.end(&mut pass, &mut together);
            }
            match operation {
                Operation::Remove(path) => pass.remove(&path),
                Operation::Rename(path, to) => pass.rename(&path, &to),
                Operation::Set(path, value) => pass.set(&path, value),
                Operation::Mask(path, mask) => {
                    pass.mask(&path, program.masks.len());
                    program.masks.push(mask);
                }
                Operation::Move { .. } | Operation::Copy { .. } => {}
            }
            together.extend(paths.into_iter().map(|path| (path, does)));
        }
        program.end(&mut pass, &mut together);
        program
    }

    fn end(&mut self, pass: &mut Pass, together: &mut Vec<(Path, Does)>) {
        if !together.is_empty() {
            self.steps.push(Step::Pass(std::mem::take(pass)));
            together.clear();
        }
    }

    /// The document as the operations leave it; none if that is as it came. Values are JSON; one that is not there
    /// removes what it would be put in place of.
    pub(crate) fn run(&self, document: &str, values: &[Option<&str>]) -> Result<Option<String>, Stopped> {
        if self.refuses_duplicates {
            keys::are_single(document)?;
        }
        let mut changed: Option<String> = None;
        for step in &self.steps {
            let current = changed.as_deref().unwrap_or(document);
            let next = match step {
                Step::Pass(pass) => edit::change(current, pass, Given { values, masks: &self.masks })?,
                Step::Relocate { find, put } => match edit::find(current, find)? {
                    Some((start, end)) => {
                        edit::change(current, put, Given { values: &[current.get(start..end)], masks: &[] })?
                    }
                    None => None,
                },
            };
            changed = next.or(changed);
        }
        Ok(changed.filter(|changed| changed != document))
    }
}
