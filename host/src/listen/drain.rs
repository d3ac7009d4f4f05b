//! Telling every connection of a worker that it should come to an end.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// A worker's word to its connections.
#[derive(Debug, Default)]
pub struct Drain {
    begun: Cell<bool>,
    waiting: RefCell<HashMap<u64, Waker>>,
    next: Cell<u64>,
}

impl Drain {
    /// From now on connections end.
    pub fn begin(&self) {
        self.begun.set(true);
        self.waiting.take().into_values().for_each(Waker::wake);
    }
}

/// One connection's ear. Unlike a channel's receiver it costs a look at a flag when it is polled.
#[derive(Debug)]
pub(super) struct Listening {
    drain: Rc<Drain>,
    key: Option<u64>,
}

impl Listening {
    pub(super) fn to(drain: &Rc<Drain>) -> Self {
        Self { drain: Rc::clone(drain), key: None }
    }

    /// Ready once the drain has begun.
    pub(super) fn poll(&mut self, context: &Context<'_>) -> Poll<()> {
        if self.drain.begun.get() {
            return Poll::Ready(());
        }
        if self.key.is_none() {
            // Once is enough: a task's waker stays the same.
            let key = self.drain.next.get();
            self.drain.next.set(key + 1);
            self.drain.waiting.borrow_mut().insert(key, context.waker().clone());
            self.key = Some(key);
        }
        Poll::Pending
    }
}

/// The future's output, or none if a drain begins before it is there.
pub(super) async fn unless_draining<F: Future>(drain: &Rc<Drain>, future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    let mut listening = Listening::to(drain);
    std::future::poll_fn(|context| match listening.poll(context) {
        Poll::Ready(()) => Poll::Ready(None),
        Poll::Pending => future.as_mut().poll(context).map(Some),
    })
    .await
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.drain.waiting.borrow_mut().remove(&key);
        }
    }
}
