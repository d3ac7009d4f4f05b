//! What comes of a hook for the exchange: the message goes on, waits or is answered, or the filter has failed.

use std::sync::Arc;
use std::time::Duration;

use super::super::bindings;
use super::super::error::{Failed, Failure};
use super::super::exchange::{Answer, ExchangeId, Held, Origin, Reply};
use super::super::hook::Hook;
use super::super::pool::Pool;
use super::super::registry::Entry;
use super::super::steering::{Armed, Outcome, Paused};
use super::super::trail::{Did, Said, Took};
use super::{Sending, Step};
use crate::config::OnFailure;
use crate::telemetry::failures;

/// How often a filter may pause for one message.
const MOST_PAUSES: u8 = 16;

/// Counts a hook, and leaves its mark.
pub(super) fn note(
    pool: &Pool,
    hook: Hook,
    position: usize,
    held: &mut Held,
    did: Did,
    took: Option<Took>,
    said: Option<Said>,
) {
    pool.sheet.count(hook, did, took.as_ref());
    held.mark(position, hook, did, took.as_ref(), said);
}

/// What a hook's result means for the exchange.
pub(super) fn settle(
    pool: &Pool,
    hook: Hook,
    position: usize,
    held: &mut Held,
    took: Option<Took>,
    result: Result<bindings::Flow, Failure>,
) -> Result<Step, Failed> {
    let reply = held.reply.take();
    let armed = held.armed.take();
    let sending = held.sending.take();
    let failure = match result {
        Ok(bindings::Flow::Next) => {
            note(pool, hook, position, held, Did::Next, took, None);
            return Ok(passed(hook, held));
        }
        Ok(bindings::Flow::Stop) => match (reply, sending) {
            (Some(reply), _) => {
                // What becomes of an alternative's answer is not settled yet.
                let did = if held.asking.is_some() { Did::SetAside } else { Did::Answered };
                if did == Did::Answered {
                    pool.sheet.answered(&reply.code);
                }
                note(pool, hook, position, held, did, took, said(held, &reply));
                held.paused = None;
                held.out |= 1 << position;
                install(held, reply, &pool.entry);
                return Ok(Step::Answered);
            }
            (None, Some(wanted)) => return Ok(Step::Send(Sending::begin(hook, position, held, took, *wanted))),
            (None, None) => Failure::NoAnswer,
        },
        Ok(bindings::Flow::Pause) => match pause(pool, hook, position, held, armed) {
            Ok(armed) => {
                note(pool, hook, position, held, Did::Paused, took, None);
                return Ok(Step::Pause(armed));
            }
            Err(failure) => failure,
        },
        Err(failure) => failure,
    };
    note(pool, hook, position, held, Did::Failed(failure.kind()), took, told(held, &failure));
    let passed = passed(hook, held);
    held.paused = None;
    held.out |= 1 << position;
    held.absent |= 1 << position;
    held.forget_stages(position);
    report(pool, hook, Some(held.id), &failure);
    match pool.entry.on_failure {
        OnFailure::Open => Ok(passed),
        OnFailure::Closed => Err(Failed { entry: Arc::clone(&pool.entry), failure }),
    }
}

/// What an answer gives as its reason: another filter's answer may take its place.
fn said(held: &Held, reply: &Reply) -> Option<Said> {
    held.trail.is_on().then(|| Said { code: reply.code.clone(), detail: reply.detail.clone() })
}

/// How a filter failed, in words.
fn told(held: &Held, failure: &Failure) -> Option<Said> {
    held.trail.is_on().then(|| Said { code: failure.code().to_owned(), detail: failure.to_string() })
}

/// Where the message goes on that a filter lets pass.
fn passed(hook: Hook, held: &mut Held) -> Step {
    let Hook::Resume(message) = hook else { return Step::Next };
    let is_short =
        |paused: Paused| paused.for_body && matches!(paused.outcome, Some(Outcome::TimedOut | Outcome::Failed));
    let is_short = held.paused.take().is_some_and(is_short);
    let is_replaced = held.read_steering(message).is_some_and(|steering| steering.replaced.is_some());
    if is_short && !is_replaced { Step::Lost } else { Step::Next }
}

fn pause(pool: &Pool, hook: Hook, position: usize, held: &mut Held, armed: Option<Armed>) -> Result<Armed, Failure> {
    let armed = armed.ok_or(Failure::Pause("without having armed anything to wait for"))?;
    let about = hook.about().ok_or(Failure::Pause("in a hook that cannot wait"))?;
    if !pool.entry.has(Hook::Resume(about)) {
        return Err(Failure::NoHook(Hook::Resume(about).name()));
    }
    let before = held.paused.take().filter(|paused| paused.position == position && paused.about == about);
    let times = before.map_or(0, |paused| paused.times) + 1;
    if times > MOST_PAUSES {
        return Err(Failure::Pause("too often for one message (16 times)"));
    }
    let for_body = matches!(armed, Armed::Buffer(_));
    if for_body && held.is_steered_on_trial() {
        // What waits for a body has it pass all that was asked for, and could not be set aside afterwards.
        return Err(Failure::Pause("for a body that it steers already, as one of several alternatives"));
    }
    held.paused = Some(Paused { position, about, times, for_body, outcome: None });
    Ok(armed)
}

/// Says that a filter failed, and puts it aside if that was once too often.
pub(in crate::plugin) fn report(pool: &Pool, hook: Hook, exchange: Option<ExchangeId>, failure: &Failure) {
    let exchange = exchange.map(tracing::field::display);
    let entry = &pool.entry;
    // Of a filter that is put aside it was said once.
    if matches!(failure, Failure::Quarantine) {
        tracing::debug!(filter = entry.name, exchange, kind = failure.code(), "`{}` is in quarantine", entry.name);
        return;
    }
    let hook = hook.name();
    let noted = failures::Noted { name: &entry.name, at: hook, code: failure.code() };
    failures::of_filter(noted, failure, exchange.as_ref().map(|exchange| exchange as &dyn std::fmt::Display));
    tracing::error!(
        filter = entry.name,
        exchange,
        hook,
        kind = failure.code(),
        "filter `{}` failed in `{hook}`: {failure}",
        entry.name
    );
    if failure.is_overload() {
        return;
    }
    let lost = match failure {
        Failure::Cpu => entry.limits.cpu,
        Failure::Configure => entry.limits.configure,
        _ => Duration::ZERO,
    };
    if let Some(length) = entry.ward.failed(&pool.record, lost) {
        tracing::error!(
            filter = entry.name,
            "filter `{}` fails too often and is not called for {length:?}; until then `on_failure` decides",
            entry.name
        );
    }
}

fn install(held: &mut Held, reply: Reply, entry: &Arc<Entry>) {
    let Reply { head, body, trailers, code, detail } = reply;
    held.answer(head, Some(body), Origin::Filter(Box::new(Answer { entry: entry.name.clone(), code, detail })));
    held.trailers = trailers;
}
