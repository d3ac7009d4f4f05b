//! `headers-secure`: sets the headers that make browsers careful, and takes away those that tell about servers. Every
//! response has them, whoever made it.

mod config;
mod csp;
mod permissions;
mod switch;
mod words;

use config::{Config, Existing};
use weir::{Faults, Request, Response};

/// What is to be done to every response.
struct HeadersSecure {
    remove: Vec<String>,
    /// Names and values.
    set: Vec<(&'static str, String)>,
    /// The value of `strict-transport-security`, which belongs to https.
    hsts: Option<String>,
    is_hsts_always: bool,
    existing: Existing,
}

#[weir::filter]
impl HeadersSecure {
    fn configure(config: Config) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let filter = config.into_filter(&mut faults);
        faults.or(filter)
    }

    fn on_response(&self, request: &Request, response: &mut Response) -> weir::Result<()> {
        for name in &self.remove {
            response.remove_header(name)?;
        }
        for (name, value) in &self.set {
            self.put(response, name, value)?;
        }
        match &self.hsts {
            Some(value) if self.is_hsts_always || request.scheme() == "https" => {
                self.put(response, "strict-transport-security", value)
            }
            _ => Ok(()),
        }
    }
}

impl HeadersSecure {
    fn put(&self, response: &mut Response, name: &str, value: &str) -> weir::Result<()> {
        if self.existing == Existing::Replace || response.header(name).is_none() {
            response.set_header(name, value)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
