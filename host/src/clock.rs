//! A worker's clock: coarse time, and time limits that cost next to nothing as long as they are kept.
//!
//! Every exchange starts and ends a handful of limits of which almost none runs out. A timer wheel charges for each
//! (measured: about 0.3 us of CPU); here a limit is a slot with a deadline, and one look at all slots per tick finds
//! those that have passed. So a limit ends up to one [`TICK`] late, and never early.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::telemetry::metrics;

/// How coarse it is.
pub const TICK: Duration = Duration::from_millis(50);

thread_local! {
    static CLOCK: Clock = Clock { now: Cell::new(Instant::now()), slots: RefCell::default() };
}

struct Clock {
    now: Cell<Instant>,
    slots: RefCell<Slots>,
}

#[derive(Default)]
struct Slots {
    taken: Vec<Option<(Instant, Waker)>>,
    free: Vec<usize>,
}

/// The time of the last tick.
pub fn now() -> Instant {
    CLOCK.with(|clock| clock.now.get())
}

/// Keeps this thread's clock going.
pub async fn run() {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        // What comes after a tick that was late is not late for that.
        let due = ticks.tick().await.into_std();
        let now = CLOCK.with(Clock::tick);
        metrics::worker().late(now.saturating_duration_since(due));
    }
}

impl Clock {
    /// The time is now; wakes those whose time has come.
    fn tick(&self) -> Instant {
        let now = Instant::now();
        self.now.set(now);
        for (deadline, waker) in self.slots.borrow().taken.iter().flatten() {
            if *deadline <= now {
                waker.wake_by_ref();
            }
        }
        now
    }
}

/// Completes when its deadline has passed.
#[derive(Debug)]
pub struct Sleep {
    deadline: Instant,
    slot: Option<usize>,
}

impl Sleep {
    /// Counts from the tick before, so it allows for that much more.
    pub fn new(duration: Duration) -> Self {
        Self::until(now() + duration)
    }

    /// Counts to a time that was taken from [`now`].
    pub fn until(deadline: Instant) -> Self {
        Self { deadline: deadline + TICK, slot: None }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        CLOCK.with(|clock| {
            if self.deadline <= clock.now.get() {
                return Poll::Ready(());
            }
            let mut slots = clock.slots.borrow_mut();
            match self.slot {
                None => self.slot = Some(slots.take(self.deadline, context.waker())),
                Some(slot) => {
                    if let Some((_, waker)) = &mut slots.taken[slot] {
                        waker.clone_from(context.waker());
                    }
                }
            }
            Poll::Pending
        })
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            // At the end of the thread the clock may have gone first.
            let _ = CLOCK.try_with(|clock| {
                let mut slots = clock.slots.borrow_mut();
                slots.taken[slot] = None;
                slots.free.push(slot);
            });
        }
    }
}

impl Slots {
    fn take(&mut self, deadline: Instant, waker: &Waker) -> usize {
        let entry = Some((deadline, waker.clone()));
        match self.free.pop() {
            Some(slot) => {
                self.taken[slot] = entry;
                slot
            }
            None => {
                self.taken.push(entry);
                self.taken.len() - 1
            }
        }
    }
}

/// How long work that can wait may keep a worker from everything else.
const SLICE: Duration = Duration::from_micros(100);

/// Work of many small pieces, in slices: exchanges have their turn in between.
#[derive(Debug)]
pub struct Slices {
    began: Instant,
}

impl Slices {
    /// The first slice.
    #[expect(clippy::new_without_default, reason = "it begins now")]
    pub fn new() -> Self {
        Self { began: Instant::now() }
    }

    /// After a piece: lets others have their turn if the slice is over.
    pub async fn pause(&mut self) {
        if self.began.elapsed() >= SLICE {
            tokio::task::yield_now().await;
            self.began = Instant::now();
        }
    }
}

/// The future's output, or none if it takes longer.
pub async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    let mut sleep = Sleep::new(limit);
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Pin::new(&mut sleep).poll(context).map(|()| None),
    })
    .await
}

/// The same clock for hyper.
#[derive(Clone, Copy, Debug)]
pub struct Timer;

impl hyper::rt::Timer for Timer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(Sleep::new(duration))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(Sleep::until(deadline))
    }

    fn now(&self) -> Instant {
        now()
    }
}

impl hyper::rt::Sleep for Sleep {}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_a_worker<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build_local(tokio::runtime::LocalOptions::default());
        runtime.unwrap().block_on(async {
            tokio::select! {
                biased;
                output = future => output,
                () = run() => unreachable!("the clock does not end"),
            }
        })
    }

    #[test]
    fn a_limit_ends_late_but_not_early() {
        let limit = Duration::from_millis(120);
        let started = Instant::now();
        assert_eq!(on_a_worker(within(limit, std::future::pending::<()>())), None);
        assert!(started.elapsed() >= limit);
        assert_eq!(on_a_worker(within(limit, async { 7 })), Some(7));
    }

    #[test]
    fn slots_are_used_again() {
        on_a_worker(async {
            for _ in 0..1000 {
                let mut sleep = Sleep::new(Duration::from_secs(60));
                assert!(
                    std::future::poll_fn(|context| Poll::Ready(Pin::new(&mut sleep).poll(context).is_pending())).await
                );
            }
            assert_eq!(CLOCK.with(|clock| clock.slots.borrow().taken.len()), 1);
        });
    }
}
