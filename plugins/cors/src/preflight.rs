//! Preflights: what a browser asks before it sends what no form could send, and the answer.

use weir::{Reply, Request, Result};

use crate::fields;
use crate::origins::Origins;
use crate::words::{Words, is_token};

/// What preflights are answered with.
#[derive(Debug)]
pub(crate) struct Preflights {
    pub(crate) methods: Words,
    pub(crate) headers: Words,
    /// Seconds for which browsers need not ask again.
    pub(crate) max_age: u64,
    /// Whether pages of the internet may reach an address of a private network.
    pub(crate) private_network: bool,
}

/// Of names in one preflight; a browser that asks for more is none.
const MOST_HEADERS: usize = 256;

const VARY: &str =
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network";

/// Why a preflight is refused, and the detail for the log.
struct Refused(&'static str, String);

/// What it asks about, if it may.
struct Granted {
    methods: String,
    /// `None` if there is nothing to allow.
    headers: Option<String>,
    private_network: bool,
}

impl Preflights {
    /// The answer to this origin, or to several of them. One that is refused has no field that allows anything: that is
    /// how browsers are told.
    pub(crate) fn answer(
        &self,
        request: &Request,
        origins: &Origins,
        asking: Option<Vec<u8>>,
        credentials: bool,
    ) -> Result {
        let reply = Reply::new(204).header(fields::VARY, VARY);
        let origin = match asking {
            Some(origin) if origins.has(&origin) => origin,
            Some(origin) => return reply.detail(shown(&[origin])).send("origin-not-allowed"),
            None => return reply.detail("several origins").send("origin-not-allowed"),
        };
        let granted = match self.grant(request) {
            Ok(granted) => granted,
            Err(Refused(reason, detail)) => return reply.detail(detail).send(reason),
        };
        let origin = if origins.is_any() { b"*".to_vec() } else { origin };
        let mut reply = reply
            .header(fields::ALLOW_ORIGIN, origin)
            .header(fields::ALLOW_METHODS, granted.methods)
            .header(fields::MAX_AGE, self.max_age.to_string());
        if let Some(headers) = granted.headers {
            reply = reply.header(fields::ALLOW_HEADERS, headers);
        }
        if credentials {
            reply = reply.header(fields::ALLOW_CREDENTIALS, "true");
        }
        if granted.private_network {
            reply = reply.header(fields::ALLOW_PRIVATE_NETWORK, "true");
        }
        reply.send("preflight")
    }

    fn grant(&self, request: &Request) -> std::result::Result<Granted, Refused> {
        let methods = request.header_values(fields::REQUEST_METHOD);
        let method = match methods.as_slice() {
            [method] if is_token(method) => text(method),
            _ => return Err(Refused("bad-preflight", shown(&methods))),
        };
        let methods = match &self.methods {
            Words::All => method,
            Words::These(known) if known.contains(&method) => known.join(", "),
            Words::These(_) => return Err(Refused("method-not-allowed", method)),
        };
        let fields = request.header_values(fields::REQUEST_HEADERS);
        let asked = fields.iter().flat_map(|field| field.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
        let asked: Vec<&[u8]> = asked.filter(|name| !name.is_empty()).take(MOST_HEADERS + 1).collect();
        if asked.len() > MOST_HEADERS || !asked.iter().all(|name| is_token(name)) {
            return Err(Refused("bad-preflight", shown(&fields)));
        }
        let headers = match &self.headers {
            Words::All if asked.is_empty() => None,
            Words::All => Some(text(&asked.join(b", ".as_slice()))),
            Words::These(known) => {
                let is_known = |name: &&[u8]| known.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name));
                if let Some(unknown) = asked.iter().find(|name| !is_known(name)) {
                    return Err(Refused("header-not-allowed", text(unknown)));
                }
                self.headers.joined()
            }
        };
        let private_network = request.header(fields::REQUEST_PRIVATE_NETWORK).is_some_and(|asked| asked == b"true");
        if private_network && !self.private_network {
            return Err(Refused("private-network-not-allowed", String::new()));
        }
        Ok(Granted { methods, headers, private_network })
    }
}

fn text(token: &[u8]) -> String {
    String::from_utf8_lossy(token).into_owned()
}

/// The values of a field, for the log: enough of them to know them again.
fn shown(values: &[Vec<u8>]) -> String {
    let all = values.join(b", ".as_slice());
    text(&all[..all.len().min(200)])
}
