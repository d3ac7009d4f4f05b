//! `compress`: compresses responses as clients take them, and decompresses requests for upstreams. What is looked at is
//! the head: bytes are the host's.

mod accept;
mod breach;
mod config;
mod etag;
mod lists;
mod media;
mod requests;
mod responses;
mod told;

use breach::Breach;
use config::{Config, Upstream};
use media::Types;
use requests::Requests;
use told::Told;
use weir::{Body, Coding, Faults, Flow, Request, Response, Result};

/// What is to be done.
struct Compress {
    types: Types,
    least: u64,
    /// In the operator's order, with their levels.
    codings: Vec<(Coding, u8)>,
    upstream: Upstream,
    breach: Breach,
    requests: Option<Requests>,
}

#[weir::filter]
impl Compress {
    fn configure(config: Config) -> std::result::Result<Self, Faults> {
        let mut faults = Faults::default();
        let filter = config.into_filter(&mut faults);
        faults.or(filter)
    }

    /// Notes what the client takes and who it is: filters behind this one may take fields away.
    fn on_request(&self, request: &mut Request) -> Result {
        let takes = request.header_values("accept-encoding");
        if let Some(told) = Told::of(&takes, &self.codings, || self.breach.is_foreign(request)) {
            told.keep()?;
        }
        if self.upstream == Upstream::Identity && !takes.is_empty() {
            request.remove_header("accept-encoding")?;
        }
        etag::restore(request)?;
        match &self.requests {
            Some(requests) => requests.decode(request),
            None => Ok(Flow::Next),
        }
    }

    /// The beginning of a request's body has been decoded. If it could not be, the host answers.
    fn on_request_body(&self, _request: &mut Request, _body: &mut Body) {}

    fn on_response(&self, request: &Request, response: &mut Response) -> Result<()> {
        match response.status() {
            // No body, a part of one, or one that is not HTTP's.
            ..200 | 204 | 205 | 206 => Ok(()),
            304 => self.not_modified(request, response),
            _ => self.encode(request, response),
        }
    }
}

#[cfg(test)]
mod tests;
