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
        match request.header_values(fields::ORIGIN).as_slice() {
            [] => Ok(Flow::Next),
            origins => self.preflights.answer(request, &self.origins, origins, self.credentials),
        }
    }

    fn on_response(&self, request: &Request, response: &mut Response) -> weir::Result<()> {
        let had = response.header(fields::ALLOW_ORIGIN).is_some();
        if had && self.upstream == Upstream::Keep {
            return vary(response);
        }
        let is_any = self.origins.is_any();
        let origins = if is_any { Vec::new() } else { request.header_values(fields::ORIGIN) };
        let allowed = if is_any { Some(b"*".as_slice()) } else { self.origins.allowed(&origins) };
        if let Some(origin) = allowed {
            response.set_header(fields::ALLOW_ORIGIN, origin)?;
            // What the upstream says in these without an origin would join with ours.
            put(response, fields::ALLOW_CREDENTIALS, self.credentials.then_some("true"))?;
            put(response, fields::EXPOSE_HEADERS, self.expose.as_deref())?;
        } else if !origins.is_empty() {
            exchange::note("origin-not-allowed");
        }
        if had {
            let whole: &[&str] = if allowed.is_some() { &[] } else { &fields::OF_RESPONSES };
            for name in whole.iter().chain(&fields::OF_PREFLIGHTS) {
                response.remove_header(name)?;
            }
        }
        // The same for everybody needs no copy for each origin.
        if is_any { Ok(()) } else { vary(response) }
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
    let is_there = response.header_values(fields::VARY).iter().any(|value| {
        value
            .split(|byte| *byte == b',')
            .map(<[u8]>::trim_ascii)
            .any(|name| name == b"*" || name.eq_ignore_ascii_case(b"origin"))
    });
    if !is_there {
        response.append_header(fields::VARY, "Origin")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
