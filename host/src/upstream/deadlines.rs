//! The time limits of one exchange.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::Error;
use crate::clock::{Sleep, now};
use crate::config::Timeouts;

/// How long its parts may take, and when all of it must be over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    timeouts: Timeouts,
    end: Option<(Instant, Duration)>,
}

impl Deadlines {
    /// They count from here.
    pub(super) fn begin(timeouts: &Timeouts) -> Self {
        Self { timeouts: *timeouts, end: timeouts.total.map(|total| (now() + total, total)) }
    }

    pub(super) fn connect(&self) -> Wait {
        self.wait(self.timeouts.connect)
    }

    pub(super) fn response(&self) -> Wait {
        self.wait(self.timeouts.response)
    }

    /// Those that are left once the response's head is there.
    pub(super) fn of_body(&self) -> BodyDeadlines {
        BodyDeadlines { idle: self.timeouts.idle, end: self.end }
    }

    fn wait(&self, limit: Duration) -> Wait {
        Wait::new(limit, self.end)
    }
}

/// The time limits of a response's body. Small, because bodies change hands often.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyDeadlines {
    idle: Duration,
    end: Option<(Instant, Duration)>,
}

impl BodyDeadlines {
    pub(super) fn idle(&self) -> Wait {
        Wait::new(self.idle, self.end)
    }

    /// The whole exchange's limit, if it has passed.
    pub(super) fn passed(&self) -> Option<Error> {
        self.end.filter(|(end, _)| *end < now()).map(|(_, total)| Error::Total(total))
    }
}

/// A wait that ends with the error that it took too long. It costs next to nothing until it is polled.
#[derive(Debug)]
pub struct Wait {
    sleep: Sleep,
    limit: Duration,
    is_total: bool,
}

impl Wait {
    /// Whichever comes first.
    fn new(limit: Duration, end: Option<(Instant, Duration)>) -> Self {
        match end {
            Some((end, total)) if end < now() + limit => {
                Self { sleep: Sleep::until(end), limit: total, is_total: true }
            }
            _ => Self { sleep: Sleep::new(limit), limit, is_total: false },
        }
    }
}

impl Future for Wait {
    type Output = Error;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Error> {
        let over = if self.is_total { Error::Total } else { Error::Timeout };
        Pin::new(&mut self.sleep).poll(context).map(|()| over(self.limit))
    }
}

/// The future's output, or the error of the wait if that is over first.
pub(super) async fn within<F: Future>(mut wait: Wait, future: F) -> Result<F::Output, Error> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending => Pin::new(&mut wait).poll(context).map(Err),
    })
    .await
}
