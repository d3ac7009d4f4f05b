//! Answering in the upstream's place.

use http::{Response, StatusCode};
use wasmtime::Result;

use crate::plugin::bindings::reply::{Host, Reason};
use crate::plugin::bindings::types::Refusal;
use crate::plugin::exchange::Reply;
use crate::plugin::fields;
use crate::plugin::instance::Guest;

const LARGEST_BODY: usize = 1 << 20;

impl Host for Guest {
    fn send(&mut self, status: u16, headers: Vec<(String, Vec<u8>)>, body: Vec<u8>, why: Reason) -> Result<Result<(), Refusal>> {
        let exchange = self.exchange()?;
        Ok(reply(status, &headers, body, why).map(|reply| exchange.reply = Some(reply)))
    }
}

fn reply(status: u16, headers: &[(String, Vec<u8>)], body: Vec<u8>, why: Reason) -> Result<Reply, Refusal> {
    if body.len() > LARGEST_BODY {
        return Err(Refusal::TooLarge);
    }
    let mut head = Response::new(()).into_parts().0;
    head.status = final_status(status)?;
    for (name, value) in headers {
        fields::append(&mut head.headers, name, value)?;
    }
    Ok(Reply { head, body: body.into(), code: why.code, detail: why.detail })
}

/// A status that ends an exchange.
pub(super) fn final_status(status: u16) -> Result<StatusCode, Refusal> {
    StatusCode::from_u16(status).ok().filter(|status| (200..600).contains(&status.as_u16())).ok_or(Refusal::InvalidValue)
}
