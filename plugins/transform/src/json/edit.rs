//! One going through a document: where the paths of a [`Pass`] end, and what is to be other there.

use weir::Refusal;

use super::change::Changes;
use super::pass::{Act, Given, Pass};
use super::scan::{Kind, Visit, scan};
use super::token::Unreadable;

/// Why there is no changed document.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stopped {
    Unreadable(Unreadable),
    /// The host refused to hash.
    Refused(Refusal),
}

impl From<Unreadable> for Stopped {
    fn from(unreadable: Unreadable) -> Self {
        Self::Unreadable(unreadable)
    }
}

/// The document with the changes of this pass; none if that is the same.
pub(super) fn change(document: &str, pass: &Pass, given: Given<'_>) -> Result<Option<String>, Stopped> {
    let mut edit = Edit::new(document, pass, given);
    edit.run()?;
    Ok(edit.changes.apply(document))
}

/// Where the one path of this pass ends; the last place, as most readers take the last of two members with one key.
pub(super) fn find(document: &str, pass: &Pass) -> Result<Option<(usize, usize)>, Stopped> {
    let mut edit = Edit::new(document, pass, Given { values: &[], masks: &[] });
    edit.run()?;
    Ok(edit.found)
}

struct Edit<'a> {
    document: &'a str,
    pass: &'a Pass,
    given: Given<'a>,
    changes: Changes,
    /// The open objects and lists.
    frames: Vec<Frame>,
    /// The parts of those of them that may lose some.
    parts: Vec<Part>,
    /// What may come next in the value that begins.
    next: u64,
    found: Option<(usize, usize)>,
    /// Steps of values that are not there for this request.
    absent: u64,
    refused: Option<Refusal>,
    /// Values so far whose hash was asked for.
    hashed: usize,
}

/// Values that are hashed for one document: each is a call of the host.
const MOST_HASHED: usize = 4096;

/// An object or a list that is open.
#[derive(Clone, Copy, Debug)]
struct Frame {
    start: usize,
    /// Steps that may come next.
    states: u64,
    /// Steps that were taken.
    taken: u64,
    /// Ends of renames of its members.
    renamed: u64,
    /// Ends that are about all of it.
    whole: u64,
    /// Its first in `parts`.
    parts: usize,
    /// Parts so far.
    count: u32,
    /// Behind the last part, or its bracket.
    last: usize,
    is_object: bool,
    may_lose: bool,
    loses: bool,
}

/// A member with its key, or an element.
#[derive(Clone, Copy, Debug)]
struct Part {
    start: usize,
    end: usize,
    is_gone: bool,
    /// Ends of renames beside which it goes.
    collides: u64,
}

/// Each bit alone.
fn bits(mut word: u64) -> impl Iterator<Item = u64> {
    std::iter::from_fn(move || {
        let bit = word.isolate_lowest_one();
        word ^= bit;
        (bit != 0).then_some(bit)
    })
}

impl<'a> Edit<'a> {
    fn new(document: &'a str, pass: &'a Pass, given: Given<'a>) -> Self {
        let is_absent =
            |act: &Act| matches!(act, Act::Set(value) if given.values.get(*value).is_none_or(Option::is_none));
        let absent = pass.acts.iter().filter(|(_, act)| is_absent(act)).fold(0, |all, (end, _)| all | end);
        Self {
            document,
            pass,
            given,
            changes: Changes::default(),
            frames: Vec::with_capacity(16),
            parts: Vec::new(),
            next: pass.patterns.first,
            found: None,
            absent,
            refused: None,
            hashed: 0,
        }
    }

    fn run(&mut self) -> Result<(), Stopped> {
        scan(self.document.as_bytes(), self).map_err(|unreadable| match self.refused {
            Some(refused) => Stopped::Refused(refused),
            None => Stopped::Unreadable(unreadable),
        })
    }

    /// A part begins, whose key or index takes these steps.
    #[inline]
    fn begin(&mut self, start: usize, taken: u64) -> u64 {
        let Some(frame) = self.frames.last_mut() else { return 0 };
        frame.taken |= taken;
        frame.count += 1;
        let mut next = self.pass.patterns.behind(frame.states, taken);
        let ends = next & self.pass.patterns.ends;
        if frame.may_lose {
            let is_gone = ends & (self.pass.removes | self.absent) != 0;
            let collides = bits(ends & self.pass.collides).fold(0, |all, end| match self.pass.act(end) {
                Some(Act::Collide(rename)) => all | rename,
                _ => all,
            });
            self.parts.push(Part { start, end: start, is_gone, collides });
            frame.loses |= is_gone || collides != 0;
            if is_gone {
                next = 0;
            }
        }
        self.next = next;
        next & self.pass.patterns.ends
    }

    /// The value that began has ended.
    #[inline]
    fn end(&mut self, end: usize) {
        let Some(frame) = self.frames.last_mut() else { return };
        frame.last = end;
        if frame.may_lose
            && let Some(part) = self.parts.last_mut()
        {
            part.end = end;
        }
    }

