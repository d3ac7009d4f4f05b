//! The trail of an exchange: which hook of which filter ran, what it decided, and what that took.
//!
//! Every exchange leaves one, for nobody knows before its end whether somebody will ask. So a mark is a few bytes, there
//! is room for those of a usual chain, and one look at the clock ends one hook and begins the next.

use std::time::{Duration, Instant};

use super::error::Failure;
use super::exchange::{Exchange, Held};
use super::hook::Hook;

/// Marks that need no room of their own.
const INLINE: usize = 8;

/// Chains have up to 128 filters, each with two hooks that may pause.
const MOST_MARKS: usize = 512;

/// Codes and details that are kept of one exchange.
const MOST_SAID: usize = 64;

/// What a hook did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Did {
    /// The message goes on.
    #[default]
    Next,
    /// It answered, or refused a body.
    Answered,
    /// It answered as one of several alternatives, and the answer was not sent.
    SetAside,
    /// It waits for something.
    Paused,
    /// It failed, in this of [`Failure::KINDS`].
    Failed(u8),
    /// It waited when the exchange ended.
    Unfinished,
    /// It was not called: the path is among the entry's `except`.
    Excepted,
}

/// One hook, or all pieces of a body that went through one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark {
    /// The filter's place in the chain.
    pub position: u8,
    hook: u8,
    /// How it ended.
    pub did: Did,
    /// Microseconds from the exchange's begin to its own.
    pub began: u32,
    /// Nanoseconds on the worker's thread.
    pub spent: u32,
    /// Microseconds in which it waited.
    pub waited: u32,
}

impl Mark {
    /// The hook, as the contract calls it.
    pub fn hook(&self) -> &'static str {
        Hook::name_of(self.hook.into())
    }

    /// Whether it was left when this one began.
    fn is_begun(&self, end: &Self) -> bool {
        self.did == Did::Unfinished && (self.position, self.hook) == (end.position, end.hook)
    }

    /// The kind of its failure.
    pub fn failure(&self) -> Option<&'static str> {
        match self.did {
            Did::Failed(kind) => Failure::KINDS.get(usize::from(kind)).copied(),
            _ => None,
        }
    }
}

/// What a filter said about what it did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The reason's code, or the note.
    pub code: String,
    /// The reason's detail.
    pub detail: String,
}

/// A mark for a body's way through a chunk hook.
#[derive(Clone, Debug, Default)]
pub struct Streamed {
    /// All pieces as one.
    pub mark: Mark,
    /// How many.
    pub pieces: u64,
    /// What was said last.
    pub said: Option<Said>,
}

/// What one call took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Took {
    pub(super) began: Instant,
    pub(super) ended: Instant,
    /// Of a call that may wait: the part of it on the worker's thread.
    pub(super) polled: Option<Duration>,
}

impl Took {
    /// Nanoseconds on the worker's thread.
    pub(super) fn spent(&self) -> u64 {
        nanoseconds(self.polled.unwrap_or_else(|| self.ended.saturating_duration_since(self.began)))
    }

    /// Nanoseconds beside it.
    pub(super) fn waited(&self) -> u64 {
        let Some(polled) = self.polled else { return 0 };
        nanoseconds(self.ended.saturating_duration_since(self.began).saturating_sub(polled))
    }
}

/// The marks of one exchange, in order.
#[derive(Debug, Default)]
pub struct Trail {
    is_on: bool,
    count: u8,
    marks: [Mark; INLINE],
    more: Option<Box<More>>,
    /// The end of the hook that ran last.
    last: Option<Instant>,
    has_failed: bool,
    /// Chunk hooks have marks of their own.
    pub(super) has_bodies: bool,
    /// What the running hook notes.
    pub(super) note: Option<String>,
}

#[derive(Debug, Default)]
struct More {
    marks: Vec<Mark>,
    /// With the number of the mark.
    said: Vec<(usize, Said)>,
    missed: usize,
}

