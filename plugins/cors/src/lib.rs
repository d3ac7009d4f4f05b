//! `cors`: answers the preflights of browsers, and says in every response whether the page that asked may read it.

mod config;
mod fields;
mod origin;
mod origins;
mod pattern;
mod preflight;
mod words;

use config::{Config, Upstream};
use origins::Origins;
use preflight::Preflights;
use weir::{Faults, Flow, Request, Response, Result, exchange};

struct Cors {
    origins: Origins,
    /// Whether pages may send cookies and other credentials, and read what comes back.
    credentials: bool,
    /// The value of `access-control-expose-headers`.
    expose: Option<String>,
    upstream: Upstream,
    preflights: Preflights,
}

#[weir::filter]
impl Cors {
    fn configure(config: Config) -> std::result::Result<Self, Faults> {
        let mut faults = Faults::default();
        let filter = config.into_filter(&mut faults);
        faults.or(filter)
    }

    fn on_request(&self, request: &Request) -> Result {
        // This field is in preflights only, so other requests cost one call.
        if request.header(fields::REQUEST_METHOD).is_none() || request.method() != "OPTIONS" {
            return Ok(Flow::Next);
        }
        match request.sole_header(fields::ORIGIN) {
            Ok(None) => Ok(Flow::Next),
            origin => self.preflights.answer(request, &self.origins, origin.ok().flatten(), self.credentials),
        }
    }

    fn on_response(&self, request: &Request, response: &mut Response) -> weir::Result<()> {
        if self.upstream == Upstream::Keep && response.header(fields::ALLOW_ORIGIN).is_some() {
            return vary(response);
        }
        if self.origins.is_any() {
            // The same for everybody needs no copy for each origin.
            return self.allow(response, b"*");
        }
        // Several are nobody's, and so is none.
        let origin = request.sole_header(fields::ORIGIN);
        match &origin {
            Ok(Some(origin)) if self.origins.has(origin) => self.allow(response, origin)?,
            Ok(None) => response.remove_header(fields::ALLOW_ORIGIN)?,
            _ => {
                exchange::note("origin-not-allowed");
                // Without it the others say nothing.
                response.remove_header(fields::ALLOW_ORIGIN)?;
            }
        }
        vary(response)
    }
}

impl Cors {
    fn allow(&self, response: &mut Response, origin: &[u8]) -> weir::Result<()> {
        response.set_header(fields::ALLOW_ORIGIN, origin)?;
        put(response, fields::ALLOW_CREDENTIALS, self.credentials.then_some("true"))?;
        put(response, fields::EXPOSE_HEADERS, self.expose.as_deref())
    }
}

fn put(response: &mut Response, name: &str, value: Option<&str>) -> weir::Result<()> {
    match value {
        Some(value) => response.set_header(name, value)?,
        None => response.remove_header(name)?,
    }
    Ok(())
}

/// Has caches keep a copy for each origin; those without one, and those that were refused, are origins of their own.
fn vary(response: &mut Response) -> weir::Result<()> {
    let has_origin = |value: &Vec<u8>| {
        let mut names = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        names.any(|name| name == b"*" || name.eq_ignore_ascii_case(b"origin"))
    };
    // Most have none, and a single value costs less than a list of them.
    let is_there = response
        .header(fields::VARY)
        .is_some_and(|first| has_origin(&first) || response.header_values(fields::VARY).iter().any(has_origin));
    if !is_there {
        response.append_header(fields::VARY, "Origin")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
