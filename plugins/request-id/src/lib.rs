//! `request-id`: puts the id that the host gives every exchange into the request to the upstream and into
//! the response, so that both ends can name it. An id that the client sent is replaced: it could be anyone's.

use serde::Deserialize;
use weir::{Fault, Faults, Refusal, Request, Response};

/// The entry's `config`.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// The field of the request to the upstream; `null` sends none.
    request_header: Option<String>,
    /// The field of the response to the client; `null` sends none.
    response_header: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        let name = || Some("x-request-id".to_owned());
        Self { request_header: name(), response_header: name() }
    }
}

struct RequestId(Config);

#[weir::filter]
impl RequestId {
    fn configure(config: Config) -> Result<Self, Faults> {
        let faults: Vec<Fault> =
            [("/request_header", &config.request_header), ("/response_header", &config.response_header)]
                .into_iter()
                .filter_map(|(pointer, name)| fault(name.as_deref()?).map(|message| Fault::at(pointer, message)))
                .collect();
        if faults.is_empty() { Ok(Self(config)) } else { Err(faults.into()) }
    }

    fn on_request(&self, request: &mut Request) -> Result<(), Refusal> {
        match &self.0.request_header {
            Some(name) => request.set_header(name, weir::exchange::id()),
            None => Ok(()),
        }
    }

    fn on_response(&self, response: &mut Response) -> Result<(), Refusal> {
        match &self.0.response_header {
            Some(name) => response.set_header(name, weir::exchange::id()),
            None => Ok(()),
        }
    }
}

/// Fields that frame the message or belong to one connection: the host lets no filter set them.
const HOSTS_OWN: [&str; 9] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What is wrong with a field name.
fn fault(name: &str) -> Option<String> {
    if HOSTS_OWN.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        return Some(format!("`{name}` is a header that the host sets itself; choose another, as `x-request-id`"));
    }
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (name.is_empty() || !name.bytes().all(is_token))
        .then(|| format!("`{name}` is not a header name; letters, digits and hyphens are, as in `x-request-id`"))
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn names_are_tokens() {
        assert_eq!(fault("x-request-id"), None);
        for name in ["", "x request", "x:id", "x-größe", "x\n", "Host", "content-length"] {
            assert!(fault(name).is_some(), "{name:?}");
        }
    }
}
