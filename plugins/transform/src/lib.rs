//! `transform`: changes requests and responses on their way: headers, path, query, status, JSON bodies. What it is not told to
//! change stays as it came, byte for byte; what it cannot read goes no further unless the operator says so.

mod body;
mod config;
mod fill;
mod headers;
mod json;
mod media;
mod operation;
mod query;
mod request;
mod response;
mod rewrite;
mod several;
mod status;
#[cfg(test)]
mod tests;

use config::Config;
use weir::{Body, Faults, Request, Response, Result};

#[derive(Debug)]
struct Transform {
    request: request::Side,
    response: response::Side,
}

#[weir::filter]
impl Transform {
    fn configure(config: Config) -> std::result::Result<Self, Faults> {
        let mut faults = Faults::default();
        let filter = config.into_filter(&mut faults);
        faults.or(filter)
    }

    fn on_request(&self, request: &mut Request) -> Result {
        self.request.begin(request)
    }

    fn on_request_body(&self, request: &mut Request, body: &mut Body) -> Result {
        self.request.resume(request, body)
    }

    fn on_response(&self, request: &Request, response: &mut Response) -> Result {
        self.response.begin(request, response)
    }

    fn on_response_body(&self, request: &Request, response: &mut Response, body: &mut Body) -> Result {
        self.response.resume(request, response, body)
    }
}

/// The place of a member in the configuration.
fn pointer(at: &str, key: &str) -> String {
    [at, "/", &key.replace('~', "~0").replace('/', "~1")].concat()
}
