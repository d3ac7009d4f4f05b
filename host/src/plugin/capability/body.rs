//! Steering bodies that stay in the host, and asking to see one as it streams.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use wasmtime::component::{LinkerInstance, WasmList};
use wasmtime::{Result, bail};

use super::{Answer, Store};
use crate::coding::{Coding, Decoder, Encoder, Room};
use crate::plugin::bindings::{self, Refusal};
use crate::plugin::exchange::Exchange;
use crate::plugin::hook::Hook;
use crate::plugin::instance::Guest;
use crate::plugin::steering::{Armed, Message, Stage};

/// Bytes of one read, and of a body that a filter makes.
const MOST_BYTES: usize = 1 << 20;

/// Fields that describe just these bytes.
static ABOUT_BYTES: [HeaderName; 7] = [
    header::CONTENT_LENGTH,
    header::ETAG,
    header::ACCEPT_RANGES,
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];

pub(super) fn link_body(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("buffer", |mut store: Store<'_>, (max,): (u32,)| -> Answer {
        let most = store.data().entry.limits.body;
        let result = open(store.data_mut()).and_then(|(_, exchange)| {
            if usize::try_from(max).unwrap_or(usize::MAX) > most {
                return Err(Refusal::TooLarge);
            }
            exchange.armed = Some(Armed::Buffer(max.into()));
            Ok(())
        });
        Ok((result,))
    })?;
    linker.func_wrap("size", |store: Store<'_>, (): ()| {
        Ok((buffered(store.data()).map(|buffered| u32::try_from(buffered.len()).unwrap_or(u32::MAX)),))
    })?;
    linker.func_wrap("read", |store: Store<'_>, (offset, length): (u32, u32)| {
        let bytes = buffered(store.data()).map(|buffered| {
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(buffered.len());
            let length = usize::try_from(length).unwrap_or(usize::MAX).min(MOST_BYTES);
            buffered[start..buffered.len().min(start.saturating_add(length))].to_vec()
        });
        Ok((bytes,))
    })?;
    linker.func_wrap("replace", |mut store: Store<'_>, (bytes,): (WasmList<u8>,)| -> Answer {
        let bytes = bytes.as_le_slice(&store);
        if bytes.len() > MOST_BYTES {
            return Ok((Err(Refusal::TooLarge),));
        }
        let bytes = Bytes::copy_from_slice(bytes);
        let result = open(store.data_mut()).map(|(message, exchange)| {
            if !has_body(exchange, message) {
                return;
            }
            exchange.before_steering();
            if let Some(headers) = headers(exchange, message) {
                forget_bytes(headers);
                headers.remove(header::CONTENT_ENCODING);
                headers.insert(header::CONTENT_LENGTH, bytes.len().into());
            }
            // What was asked for before was about the body that goes.
            exchange.drop_stages(message);
            let steering = exchange.steer(message);
            steering.buffered = Some(bytes.clone());
            steering.replaced = Some(bytes);
        });
        Ok((result,))
    })?;
    link_codings(linker)
}

fn link_codings(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("encode", |mut store: Store<'_>, (coding, level): (bindings::Coding, Option<u8>)| -> Answer {
        let coding = self::coding(coding);
        let levels = match coding {
            Coding::Gzip | Coding::Deflate | Coding::Zstd => 1..=9,
            Coding::Brotli => 0..=6,
        };
        let result = open(store.data_mut()).and_then(|(message, exchange)| {
            let has_body = has_body(exchange, message);
            let headers = headers(exchange, message).ok_or(Refusal::WrongHook)?;
            if level.is_some_and(|level| !levels.contains(&level))
                || headers.get_all(header::CONTENT_ENCODING).iter().any(|value| value != "identity")
            {
                return Err(Refusal::InvalidValue);
            }
            if has_body {
                let room = Room::encoder(coding, level).ok_or(Refusal::TooLarge)?;
                let encoder = Encoder::new(coding, level).map_err(|_| Refusal::InvalidValue)?;
                exchange.before_steering();
                exchange.steer(message).push(Stage::Encode(Box::new(encoder), room))?;
            }
            if (has_body || is_of_head(exchange, message))
                && let Some(headers) = self::headers(exchange, message)
            {
                change_coding(headers, Some(coding));
            }
            Ok(())
        });
        Ok((result,))
    })?;
    linker.func_wrap("decode", |store: Store<'_>, (coding, max): (bindings::Coding, u64)| -> Answer {
        Ok((decode(store, coding, max, |decoder| decoder),))
    })?;
    linker.func_wrap(
        "decode-within",
        |store: Store<'_>, (coding, max, ratio): (bindings::Coding, u64, u32)| -> Answer {
            Ok((decode(store, coding, max, |decoder| decoder.within(ratio)),))
        },
    )
}

