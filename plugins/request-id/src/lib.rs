//! `request-id`: puts an id of the exchange into the request to the upstream and into the response, so that both ends
//! can name it. The id is the host's own, or that which a trusted peer sent; what anybody else sends is replaced.

mod names;

use names::Names;
use serde::Deserialize;
use weir::{Faults, Request, Response, exchange};

/// The entry's `config`.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The field of the request to the upstream, or a list of them; `null` sends none.
    #[serde(default = "x_request_id")]
    #[weir(default = "x-request-id")]
    request_header: Names,
    /// The field of the response to the client, or a list of them; `null` sends none.
    #[serde(default = "x_request_id")]
    #[weir(default = "x-request-id")]
    response_header: Names,
    /// Keep the id that a trusted peer (`trusted_proxies`) sent in `request_header`.
    #[serde(default = "yes")]
    #[weir(default = true)]
    continue_trusted: bool,
}

fn x_request_id() -> Names {
    Names::one("x-request-id")
}

fn yes() -> bool {
    true
}

struct RequestId(Config);

#[weir::filter]
impl RequestId {
    fn configure(config: Config) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        config.request_header.check(&mut faults, "/request_header");
        config.response_header.check(&mut faults, "/response_header");
        faults.or(Self(config))
    }

    fn on_request(&self, request: &mut Request) -> weir::Result<()> {
        let id = match self.continued(request) {
            Some(id) => {
                exchange::set_slot(id.as_bytes())?;
                exchange::note("continued");
                id
            }
            None => exchange::id(),
        };
        for name in self.0.request_header.iter() {
            request.set_header(name, &id)?;
        }
        Ok(())
    }

    fn on_response(&self, response: &mut Response) -> weir::Result<()> {
        let Config { response_header, continue_trusted, .. } = &self.0;
        // The request may have been changed since.
        let continued = if *continue_trusted { exchange::slot() } else { Vec::new() };
        let id = if continued.is_empty() { exchange::id().into_bytes() } else { continued };
        for name in response_header.iter() {
            response.set_header(name, &id)?;
        }
        Ok(())
    }
}

impl RequestId {
    /// The id that a trusted peer sent: what stands in the first of the fields that is there.
    fn continued(&self, request: &Request) -> Option<String> {
        if !self.0.continue_trusted || !exchange::is_peer_trusted() {
            return None;
        }
        let mut values = self.0.request_header.iter().map(|name| request.header_values(name));
        let [id] = values.find(|values| !values.is_empty())?.try_into().ok()?;
        String::from_utf8(id).ok().filter(|id| is_sound(id))
    }
}

/// Whether an id can go into fields, logs and file names of others without harm: at most 128 of the characters that
/// ids are made of (hexadecimal, UUID, ULID, base64, `Root=1-...;Self=...`).
fn is_sound(id: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:+/=~@;".contains(&byte);
    (1..=128).contains(&id.len()) && id.bytes().all(is_part)
}

#[cfg(test)]
mod tests;