    fn span(&self, start: usize, end: usize) -> &'a str {
        self.document.get(start..end).unwrap_or_default()
    }

    /// Does what is to be done to a value, in the order of the operations.
    fn value(&mut self, start: usize, end: usize, ends: u64, kind: Option<Kind>) -> Result<(), Unreadable> {
        let mut masked: Option<String> = None;
        for end_of_path in bits(ends) {
            match self.pass.act(end_of_path) {
                Some(Act::Find) => self.found = Some((start, end)),
                Some(Act::Set(value)) => {
                    if let Some(Some(value)) = self.given.values.get(*value) {
                        self.changes.put(start, end, &[value])?;
                    }
                }
                Some(Act::Mask(mask)) => {
                    let Some(mask) = self.given.masks.get(*mask) else { continue };
                    self.hashed += usize::from(mask.hashes());
                    if self.hashed > MOST_HASHED {
                        return Unreadable::new(start, "more than 4,096 values would be hashed");
                    }
                    let hidden = match (&masked, kind) {
                        // What a mask before this one made is a text.
                        (Some(text), _) => mask.of_scalar(text, Kind::Text { has_escapes: true }),
                        (None, Some(kind)) => mask.of_scalar(self.span(start, end), kind),
                        (None, None) => Ok(Some(mask.of_container())),
                    };
                    match hidden {
                        Ok(hidden) => masked = hidden.or(masked),
                        Err(refused) => {
                            self.refused = Some(refused);
                            return Unreadable::new(start, "the host refused to hash");
                        }
                    }
                }
                _ => {}
            }
        }
        masked.map_or(Ok(()), |text| self.changes.put(start, end, &[&text]))
    }

    /// Takes out parts, each with a comma. Whether any is left.
    fn lose(&mut self, frame: &Frame) -> Result<bool, Unreadable> {
        let Some(parts) = self.parts.get_mut(frame.parts..) else { return Ok(false) };
        let mut is_any_left = false;
        for index in 0..parts.len() {
            let Some(part) = parts.get(index).copied() else { break };
            if !part.is_gone && part.collides & frame.renamed == 0 {
                is_any_left = true;
                continue;
            }
            // With the comma before it; the first ones with the comma behind them.
            let start = match index.checked_sub(1).and_then(|before| parts.get(before)) {
                Some(before) if is_any_left => before.end,
                _ => part.start,
            };
            let end = match parts.get(index + 1) {
                Some(next) if !is_any_left => next.start,
                _ => part.end,
            };
            self.changes.put(start, end, &[])?;
        }
        Ok(is_any_left)
    }

    /// Makes members that are missing, at the end.
    fn make(&mut self, frame: &Frame, mut is_any_left: bool) -> Result<(), Unreadable> {
        for bit in bits(frame.states & self.pass.makes & !frame.taken) {
            for missing in self.pass.missing.iter().filter(|missing| missing.bit == bit) {
                let Some(Some(value)) = self.given.values.get(missing.value) else { continue };
                let comma = if is_any_left { "," } else { "" };
                self.changes.put(frame.last, frame.last, &[comma, &missing.before, value, &missing.behind])?;
                is_any_left = true;
            }
        }
        Ok(())
    }
}

impl Visit for Edit<'_> {
    #[inline]
    fn member(&mut self, start: usize, end: usize, has_escapes: bool) -> Result<(), Unreadable> {
        let Some(frame) = self.frames.last() else { return Ok(()) };
        if frame.states == 0 {
            self.next = 0;
            return Ok(());
        }
        let states = frame.states;
        let taken = self.pass.patterns.member(states, self.span(start, end), has_escapes);
        let ends = self.begin(start - 1, taken);
        for end_of_path in bits(ends & self.pass.renames) {
            if let Some(Act::Rename(key)) = self.pass.act(end_of_path) {
                self.changes.put(start - 1, end + 1, &[key])?;
            }
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.renamed |= ends & self.pass.renames;
        }
        Ok(())
    }

    #[inline]
    fn element(&mut self, start: usize) -> Result<(), Unreadable> {
        let Some(frame) = self.frames.last() else { return Ok(()) };
        if frame.states == 0 {
            self.next = 0;
            return Ok(());
        }
        let taken = self.pass.patterns.element(frame.states, frame.count);
        self.begin(start, taken);
        Ok(())
    }

    fn open(&mut self, start: usize, is_object: bool) -> Result<(), Unreadable> {
        let whole = self.next & self.pass.values;
        // What is hidden as a whole is not looked into.
        let states = if whole == 0 { self.next & !self.pass.patterns.ends } else { 0 };
        let lossy = if is_object { self.pass.loses_members } else { self.pass.loses_elements };
        self.frames.push(Frame {
            start,
            states,
            taken: 0,
            renamed: 0,
            whole,
            parts: self.parts.len(),
            count: 0,
            last: start + 1,
            is_object,
            may_lose: states & lossy != 0,
            loses: false,
        });
        Ok(())
    }

    fn close(&mut self, end: usize) -> Result<(), Unreadable> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        if frame.whole != 0 {
            self.value(frame.start, end, frame.whole, None)?;
        } else {
            let is_any_left = if frame.loses { self.lose(&frame)? } else { frame.count > 0 };
            if frame.is_object && frame.states & self.pass.makes & !frame.taken != 0 {
                self.make(&frame, is_any_left)?;
            }
        }
        self.parts.truncate(frame.parts);
        self.end(end);
        Ok(())
    }

    #[inline]
    fn scalar(&mut self, start: usize, end: usize, kind: Kind) -> Result<(), Unreadable> {
        let ends = self.next & self.pass.values;
        if ends != 0 && !self.frames.is_empty() {
            self.value(start, end, ends, Some(kind))?;
        }
        self.end(end);
        Ok(())
    }
}