impl Trail {
    /// Hooks leave marks, and are timed, from now on.
    pub fn begin(&mut self) {
        self.is_on = true;
    }

    /// Whether they do.
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// When the last hook ended that left a mark.
    pub fn last(&self) -> Option<Instant> {
        self.last
    }

    /// The marks with what was said.
    pub fn marks(&self) -> impl Iterator<Item = (&Mark, Option<&Said>)> {
        let (more, said) = self.more.as_ref().map_or((&[][..], &[][..]), |more| (&more.marks, &more.said));
        let marks = self.marks[..usize::from(self.count)].iter().chain(more);
        marks
            .enumerate()
            .map(|(number, mark)| (mark, said.iter().find(|(owner, _)| *owner == number).map(|(_, said)| said)))
    }

    /// How many there was no room for.
    pub fn missed(&self) -> usize {
        self.more.as_ref().map_or(0, |more| more.missed)
    }

    /// The answer of the filter at this place is the exchange's after all.
    pub(super) fn stands(&mut self, position: usize) {
        let more = self.more.iter_mut().flat_map(|more| &mut more.marks);
        let is_it = |mark: &&mut Mark| usize::from(mark.position) == position && mark.did == Did::SetAside;
        if let Some(mark) = self.marks[..usize::from(self.count)].iter_mut().chain(more).find(is_it) {
            mark.did = Did::Answered;
        }
    }

    fn push(&mut self, mark: Mark, said: Option<Said>) {
        self.has_failed |= matches!(mark.did, Did::Failed(_));
        let count = usize::from(self.count);
        if let Some(unfinished) = self.last_mut().filter(|last| last.is_begun(&mark)) {
            *unfinished = mark;
            let number = self.marks().count() - 1;
            self.say(number, said);
            return;
        }
        let number = if let Some(place) = self.marks.get_mut(count) {
            *place = mark;
            self.count += 1;
            count
        } else {
            let more = self.more.get_or_insert_default();
            if INLINE + more.marks.len() >= MOST_MARKS {
                more.missed += 1;
                return;
            }
            more.marks.push(mark);
            INLINE + more.marks.len() - 1
        };
        self.say(number, said);
    }

    fn say(&mut self, number: usize, said: Option<Said>) {
        let Some(said) = said else { return };
        let more = self.more.get_or_insert_default();
        if more.said.len() < MOST_SAID {
            more.said.push((number, said));
        }
    }

    fn last_mut(&mut self) -> Option<&mut Mark> {
        match &mut self.more {
            Some(more) if !more.marks.is_empty() => more.marks.last_mut(),
            _ => self.marks[..usize::from(self.count)].last_mut(),
        }
    }
}

impl Exchange {
    /// The clock, if hooks are timed.
    pub(super) fn look_at_clock(&self) -> Option<Instant> {
        self.trail.is_on.then(Instant::now)
    }

    /// Leaves a mark.
    pub(super) fn mark(&mut self, position: usize, hook: Hook, did: Did, took: Option<&Took>, said: Option<Said>) {
        if !self.trail.is_on {
            return;
        }
        let said = match (self.trail.note.take(), said) {
            (_, Some(said)) => Some(said),
            (Some(code), None) => Some(Said { code, detail: String::new() }),
            (None, None) => None,
        };
        self.trail.push(mark(self.started, position, hook, did, took), said);
        if let Some(took) = took {
            self.trail.last = Some(took.ended);
        }
    }

    /// A hook begins that may wait: if the exchange ends meanwhile, its mark says so.
    pub(super) fn begin_mark(&mut self, position: usize, hook: Hook, began: Option<Instant>) {
        if let Some(began) = began {
            let took = Took { began, ended: began, polled: None };
            self.mark(position, hook, Did::Unfinished, Some(&took), None);
        }
    }

