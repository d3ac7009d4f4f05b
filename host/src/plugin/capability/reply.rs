//! Answering in the upstream's place.

use http::{Response, StatusCode};
use wasmtime::Result;
use wasmtime::component::{LinkerInstance, WasmList};

use super::{Answer, Store};
use crate::plugin::bindings::{Reason, Refusal};
use crate::plugin::exchange::Reply;
use crate::plugin::fields;
use crate::plugin::instance::Guest;

const LARGEST_BODY: usize = 1 << 20;

/// The parameters of `send`.
type Send = (u16, Vec<(String, Vec<u8>)>, WasmList<u8>, Reason);

pub(super) fn link(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("send", |mut store: Store<'_>, (status, headers, body, why): Send| -> Answer {
        let reply = reply(status, &headers, body.as_le_slice(&store), why);
        let exchange = store.data_mut().exchange_mut()?;
        Ok((reply.map(|reply| exchange.reply = Some(reply)),))
    })
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
    Ok(Reply { head, body: body.to_vec().into(), code: why.code, detail: why.detail })
}

/// A status that ends an exchange.
pub(super) fn final_status(status: u16) -> Result<StatusCode, Refusal> {
    StatusCode::from_u16(status)
        .ok()
        .filter(|status| (200..600).contains(&status.as_u16()))
        .ok_or(Refusal::InvalidValue)
}
