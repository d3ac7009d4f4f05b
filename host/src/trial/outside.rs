//! The world that a filter's own requests reach: what the case says that upstreams answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};

use super::matching::fits;
use super::seen::Received;
use crate::clock;
use crate::config::cases::{Answer, Failure, Fitting};
use crate::plugin::{Call, CallFailed, Called, Outbound};

/// Answers the filter's own requests, and remembers them.
#[derive(Clone, Debug, Default)]
pub(super) struct Outside(Arc<Mutex<Answers>>);

#[derive(Debug, Default)]
struct Answers {
    fitting: Vec<Fitting>,
    asked: Vec<Received>,
    /// Those that nothing fits.
    odd: Vec<String>,
}

impl Outside {
    /// A step begins, with these answers.
    pub(super) fn begin(&self, answers: &[Fitting]) {
        *self.lock() = Answers { fitting: answers.to_vec(), ..Answers::default() };
    }

    /// The requests of this step, and those of them that no answer fits.
    pub(super) fn asked(&self) -> (Vec<Received>, Vec<String>) {
        let mut answers = self.lock();
        (std::mem::take(&mut answers.asked), std::mem::take(&mut answers.odd))
    }

    fn lock(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answers {
    fn find(&mut self, upstream: &str, request: &Request<Bytes>) -> Option<Answer> {
        let (method, path) = (request.method().as_str(), request.uri().to_string());
        let found = self.fitting.iter_mut().find(|fitting| {
            fitting.upstream == upstream
                && fitting.method.as_deref().is_none_or(|only| only == method)
                && fitting.path.as_ref().is_none_or(|pattern| fits(pattern, &[path.as_bytes()]))
                && fitting.times.is_none_or(|times| times > 0)
        })?;
        if let Some(times) = &mut found.times {
            *times -= 1;
        }
        Some(found.answer.clone())
    }
}

impl Outbound for Outside {
    fn send(&self, call: Call) -> Called {
        let mut answers = self.lock();
        let answer = answers.find(&call.upstream, &call.request);
        if answer.is_none() {
            answers.odd.push(format!(
                "{} {} of upstream `{}`",
                call.request.method(),
                call.request.uri(),
                call.upstream
            ));
        }
        let (head, body) = call.request.into_parts();
        let headers: HeaderMap = head.headers;
        let (method, path) = (head.method.to_string(), head.uri.to_string());
        answers.asked.push(Received { upstream: Some(call.upstream), method, path, headers, body });
        // Several at once take as long as the longest of them.
        let began = clock::uptime();
        Box::pin(async move {
            let until = |delay: Duration| clock::advance(began.saturating_add(delay).saturating_sub(clock::uptime()));
            let Some(answer) = answer else { return Err(CallFailed::Failed) };
            if answer.failure == Some(Failure::Timeout) || answer.delay >= call.timeout {
                until(call.timeout);
                return Err(CallFailed::TimedOut);
            }
            until(answer.delay);
            let body: Vec<u8> = answer.body.pieces.concat();
            match answer.failure {
                Some(_) => Err(CallFailed::Failed),
                None if answer.body.breaks => Err(CallFailed::Failed),
                None if body.len() > call.largest => Err(CallFailed::TooLarge),
                None => Ok(Response::from_parts(answer.head, body.into())),
            }
        })
    }
}
