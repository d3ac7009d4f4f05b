//! Telling connections that they should come to an end, and later that they must.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// How far an end has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// There is none in sight.
    #[default]
    Open,
    /// What is in progress may end, and nothing begins.
    Draining,
    /// What is left is cut off.
    Over,
}

/// A word to the connections of a listener.
#[derive(Debug, Default)]
pub struct Drain {
    stage: Cell<Stage>,
    waiting: RefCell<HashMap<u64, Waker>>,
    next: Cell<u64>,
}

impl Drain {
    /// From now on connections end.
    pub fn begin(&self) {
        self.enter(Stage::Draining);
    }

    /// Those that are left end now.
    pub fn end(&self) {
        self.enter(Stage::Over);
    }

    fn enter(&self, stage: Stage) {
        if self.stage.get() < stage {
            self.stage.set(stage);
            self.waiting.take().into_values().for_each(Waker::wake);
        }
    }

    /// Whether nothing begins any more.
    pub fn has_begun(&self) -> bool {
        self.stage.get() != Stage::Open
    }
}

/// One connection's ear. Unlike a channel's receiver it costs a look at a flag when it is polled.
#[derive(Debug)]
pub struct Listening {
    drain: Rc<Drain>,
    heard: Stage,
    key: Option<u64>,
}

impl Listening {
    /// Hears what is said from the beginning on.
    pub fn to(drain: &Rc<Drain>) -> Self {
        Self { drain: Rc::clone(drain), heard: Stage::Open, key: None }
    }

    /// Ready with each stage that was not heard of yet; the last one may come without the one before.
    pub fn poll(&mut self, context: &Context<'_>) -> Poll<Stage> {
        let stage = self.drain.stage.get();
        if stage != self.heard {
            self.heard = stage;
            // Who was woken is not waiting.
            self.forget();
            return Poll::Ready(stage);
        }
        if self.key.is_none() && stage != Stage::Over {
            // Once is enough: a task's waker stays the same.
            let key = self.drain.next.get();
            self.drain.next.set(key + 1);
            self.drain.waiting.borrow_mut().insert(key, context.waker().clone());
            self.key = Some(key);
        }
        Poll::Pending
    }

    fn forget(&mut self) {
        if let Some(key) = self.key.take() {
            self.drain.waiting.borrow_mut().remove(&key);
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.forget();
    }
}
