//! Having files sent: which ones is looked at here, what they are in `files`.

use std::sync::Arc;

use http::header::{HeaderMap, HeaderValue};
use wasmtime::Result;
use wasmtime::component::{LinkerInstance, WasmStr};

use super::{Answer, Store, configured, reply};
use crate::files::{self, Candidate, MOST_CANDIDATES, Wanted};
use crate::plugin::bindings::{self, Refusal};
use crate::plugin::fields;
use crate::plugin::instance::Guest;
use crate::plugin::steering::Message;

/// The parameters of `send`.
type Send = (WasmStr, Vec<bindings::Candidate>, bindings::Missing);

pub(super) fn link(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("send", |mut store: Store<'_>, (handle, candidates, missing): Send| -> Answer {
        configured(store.data())?;
        let directory = store.data().entry.granted.directories.get(&*handle.to_str(&store)?).map(Arc::clone);
        let goes_on = missing == bindings::Missing::Next;
        let wanted = directory
            .ok_or(Refusal::Denied)
            .and_then(|directory| Ok(Wanted { directory, candidates: self::candidates(candidates)?, goes_on }));
        let guest = store.data_mut();
        let may_send = guest.hook.about() == Some(Message::Request);
        // Whether a file is there is known too late for one of several alternatives.
        let exchange = guest.exchange.as_deref_mut().filter(|exchange| may_send && exchange.asking.is_none());
        Ok((exchange.ok_or(Refusal::WrongHook).and_then(|exchange| {
            exchange.sending = Some(Box::new(wanted?));
            Ok(())
        }),))
    })
}

fn candidates(written: Vec<bindings::Candidate>) -> Result<Vec<Candidate>, Refusal> {
    match written.len() {
        0 => return Err(Refusal::InvalidValue),
        count if count > MOST_CANDIDATES => return Err(Refusal::TooLarge),
        _ => {}
    }
    written.into_iter().map(candidate).collect()
}

fn candidate(written: bindings::Candidate) -> Result<Candidate, Refusal> {
    let bindings::Candidate { path, status, headers, location } = written;
    if path.len() > files::LONGEST_PATH {
        return Err(Refusal::TooLarge);
    }
    let is_status = match status {
        200 | 400..=599 => location.is_none(),
        301 | 302 | 303 | 307 | 308 => location.is_some(),
        _ => false,
    };
    if !is_status || !files::is_path(&path) {
        return Err(Refusal::InvalidValue);
    }
    let mut fields = HeaderMap::with_capacity(headers.len());
    for (name, value) in &headers {
        fields::append(&mut fields, fields::parse(name, value)?)?;
    }
    let location = location.map(|location| HeaderValue::try_from(location).map_err(|_| Refusal::InvalidValue));
    Ok(Candidate { path, status: reply::final_status(status)?, fields, location: location.transpose()? })
}
