//! Whether a key stands twice in an object: readers differ about which of the two counts.

use std::borrow::Cow;

use super::scan::{Kind, Visit, scan};
use super::token::{Unreadable, unescaped};

/// Members of one object; to compare more takes longer than a hook may.
const MOST: usize = 8192;

/// That no key stands twice.
pub(super) fn are_single(document: &str) -> Result<(), Unreadable> {
    scan(document.as_bytes(), &mut Keys { document, open: Vec::new(), frames: Vec::new() })
}

struct Keys<'a> {
    document: &'a str,
    /// Of all open objects.
    open: Vec<Cow<'a, str>>,
    /// Where those of each open object or list begin.
    frames: Vec<usize>,
}

impl Visit for Keys<'_> {
    fn member(&mut self, start: usize, end: usize, has_escapes: bool) -> Result<(), Unreadable> {
        let key = self.document.get(start..end).unwrap_or_default();
        self.open.push(if has_escapes { unescaped(key).into() } else { key.into() });
        if self.open.len() - self.frames.last().copied().unwrap_or_default() > MOST {
            return Unreadable::new(start, "an object has more than 8192 members");
        }
        Ok(())
    }

    fn element(&mut self, _: usize) -> Result<(), Unreadable> {
        Ok(())
    }

    fn open(&mut self, _: usize, _: bool) -> Result<(), Unreadable> {
        self.frames.push(self.open.len());
        Ok(())
    }

    fn close(&mut self, end: usize) -> Result<(), Unreadable> {
        let first = self.frames.pop().unwrap_or_default();
        if let Some(keys) = self.open.get_mut(first..) {
            keys.sort_unstable();
            if keys.array_windows().any(|[one, other]| one == other) {
                return Unreadable::new(end, "a key stands twice in the object that ends here");
            }
        }
        self.open.truncate(first);
        Ok(())
    }

    fn scalar(&mut self, _: usize, _: usize, _: Kind) -> Result<(), Unreadable> {
        Ok(())
    }
}
