//! Answering in the upstream's place.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use wasmtime::Result;
use wasmtime::component::{LinkerInstance, WasmList, WasmStr};

use super::{Answer, Store};
use crate::plugin::bindings::{Reason, Refusal};
use crate::plugin::exchange::{Exchange, Reply};
use crate::plugin::fields;
use crate::plugin::instance::Guest;

const LARGEST_BODY: usize = 1 << 20;
const LONGEST_DETAIL: usize = 1 << 10;

/// The parameters of `send-text`.
type SendText = (u16, WasmList<(WasmStr, WasmStr)>, WasmStr, Reason);

/// The parameters of `send`.
type Send = (u16, WasmList<(WasmStr, WasmList<u8>)>, WasmList<u8>, Reason);

pub(super) fn link(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("send", |mut store: Store<'_>, (status, headers, body, why): Send| -> Answer {
        let (mut fields, mut added) = (HeaderMap::new(), Ok(()));
        for index in 0..headers.len() {
            let Some((name, value)) = headers.get(&mut store, index).transpose()? else { break };
            let field = fields::parse(&name.to_str(&store)?, value.as_le_slice(&store));
            added = field.and_then(|field| fields::append(&mut fields, field));
            if added.is_err() {
                break;
            }
        }
        let reply = added.and_then(|()| reply(status, fields, body.as_le_slice(&store), why));
        Ok((answer(store.data_mut(), reply),))
    })?;
    linker.func_wrap("send-text", |mut store: Store<'_>, (status, headers, body, why): SendText| -> Answer {
        let (mut fields, mut added) = (HeaderMap::new(), Ok(()));
        for index in 0..headers.len() {
            let Some((name, value)) = headers.get(&mut store, index).transpose()? else { break };
            let field = fields::parse(&name.to_str(&store)?, value.to_str(&store)?.as_bytes());
            added = field.and_then(|field| fields::append(&mut fields, field));
            if added.is_err() {
                break;
            }
        }
        fields.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("text/plain; charset=utf-8"));
        let body = body.to_str(&store)?;
        let reply = added.and_then(|()| reply(status, fields, body.as_bytes(), why));
        Ok((answer(store.data_mut(), reply),))
    })?;
    linker.func_wrap("add-trailer", |mut store: Store<'_>, (name, value): (WasmStr, WasmList<u8>)| -> Answer {
        let field = fields::parse(&name.to_str(&store)?, value.as_le_slice(&store));
        Ok((open(store.data_mut()).and_then(|exchange| {
            let reply = exchange.reply.as_mut().ok_or(Refusal::WrongHook)?;
            fields::append(reply.trailers.get_or_insert_default(), field?)
        }),))
    })
}

/// In the hooks that may answer.
fn open(guest: &mut Guest) -> Result<&mut Exchange, Refusal> {
    let may_answer = guest.hook.about().is_some();
    guest.exchange.as_deref_mut().filter(|_| may_answer).ok_or(Refusal::WrongHook)
}

/// The filter's answer, unless it cannot be one.
fn answer(guest: &mut Guest, reply: Result<Reply, Refusal>) -> Result<(), Refusal> {
    let exchange = open(guest)?;
    exchange.reply = Some(reply?);
    Ok(())
}

fn reply(status: u16, fields: HeaderMap, body: &[u8], why: Reason) -> Result<Reply, Refusal> {
    if body.len() > LARGEST_BODY {
        return Err(Refusal::TooLarge);
    }
    let mut head = Response::new(()).into_parts().0;
    (head.status, head.headers) = (final_status(status)?, fields);
    Ok(Reply {
        head,
        body: Bytes::copy_from_slice(body),
        trailers: None,
        code: super::word(&why.code),
        detail: super::cut(why.detail, LONGEST_DETAIL),
    })
}

/// A status that ends an exchange.
pub(super) fn final_status(status: u16) -> Result<StatusCode, Refusal> {
    StatusCode::from_u16(status)
        .ok()
        .filter(|status| (200..600).contains(&status.as_u16()))
        .ok_or(Refusal::InvalidValue)
}
