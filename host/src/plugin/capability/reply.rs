//! Answering in the upstream's place.

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
type SendText = (u16, Vec<(String, String)>, WasmStr, Reason);

/// The parameters of `send`.
type Send = (u16, Vec<(String, Vec<u8>)>, WasmList<u8>, Reason);

pub(super) fn link(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("send", |mut store: Store<'_>, (status, headers, body, why): Send| -> Answer {
        let reply = reply(status, &headers, body.as_le_slice(&store), why);
        Ok((open(store.data_mut()).and_then(|exchange| {
            exchange.reply = Some(reply?);
            Ok(())
        }),))
    })?;
    linker.func_wrap("send-text", |mut store: Store<'_>, (status, headers, body, why): SendText| -> Answer {
        let mut headers: Vec<_> = headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            headers.push(("content-type".to_owned(), b"text/plain; charset=utf-8".to_vec()));
        }
        let reply = reply(status, &headers, body.to_str(&store)?.as_bytes(), why);
        Ok((open(store.data_mut()).and_then(|exchange| {
            exchange.reply = Some(reply?);
            Ok(())
        }),))
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

fn reply(status: u16, headers: &[(String, Vec<u8>)], body: &[u8], why: Reason) -> Result<Reply, Refusal> {
    if body.len() > LARGEST_BODY {
        return Err(Refusal::TooLarge);
    }
    let mut head = Response::new(()).into_parts().0;
    head.status = final_status(status)?;
    for (name, value) in headers {
        fields::append(&mut head.headers, fields::parse(name, value)?)?;
    }
    Ok(Reply { head, body: body.to_vec().into(), trailers: None, code: super::word(&why.code), detail: super::cut(why.detail, LONGEST_DETAIL) })
}

/// A status that ends an exchange.
pub(super) fn final_status(status: u16) -> Result<StatusCode, Refusal> {
    StatusCode::from_u16(status)
        .ok()
        .filter(|status| (200..600).contains(&status.as_u16()))
        .ok_or(Refusal::InvalidValue)
}
