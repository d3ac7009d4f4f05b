//! Requests of the filter's own. The one capability that needs the upstreams, which it reaches through
//! [`Outbound`](crate::plugin::Outbound).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::uri::PathAndQuery;
use wasmtime::Result;
use wasmtime::component::LinkerInstance;

use super::{Store, configured};
use crate::clock::within;
use crate::plugin::bindings::{self, CallError};
use crate::plugin::calls::{Call, CallFailed, Called};
use crate::plugin::fields;
use crate::plugin::instance::Guest;

const LARGEST_BODY: usize = 1 << 20;
const TIMEOUT: Duration = Duration::from_secs(5);
const LONGEST_KEY: usize = 1 << 10;

/// Fields of a response that are told.
const MOST_FIELDS: u32 = 256;

type Answer = Result<bindings::Response, CallError>;

pub(super) fn link(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap_async("send", |store: Store<'_>, (call,): (bindings::Call,)| {
        Box::new(async move {
            let mut answers = send(store, vec![call]).await?;
            Ok((answers.pop().unwrap_or(Err(CallError::Failed)),))
        })
    })?;
    linker.func_wrap_async("send-shared", |store: Store<'_>, (key, call): (String, bindings::Call)| {
        Box::new(async move { Ok((send_shared(store, key, call).await?,)) })
    })?;
    linker.func_wrap_async("send-all", |store: Store<'_>, (calls,): (Vec<bindings::Call>,)| {
        Box::new(async move { Ok((send(store, calls).await?,)) })
    })
}

/// For a filter whose configuration names no upstream: it does not wait, so it needs no fiber.
pub(super) fn link_refusing(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("send", |store: Store<'_>, (_,): (bindings::Call,)| -> Result<(Answer,)> {
        configured(store.data())?;
        Ok((Err(CallError::Denied),))
    })?;
    linker.func_wrap("send-shared", |store: Store<'_>, (_, _): (String, bindings::Call)| -> Result<(Answer,)> {
        configured(store.data())?;
        Ok((Err(CallError::Denied),))
    })?;
    linker.func_wrap("send-all", |store: Store<'_>, (calls,): (Vec<bindings::Call>,)| -> Result<(Vec<Answer>,)> {
        configured(store.data())?;
        Ok((vec![Err(CallError::Denied); calls.len()],))
    })
}

async fn send(mut store: Store<'_>, calls: Vec<bindings::Call>) -> Result<Vec<Answer>> {
    configured(store.data())?;
    let guest = store.data_mut();
    let begun: Vec<Result<Called, CallError>> =
        calls.into_iter().map(|call| admit(guest, call).map(|call| guest.outbound.send(call))).collect();
    guest.meter.pause();
    let mut answers = Vec::with_capacity(begun.len());
    // They run at the same time, elsewhere: here is only waited for one after the other.
    for call in begun {
        answers.push(match call {
            Ok(called) => called.await.map(answer).map_err(failed),
            Err(error) => Err(error),
        });
    }
    store.set_epoch_deadline(1);
    Ok(answers)
}

/// One that others may have sent already: then what that comes to, within what this one asked for.
async fn send_shared(mut store: Store<'_>, key: String, call: bindings::Call) -> Result<Answer> {
    configured(store.data())?;
    let guest = store.data_mut();
    let call = match admit(guest, call) {
        Ok(call) if key.len() <= LONGEST_KEY => call,
        Ok(_) => return Ok(Err(CallError::InvalidRequest)),
        Err(error) => return Ok(Err(error)),
    };
    let (timeout, largest, outbound) = (call.timeout, call.largest, Arc::clone(&guest.outbound));
    let called = guest.entry.shared.ask(key, || outbound.send(call));
    guest.meter.pause();
    let answered = within(timeout, called).await.unwrap_or(Err(CallFailed::TimedOut));
    store.set_epoch_deadline(1);
    Ok(match answered {
        Ok(response) if response.body().len() > largest => Err(CallError::TooLarge),
        answered => answered.map(answer).map_err(failed),
    })
}

/// A call that the filter may make, which counts as one.
fn admit(guest: &mut Guest, call: bindings::Call) -> Result<Call, CallError> {
    if !guest.entry.granted.upstreams.contains(&call.upstream) {
        return Err(CallError::Denied);
    }
    let position = guest.position;
    let calls = match guest.exchange.as_deref_mut() {
        Some(exchange) => exchange.count_call(position),
        None => {
            guest.calls = guest.calls.saturating_add(1);
            guest.calls
        }
    };
    if calls as usize > guest.entry.limits.calls {
        return Err(CallError::TooMany);
    }
    if call.body.len() > LARGEST_BODY {
        return Err(CallError::InvalidRequest);
    }
    let timeout = call.timeout.map_or(TIMEOUT, |milliseconds| Duration::from_millis(milliseconds.into()));
    let largest = call.max_body.map_or(LARGEST_BODY, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    let upstream = call.upstream.clone();
    let request = request(call).ok_or(CallError::InvalidRequest)?;
    Ok(Call { upstream, request, timeout, largest: largest.min(LARGEST_BODY) })
}

fn request(call: bindings::Call) -> Option<Request<Bytes>> {
    let target = PathAndQuery::try_from(call.target).ok().filter(|target| target.as_str().starts_with('/'))?;
    let mut request = Request::new(Bytes::from(call.body));
    *request.method_mut() = call.method.parse().ok().filter(|method| *method != http::Method::CONNECT)?;
    *request.uri_mut() = target.into();
    for (name, value) in &call.headers {
        // Its own request may be for any host of that upstream.
        let field = if name.eq_ignore_ascii_case("host") {
            (http::header::HOST, http::HeaderValue::from_bytes(value).ok()?)
        } else {
            fields::parse(name, value).ok()?
        };
        fields::append(request.headers_mut(), field).ok()?;
    }
    Some(request)
}

fn answer(response: http::Response<Bytes>) -> bindings::Response {
    bindings::Response {
        status: response.status().as_u16(),
        headers: fields::all(response.headers(), MOST_FIELDS),
        body: response.into_body().into(),
    }
}

fn failed(failed: CallFailed) -> CallError {
    match failed {
        CallFailed::TooLarge => CallError::TooLarge,
        CallFailed::TimedOut => CallError::TimedOut,
        CallFailed::Unknown | CallFailed::Failed => CallError::Failed,
    }
}
