//! When a drain closes a connection.
//!
//! A client that sends a request on a kept connection cannot know that the proxy closes it at the same moment, and then
//! its request fails. So a connection that is idle when a drain begins is not closed at once: its next answer says that it
//! ends, and only one on which nothing comes for a while is closed.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::clock::Sleep;
use crate::proxy::{Drain, Listening, Stage};

/// Longer than a request is on its way, and than busy clients pause.
const QUIET: Duration = Duration::from_secs(1);

/// A connection whose exchanges come one after the other.
#[derive(Debug)]
pub(super) struct Quiet {
    listening: Listening,
    /// In a drain: the next look, and how many exchanges there had been at the last.
    look: Option<(Sleep, u64)>,
}

impl Quiet {
    pub(super) fn on(drain: &Rc<Drain>) -> Self {
        Self { listening: Listening::to(drain), look: None }
    }

    /// Ready once with [`Stage::Draining`], if a drain has begun and the connection, which has had so many exchanges and
    /// is idle or not, is quiet; and with [`Stage::Over`] if it must end.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        exchanges: u64,
        is_idle: impl Fn() -> bool,
    ) -> Poll<Stage> {
        while let Poll::Ready(stage) = self.listening.poll(context) {
            if stage == Stage::Over {
                return Poll::Ready(stage);
            }
            self.look = Some((Sleep::new(QUIET), exchanges));
        }
        while let Some((look, before)) = &mut self.look {
            ready!(Pin::new(look).poll(context));
            let is_quiet = *before == exchanges && is_idle();
            self.look = (!is_quiet).then(|| (Sleep::new(QUIET), exchanges));
            if is_quiet {
                return Poll::Ready(Stage::Draining);
            }
        }
        Poll::Pending
    }
}

/// The future's output, or none if it is not there a while after a drain began.
pub(super) async fn unless_drained<F: Future>(drain: &Rc<Drain>, future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    let mut quiet = Quiet::on(drain);
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => quiet.poll(context, 0, || true).map(|_| None),
    })
    .await
}
