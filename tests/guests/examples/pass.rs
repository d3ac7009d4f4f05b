//! Passes bodies on as they are, in the ways that its configuration names, and says at the end how much it saw.

use serde::Deserialize;
use weir::{Document, Fault, Flow, Request, Response, Result, Resumed, exchange};

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    request: Option<How>,
    response: Option<How>,
    /// Waited for before anything else.
    document: Option<Document>,
}

#[derive(Clone, Copy, PartialEq, Deserialize, weir::Config)]
#[serde(rename_all = "kebab-case")]
enum How {
    Observe,
    Rewrite,
    Buffer,
}

struct Pass(Config);

#[weir::filter]
impl Pass {
    fn configure(config: Config) -> std::result::Result<Self, Fault> {
        Ok(Self(config))
    }

    fn on_request(&self, request: &mut Request) -> Result {
        match &self.0.document {
            Some(document) => document.refresh(),
            None => self.request(request),
        }
    }

    fn on_resume(&self, resumed: &mut Resumed) -> Result {
        let is_document = self.0.document.is_some() && exchange::slot().is_empty() && resumed.response.is_none();
        if is_document {
            exchange::set_slot(b"\0\0\0\0\0\0\0\0")?;
            return self.request(&mut resumed.request);
        }
        count(&resumed.body.bytes()?);
        Ok(Flow::Next)
    }

    fn on_response(&self, response: &mut Response) -> Result {
        match self.0.response {
            Some(How::Observe) => response.observe()?,
            Some(How::Rewrite) => response.rewrite()?,
            Some(How::Buffer) => return response.buffer(1 << 20),
            None => {}
        }
        Ok(Flow::Next)
    }

    fn on_request_chunk(&self, bytes: Vec<u8>, _end: bool) -> Vec<u8> {
        count(&bytes);
        bytes
    }

    fn on_response_chunk(&self, bytes: Vec<u8>, _end: bool) -> Vec<u8> {
        count(&bytes);
        bytes
    }

    fn observe_request_chunk(&self, bytes: Vec<u8>, end: bool) {
        watch(&bytes, end);
    }

    fn observe_response_chunk(&self, bytes: Vec<u8>, end: bool) {
        watch(&bytes, end);
    }

    fn on_complete(&self) {
        weir::info!("saw {} bytes", seen());
    }
}

impl Pass {
    fn request(&self, request: &mut Request) -> Result {
        match self.0.request {
            Some(How::Observe) => request.observe()?,
            Some(How::Rewrite) => request.rewrite()?,
            Some(How::Buffer) => return request.buffer(1 << 20),
            None => {}
        }
        Ok(Flow::Next)
    }
}

fn seen() -> u64 {
    exchange::slot().try_into().map_or(0, u64::from_le_bytes)
}

fn watch(bytes: &[u8], end: bool) {
    count(bytes);
    if end {
        weir::info!("watched {} bytes", seen());
    }
}

fn count(bytes: &[u8]) {
    let seen = seen() + bytes.len() as u64;
    // Eight bytes fit.
    let _ = exchange::set_slot(&seen.to_le_bytes());
}
