//! Who is counted: the values by which requests are told apart, as a short text that nobody can make stand for somebody else.

use std::net::{IpAddr, Ipv6Addr};

use weir::Request;
use weir::crypto::{Hash, digest};
use weir::source::Source;

use crate::limit::push_number;

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
        let mut text = String::with_capacity(48);
        for (index, sources) in self.choices.iter().enumerate() {
            if self.write(index, sources, request, &mut text).is_some() {
                return text;
            }
        }
        text.push_str("none");
        text
    }

    /// The combination's number and its values; none if one is not there. What a client may send is never kept as it is, for it
    /// may be a credential, nor is what is long or unprintable. Of several values the length stands before each, so that they
    /// cannot flow into one another.
    fn write(&self, index: usize, sources: &[Source], request: &Request, text: &mut String) -> Option<()> {
        let mut joined = String::new();
        let mut is_plain = true;
        for source in sources {
            let value = self.value(source, request)?;
            is_plain &= !matches!(source, Source::Header(_) | Source::Cookie(_) | Source::Query(_))
                && value.len() <= LONGEST
                && value.bytes().all(|byte| byte.is_ascii_graphic());
            if let [_] = sources {
                joined = value;
            } else {
                push_number(&mut joined, value.len() as u64);
                joined.push(':');
                joined.push_str(&value);
            }
        }
        push_number(text, index as u64);
        text.push('=');
        if is_plain {
            text.push_str(&joined);
        } else {
            text.push('#');
            let digest = digest(Hash::Sha256, joined.as_bytes());
            digest.iter().take(16).for_each(|byte| push_byte(text, *byte));
        }
        Some(())
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

    /// An IPv6 address as the bits that are one client.
    fn network(&self, address: String) -> String {
        if !address.contains(':') {
            return address;
        }
        match address.parse::<Ipv6Addr>().map(|address| address.to_canonical()) {
            Ok(IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shr(self.ipv6_prefix.into()).map_or(u128::MAX, |behind| !behind);
                let mut text = String::with_capacity(32);
                let bits = (address.to_bits() & mask).to_be_bytes();
                let bytes = usize::from(self.ipv6_prefix.div_ceil(8));
                bits.iter().take(bytes).for_each(|byte| push_byte(&mut text, *byte));
                text
            }
            Ok(IpAddr::V4(address)) => address.to_string(),
            Err(_) => address,
        }
    }
}

fn push_byte(text: &mut String, byte: u8) {
    for half in [byte >> 4, byte & 15] {
        text.push(HEX.get(usize::from(half)).copied().map_or('0', char::from));
    }
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
