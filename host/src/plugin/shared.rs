//! Requests of a filter's own that exchanges share: who asks while one with the same key is under way gets what that comes
//! to. Nothing is kept of it afterwards.
//!
//! A request belongs to none of those who wait for it: it is a task of its own, and goes on until it is done or nobody
//! waits any more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::Response;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::calls::{CallFailed, Called};

/// What a request came to; none as long as it is under way.
type Answer = watch::Sender<Option<Result<Response<Bytes>, CallFailed>>>;

/// The requests of one entry that are under way, by their keys.
#[derive(Debug, Default)]
pub(super) struct Shared(Mutex<HashMap<String, Arc<Answer>>>);

impl Shared {
    /// What the request with this key comes to; if none is under way, this one is sent.
    pub(super) fn ask(self: &Arc<Self>, key: String, send: impl FnOnce() -> Called) -> Called {
        let mut under_way = self.lock();
        let mut answered = match under_way.get(&key) {
            Some(answer) => {
                let answered = answer.subscribe();
                drop(under_way);
                answered
            }
            None => {
                let (answer, answered) = watch::channel(None);
                let answer = Arc::new(answer);
                under_way.insert(key.clone(), Arc::clone(&answer));
                drop(under_way);
                let request = Request { of: Arc::clone(self), key, answer };
                let called = send();
                // Without a runtime it ends here, and whoever waits is told.
                if let Ok(handle) = Handle::try_current() {
                    handle.spawn(request.run(called));
                }
                answered
            }
        };
        Box::pin(async move {
            let answer = answered.wait_for(Option::is_some).await;
            answer.ok().and_then(|answer| answer.clone()).unwrap_or(Err(CallFailed::Failed))
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Answer>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is under way, until this is dropped.
struct Request {
    of: Arc<Shared>,
    key: String,
    answer: Arc<Answer>,
}

impl Request {
    async fn run(self, called: Called) {
        let answered = tokio::select! {
            answered = called => answered,
            () = self.abandoned() => return,
        };
        let answer = Arc::clone(&self.answer);
        // Who asks from here on sends anew.
        drop(self);
        answer.send_replace(Some(answered));
    }

    /// Nobody waits, and nobody will.
    async fn abandoned(&self) {
        loop {
            self.answer.closed().await;
            let mut under_way = self.of.lock();
            if self.answer.receiver_count() == 0 {
                self.forget(&mut under_way);
                return;
            }
        }
    }

    fn forget(&self, under_way: &mut HashMap<String, Arc<Answer>>) {
        if under_way.get(&self.key).is_some_and(|answer| Arc::ptr_eq(answer, &self.answer)) {
            under_way.remove(&self.key);
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.forget(&mut self.of.lock());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::oneshot;

    use super::*;

    /// A request that comes to what is sent, and is counted when it is made.
    fn called(count: &Arc<AtomicUsize>) -> (impl FnOnce() -> Called, oneshot::Sender<&'static str>) {
        let (answer, answered) = oneshot::channel();
        let count = Arc::clone(count);
        let send = move || -> Called {
            count.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move {
                answered.await.map(|text| Response::new(Bytes::from(text))).map_err(|_| CallFailed::TimedOut)
            })
        };
        (send, answer)
    }

    fn text(answered: Result<Response<Bytes>, CallFailed>) -> Bytes {
        answered.unwrap().into_body()
    }

    #[tokio::test(flavor = "current_thread")]
    async fn those_who_ask_meanwhile_get_the_same_and_those_after_it_ask_anew() {
        let (shared, count) = (Arc::new(Shared::default()), Arc::default());
        let (first, answer) = called(&count);
        let (second, _) = called(&count);
        let (leader, follower) = (shared.ask("a".into(), first), shared.ask("a".into(), second));
        let (third, other) = called(&count);
        let third = shared.ask("b".into(), third);
        answer.send("one").unwrap();
        // The first one goes, and the other is answered nevertheless.
        drop(leader);
        assert_eq!((text(follower.await), count.load(Ordering::Relaxed)), ("one".into(), 2));
        other.send("other").unwrap();
        assert_eq!(text(third.await), "other");
        let (fourth, answer) = called(&count);
        let fourth = shared.ask("a".into(), fourth);
        answer.send("two").unwrap();
        assert_eq!((text(fourth.await), count.load(Ordering::Relaxed)), ("two".into(), 3));
        assert!(shared.lock().is_empty());
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_failure_is_everybodys_and_what_nobody_waits_for_is_given_up() {
        let (shared, count) = (Arc::new(Shared::default()), Arc::default());
        let (first, answer) = called(&count);
        let (second, _) = called(&count);
        let both = (shared.ask("a".into(), first), shared.ask("a".into(), second));
        drop(answer);
        assert_eq!(
            (both.0.await.unwrap_err(), both.1.await.unwrap_err()),
            (CallFailed::TimedOut, CallFailed::TimedOut)
        );
        let (third, mut answer) = called(&count);
        drop(shared.ask("a".into(), third));
        answer.closed().await;
        assert!(shared.lock().is_empty());
    }

    #[test]
    fn without_a_runtime_it_fails() {
        let (shared, count) = (Arc::new(Shared::default()), Arc::default());
        let (first, _answer) = called(&count);
        let mut asked = shared.ask("a".into(), first);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(matches!(asked.as_mut().poll(&mut context), std::task::Poll::Ready(Err(CallFailed::Failed))));
        assert!(shared.lock().is_empty());
    }
}