    /// Keeps what a body's pieces left.
    fn keep(&self, streamed: Streamed) {
        if let Some(mut memory) = self.memory().filter(|memory| memory.streamed.len() < MOST_MARKS) {
            memory.streamed.push(streamed);
        }
    }

    /// The first filter that failed, by its place in the chain, and how.
    pub fn failed(&self) -> Option<(usize, &'static str)> {
        let of = |mark: &Mark| mark.failure().map(|kind| (usize::from(mark.position), kind));
        let hook = self.trail.marks().filter(|_| self.trail.has_failed).find_map(|(mark, _)| of(mark));
        let piece = || self.memory()?.streamed.iter().find_map(|streamed| of(&streamed.mark));
        hook.or_else(|| if self.trail.has_bodies { piece() } else { None })
    }

    /// What bodies' pieces left.
    pub fn streamed(&self) -> Vec<Streamed> {
        self.memory().map(|memory| memory.streamed.clone()).unwrap_or_default()
    }

    /// How many entries of the chain the request came to.
    pub fn reached(&self) -> usize {
        self.reached.max(self.entered)
    }
}

impl Held {
    /// Keeps what a body's pieces left, if any went through.
    pub(super) fn leave(&self, streamed: &mut Streamed) {
        if let Some(exchange) = self.0.as_deref().filter(|exchange| exchange.trail.is_on && streamed.pieces > 0) {
            exchange.keep(std::mem::take(streamed));
        }
    }
}

impl Streamed {
    /// One more piece.
    pub(super) fn add(
        &mut self,
        started: Instant,
        position: usize,
        hook: Hook,
        did: Did,
        took: Option<&Took>,
        said: Option<Said>,
    ) {
        let one = mark(started, position, hook, did, took);
        let first = if self.pieces == 0 { one.began } else { self.mark.began };
        self.mark = Mark {
            began: first,
            spent: self.mark.spent.saturating_add(one.spent),
            waited: self.mark.waited.saturating_add(one.waited),
            ..one
        };
        self.pieces += 1;
        if said.is_some() {
            self.said = said;
        }
    }
}

/// A mark of an exchange that began then.
fn mark(started: Instant, position: usize, hook: Hook, did: Did, took: Option<&Took>) -> Mark {
    let (began, spent, waited) = took.map_or((0, 0, 0), |took| {
        let began = took.began.saturating_duration_since(started).as_micros();
        (u32::try_from(began).unwrap_or(u32::MAX), short(took.spent()), short(took.waited() / 1000))
    });
    let position = u8::try_from(position).expect("a chain has up to 128 filters");
    Mark { position, hook: hook.number(), did, began, spent, waited }
}

/// Adds up what the polls of a future take, if that is wanted.
pub(super) async fn polled<F: Future>(future: F, spent: &mut Option<Duration>) -> F::Output {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| {
        let Some(spent) = spent.as_mut() else { return future.as_mut().poll(context) };
        let began = Instant::now();
        let polled = future.as_mut().poll(context);
        *spent += began.elapsed();
        polled
    })
    .await
}

fn short(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_keep_their_order_and_what_was_said_within_bounds() {
        let mut trail = Trail::default();
        for index in 0..MOST_MARKS + 3 {
            let mark = Mark { began: u32::try_from(index).unwrap(), ..Mark::default() };
            let said = (index % 3 == 0).then(|| Said { code: index.to_string(), detail: String::new() });
            trail.push(mark, said);
        }
        assert_eq!((trail.marks().count(), trail.missed()), (MOST_MARKS, 3));
        for (index, (mark, said)) in trail.marks().enumerate() {
            assert_eq!(mark.began as usize, index);
            let is_kept = index % 3 == 0 && index / 3 < MOST_SAID;
            assert_eq!(said.map(|said| said.code.clone()), is_kept.then(|| index.to_string()));
        }
    }

    #[test]
    fn a_mark_has_sixteen_bytes() {
        assert_eq!(size_of::<Mark>(), 16);
    }
}