fn decode(
    mut store: Store<'_>,
    coding: bindings::Coding,
    max: u64,
    bounded: impl FnOnce(Decoder) -> Decoder,
) -> Result<(), Refusal> {
    let coding = self::coding(coding);
    open(store.data_mut()).and_then(|(message, exchange)| {
        let has_body = has_body(exchange, message);
        let headers = headers(exchange, message).ok_or(Refusal::WrongHook)?;
        let mut named = headers.get_all(header::CONTENT_ENCODING).iter();
        let only = named.next().filter(|_| named.next().is_none()).and_then(|value| value.to_str().ok());
        if only.and_then(Coding::named) != Some(coding) {
            return Err(Refusal::InvalidValue);
        }
        if has_body {
            let room = Room::decoder(coding, max).ok_or(Refusal::TooLarge)?;
            let decoder = Box::new(bounded(Decoder::new(coding, max)));
            exchange.before_steering();
            exchange.steer(message).push(Stage::Decode(decoder, room))?;
        }
        if (has_body || is_of_head(exchange, message))
            && let Some(headers) = self::headers(exchange, message)
        {
            change_coding(headers, None);
        }
        Ok(())
    })
}

fn coding(coding: bindings::Coding) -> Coding {
    match coding {
        bindings::Coding::Gzip => Coding::Gzip,
        bindings::Coding::Brotli => Coding::Brotli,
        bindings::Coding::Zstd => Coding::Zstd,
        bindings::Coding::Deflate => Coding::Deflate,
    }
}

/// The same content in other bytes: what a strong validator said of them holds weakly.
fn change_coding(headers: &mut HeaderMap, coding: Option<Coding>) {
    let etag = headers.remove(header::ETAG);
    forget_bytes(headers);
    headers.remove(header::CONTENT_ENCODING);
    if let Some(coding) = coding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    }
    if let Some(etag) = etag {
        let weak = if etag.as_bytes().starts_with(b"W/") {
            Ok(etag)
        } else {
            HeaderValue::from_bytes(&[b"W/", etag.as_bytes()].concat())
        };
        headers.extend(weak.ok().map(|weak| (header::ETAG, weak)));
    }
}

/// Whether there is a body to steer.
fn has_body(exchange: &Exchange, message: Message) -> bool {
    if message == Message::Request {
        return true;
    }
    exchange.request.method != Method::HEAD && may_have_body(exchange)
}

fn may_have_body(exchange: &Exchange) -> bool {
    let bodiless = [StatusCode::SWITCHING_PROTOCOLS, StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED];
    exchange.response.as_ref().is_some_and(|response| !bodiless.contains(&response.status))
}

/// Whether this tells what GET would be answered: the fields are those that its body would have.
fn is_of_head(exchange: &Exchange, message: Message) -> bool {
    message == Message::Response && exchange.request.method == Method::HEAD && may_have_body(exchange)
}

pub(super) fn link_chunks(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("rewrite", |store: Store<'_>, (): ()| -> Answer { arm(store, true) })?;
    linker.func_wrap("observe", |store: Store<'_>, (): ()| -> Answer { arm(store, false) })?;
    linker.func_wrap("pin", |mut store: Store<'_>, (): ()| -> Answer {
        let guest = store.data_mut();
        let (position, most, pins) = (guest.position, guest.entry.limits.pins, guest.pins.clone());
        let result = open(guest).and_then(|(message, exchange)| {
            let stages = exchange.steer(message).stages.iter_mut().rev();
            let mut own = stages.filter_map(|stage| match stage {
                Stage::Filter { position: at, pin, .. } if *at == position => Some(pin),
                _ => None,
            });
            if let Some(pin) = own.next().filter(|pin| pin.is_none()) {
                *pin = Some(pins.take(most).ok_or(Refusal::TooLarge)?);
            }
            Ok(())
        });
        Ok((result,))
    })
}

fn arm(mut store: Store<'_>, rewrites: bool) -> Answer {
    let guest = store.data_mut();
    let Some(about) = guest.hook.about() else { return Ok((Err(Refusal::WrongHook),)) };
    let hook = if rewrites { Hook::Rewrite(about) } else { Hook::Observe(about) };
    if !guest.entry.has(hook) {
        bail!("it asks for `{}`, which it does not export", hook.name());
    }
    let position = guest.position;
    let result = open(guest).and_then(|(message, exchange)| {
        if !has_body(exchange, message) {
            return Ok(());
        }
        exchange.before_steering();
        exchange.steer(message).push(Stage::Filter { position, rewrites, pin: None })?;
        if let Some(headers) = headers(exchange, message).filter(|_| rewrites) {
            forget_bytes(headers);
        }
        Ok(())
    });
    Ok((result,))
}

/// The message whose body may be steered now.
fn open(guest: &mut Guest) -> Result<(Message, &mut Exchange), Refusal> {
    let about = guest.hook.about();
    about.zip(guest.exchange.as_deref_mut()).ok_or(Refusal::WrongHook)
}

fn buffered(guest: &Guest) -> Result<&Bytes, Refusal> {
    let about = guest.hook.about();
    let (message, exchange) = about.zip(guest.exchange.as_deref()).ok_or(Refusal::WrongHook)?;
    exchange.read_steering(message).and_then(|steering| steering.buffered.as_ref()).ok_or(Refusal::WrongHook)
}

fn headers(exchange: &mut Exchange, message: Message) -> Option<&mut HeaderMap> {
    match message {
        Message::Request => {
            exchange.before_edit();
            Some(&mut exchange.request.headers)
        }
        Message::Response => exchange.response.as_mut().map(|response| &mut response.headers),
    }
}

fn forget_bytes(headers: &mut HeaderMap) {
    for name in &ABOUT_BYTES {
        headers.remove(name);
    }
}
