//! Who is counted: the values by which requests are told apart, as a short text that nobody can make stand for somebody else.

use std::net::IpAddr;

use weir::Request;
use weir::crypto::{Hash, digest};
use weir::network::Network;
use weir::source::Source;

/// What tells requests apart: the first combination that a request has all values of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// One without values is everybody's.
    choices: Vec<Vec<Source>>,
    /// Leading bits of an IPv6 address that count.
    ipv6_prefix: u8,
}

/// A value that is longer stands there as its digest.
const LONGEST: usize = 64;

const HEX: &[u8; 16] = b"0123456789abcdef";

impl Key {
    pub(crate) fn new(choices: Vec<Vec<Source>>, ipv6_prefix: u8) -> Self {
        Self { choices, ipv6_prefix }
    }

    /// Who asks. It begins with which combination that is: a user who has an address for a name is not that address. Requests
    /// that have none of them are counted together.
    pub(crate) fn of(&self, request: &Request) -> String {
        let found = self.choices.iter().enumerate().find_map(|(index, sources)| {
            let values = sources.iter().map(|source| self.value(source, request)).collect::<Option<Vec<_>>>()?;
            Some(who(index, sources, &values))
        });
        found.unwrap_or_else(|| "none".to_owned())
    }

    /// How it is named to operators; the values are nobody's business.
    pub(crate) fn name(&self, who: &str) -> String {
        let index = who.split('=').next().and_then(|index| index.parse::<usize>().ok());
        let Some(sources) = index.and_then(|index| self.choices.get(index)) else {
            return "those without a key".to_owned();
        };
        let names: Vec<String> = sources.iter().map(name).collect();
        if names.is_empty() { "everyone".to_owned() } else { names.join(" + ") }
    }

    /// What is empty tells nobody apart from anybody.
    fn value(&self, source: &Source, request: &Request) -> Option<String> {
        let value = source.read(request).filter(|value| !value.is_empty())?;
        Some(if *source == Source::ClientIp { self.network(value) } else { value })
    }

    /// An IPv6 address as the network that one client has.
    fn network(&self, address: String) -> String {
        if !address.contains(':') {
            return address;
        }
        match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
            Ok(address @ IpAddr::V6(_)) => {
                Network::new(address, self.ipv6_prefix).map_or(String::new(), |network| network.to_string())
            }
            Ok(address) => address.to_string(),
            Err(_) => address,
        }
    }
}

/// The combination's number and its values. What a client may send is never kept as it is, for it may be a credential, nor is
/// what is long or unprintable; of several values the length stands before each, so that they cannot flow into one another.
fn who(index: usize, sources: &[Source], values: &[String]) -> String {
    let mut text = index.to_string();
    let is_plain = |(source, value): (&Source, &String)| {
        !matches!(source, Source::Header(_) | Source::Cookie(_) | Source::Query(_))
            && value.len() <= LONGEST
            && value.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let are_plain = sources.iter().zip(values).all(is_plain);
    let mut joined = String::new();
    let values = match values {
        [value] => value,
        _ => {
            for value in values {
                joined.push_str(&value.len().to_string());
                joined.push(':');
                joined.push_str(value);
            }
            &joined
        }
    };
    if are_plain {
        text.push('=');
        text.push_str(values);
    } else {
        text.push_str("=#");
        let digest = digest(Hash::Sha256, values.as_bytes());
        for byte in digest.iter().take(16) {
            for half in [byte >> 4, byte & 15] {
                text.push(char::from(HEX[usize::from(half)]));
            }
        }
    }
    text
}

fn name(source: &Source) -> String {
    match source {
        Source::ClientIp => "client.ip".to_owned(),
        Source::Method => "method".to_owned(),
        Source::Path => "path".to_owned(),
        Source::Header(name) => ["header:", name].concat(),
        Source::Query(name) => ["query:", name].concat(),
        Source::Cookie(name) => ["cookie:", name].concat(),
        Source::Var(name) => name.clone(),
        _ => "upstream.path".to_owned(),
    }
}
