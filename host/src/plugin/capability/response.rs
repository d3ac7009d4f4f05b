//! The response's head.

use http::response::Parts;
use http::{HeaderMap, StatusCode};
use wasmtime::component::LinkerInstance;
use wasmtime::{Result, format_err};

use super::reply::final_status;
use super::{Answer, Store, link_fields};
use crate::plugin::bindings::{Origin, Refusal};
use crate::plugin::exchange;
use crate::plugin::instance::Guest;
use crate::plugin::steering::Message;

pub(super) fn link(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("source", |store: Store<'_>, (): ()| {
        response(store.data())?;
        let origin = match store.data().exchange()?.origin {
            exchange::Origin::Upstream => Origin::Upstream,
            exchange::Origin::Filter(_) => Origin::Filter,
            exchange::Origin::Host => Origin::Host,
        };
        Ok((origin,))
    })?;
    linker.func_wrap("status", |store: Store<'_>, (): ()| Ok((response(store.data())?.status.as_u16(),)))?;
    linker.func_wrap("set-status", |mut store: Store<'_>, (status,): (u16,)| -> Answer {
        Ok((open(store.data_mut()).and_then(|response| set_status(response, status)),))
    })?;
    link_fields(linker, read, edit)
}

fn response(guest: &Guest) -> Result<&Parts> {
    let response = guest.exchange()?.response.as_ref().filter(|_| guest.hook.about() == Some(Message::Response));
    response.ok_or_else(|| format_err!("the response can be read in `on-response` and in `on-resume` after it only"))
}

fn read(guest: &Guest) -> Result<&HeaderMap> {
    Ok(&response(guest)?.headers)
}

fn open(guest: &mut Guest) -> Result<&mut Parts, Refusal> {
    let is_open = guest.hook.about() == Some(Message::Response);
    let response = guest.exchange.as_mut().and_then(|exchange| exchange.response.as_mut());
    response.filter(|_| is_open).ok_or(Refusal::WrongHook)
}

fn edit(guest: &mut Guest) -> Result<&mut HeaderMap, Refusal> {
    open(guest).map(|response| &mut response.headers)
}

/// Whether there is a body is settled with the upstream's head.
fn set_status(response: &mut Parts, status: u16) -> Result<(), Refusal> {
    let status = final_status(status)?;
    let bodiless = [
        StatusCode::SWITCHING_PROTOCOLS,
        StatusCode::NO_CONTENT,
        StatusCode::RESET_CONTENT,
        StatusCode::NOT_MODIFIED,
    ];
    let has_body = |status| !bodiless.contains(&status);
    if status != response.status && !(has_body(status) && has_body(response.status)) {
        return Err(Refusal::Forbidden);
    }
    response.status = status;
    Ok(())
}
