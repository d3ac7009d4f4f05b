//! Telling every connection of a worker that it should come to an end.
//!
//! A client that sends a request on a kept connection cannot know that the proxy closes it at the same moment, and then
//! its request fails. So a connection that is idle when a drain begins is not closed at once: its next answer says
//! `Connection: close`, and only one on which nothing comes for a while is closed.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use crate::clock::Sleep;

/// Longer than a request is on its way, and than busy clients pause.
const QUIET: Duration = Duration::from_secs(1);

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

    pub(super) fn has_begun(&self) -> bool {
        self.begun.get()
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

/// When a drain closes a connection whose exchanges come one after the other: once nothing has come for a while.
#[derive(Debug)]
pub(super) struct Quiet {
    listening: Listening,
    /// The next look, and how many exchanges there had been at the last.
    look: Option<(Sleep, u64)>,
}

impl Quiet {
    pub(super) fn on(drain: &Rc<Drain>) -> Self {
        Self { listening: Listening::to(drain), look: None }
    }

    /// Ready if the connection, which has had so many exchanges and is idle or not, is to be closed.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, exchanges: u64, is_idle: impl Fn() -> bool) -> Poll<()> {
        loop {
            if let Some((look, before)) = &mut self.look {
                ready!(Pin::new(look).poll(context));
                if *before == exchanges && is_idle() {
                    return Poll::Ready(());
                }
            } else {
                ready!(self.listening.poll(context));
            }
            self.look = Some((Sleep::new(QUIET), exchanges));
        }
    }
}

/// The future's output, or none if a drain has begun and it is not there a while later.
pub(super) async fn unless_drained<F: Future>(drain: &Rc<Drain>, future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    let mut quiet = Quiet::on(drain);
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => quiet.poll(context, 0, || true).map(|()| None),
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
