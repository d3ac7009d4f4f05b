//! A filter's wish that a file be sent, from the end of its hook until it is known what became of it.

use std::time::{Duration, Instant};

use http::response;

use super::super::exchange::{Answer, Held, Origin};
use super::super::hook::Hook;
use super::super::pins::Pin;
use super::super::trail::{Did, Said, Took};
use super::settle::note;
use super::{Chain, Pools};
use crate::files::Wanted;

/// The wish, and whose it is.
#[derive(Clone, Debug)]
pub struct Sending {
    /// What is wanted.
    pub wanted: Wanted,
    position: usize,
    hook: Hook,
    took: Option<Took>,
}

/// A place among the files that are open for a filter's answers.
#[derive(Debug)]
pub struct OpenFile {
    _pin: Pin,
}

impl Sending {
    /// The hook is done; its mark says until the end that something is still to come.
    pub(super) fn begin(hook: Hook, position: usize, held: &mut Held, took: Option<Took>, wanted: Wanted) -> Self {
        held.paused = None;
        held.mark(position, hook, Did::Unfinished, took.as_ref(), None);
        Self { wanted, position, hook, took }
    }

    /// What it took in all, if that is measured.
    fn took(&self) -> Option<Took> {
        let polled = Duration::from_nanos(self.took.as_ref()?.spent());
        self.took.map(|took| Took { ended: Instant::now(), polled: Some(polled), ..took })
    }
}

impl Pools {
    /// A place for one more open file, or how many there may be.
    pub fn open_file(&self, chain: &Chain, sending: &Sending) -> Result<OpenFile, usize> {
        let pool = self.pool(chain, sending.position);
        let most = pool.entry.limits.files;
        pool.files.take(most).map(|pin| OpenFile { _pin: pin }).ok_or(most)
    }

    /// How long the disk may be waited for at once.
    pub fn patience(&self, chain: &Chain, sending: &Sending) -> Duration {
        self.pool(chain, sending.position).entry.limits.wait
    }

    /// There is an answer: this head, and whoever has its bytes sends them.
    pub fn sent(&self, chain: &Chain, held: &mut Held, sending: &Sending, answer: (response::Parts, &str, String)) {
        let (response, code, detail) = answer;
        let pool = self.pool(chain, sending.position);
        pool.sheet.answered(code);
        let said = held.trail.is_on().then(|| Said { code: code.to_owned(), detail: detail.clone() });
        note(pool, sending.hook, sending.position, held, Did::Answered, sending.took(), said);
        held.out |= 1 << sending.position;
        let answer = Answer { entry: pool.entry.name.clone(), code: code.to_owned(), detail };
        held.answer(response, None, Origin::Filter(Box::new(answer)));
    }

    /// None of the files is there, and the request goes on.
    pub fn went_on(&self, chain: &Chain, held: &mut Held, sending: &Sending, code: &str) {
        let said = held.trail.is_on().then(|| Said { code: code.to_owned(), detail: String::new() });
        let pool = self.pool(chain, sending.position);
        note(pool, sending.hook, sending.position, held, Did::Next, sending.took(), said);
    }
}
