//! What the upstream is told about the client, and going on from what was said before.

use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::element::{self, Element};
use super::{FOR, HOST, PROTO, listed};
use crate::upstream::Added;

/// What was said about the client before this proxy, as it was written.
#[derive(Debug, Default)]
pub(in crate::proxy) struct Said {
    /// X-Forwarded-For.
    client: Vec<HeaderValue>,
    /// X-Forwarded-Proto.
    proto: Vec<HeaderValue>,
    /// X-Forwarded-Host.
    host: Vec<HeaderValue>,
    /// Forwarded.
    forwarded: Vec<HeaderValue>,
}

/// Takes out of a head what [`Fields`] goes on from. None is the usual case.
pub(in crate::proxy) fn take(headers: &mut HeaderMap) -> Option<Box<Said>> {
    if !headers.keys().any(|name| *name == header::FORWARDED || [&FOR, &PROTO, &HOST].contains(&name)) {
        return None;
    }
    let mut all = |name: &HeaderName| {
        let lines = headers.get_all(name).iter().cloned().collect();
        headers.remove(name);
        lines
    };
    Some(Box::new(Said { client: all(&FOR), proto: all(&PROTO), host: all(&HOST), forwarded: all(&header::FORWARDED) }))
}

/// Fields for the upstream, of any number.
pub(in crate::proxy) type Pairs = Rc<Added>;

/// What the upstream is told about the client of one connection.
#[derive(Debug)]
pub(in crate::proxy) struct Fields {
    peer: IpAddr,
    scheme: &'static str,
    /// The last host that was named, and what was told then.
    last: RefCell<Option<(Option<HeaderValue>, Pairs)>>,
}

impl Fields {
    /// For a connection of this peer that carries `http` or `https`.
    pub(in crate::proxy) fn new(peer: IpAddr, scheme: &'static str) -> Self {
        Self { peer: peer.to_canonical(), scheme, last: RefCell::new(None) }
    }

    /// What to send besides the head's own fields: the `Host` that the peer named, and what was said before. The same
    /// host as the last time, and nothing said, costs a comparison.
    pub(in crate::proxy) fn tell(&self, host: Option<&HeaderValue>, said: Option<&Said>) -> Pairs {
        // A copy: the value that came is a part of what was read, and would keep all of it.
        let copied = || host.and_then(|host| HeaderValue::from_bytes(host.as_bytes()).ok());
        if let Some(said) = said {
            return self.pairs(copied(), said);
        }
        let mut last = self.last.borrow_mut();
        if let Some((named, pairs)) = &*last
            && named.as_ref() == host
        {
            return Rc::clone(pairs);
        }
        let host = copied();
        let pairs = self.pairs(host.clone(), &Said::default());
        *last = Some((host, Rc::clone(&pairs)));
        pairs
    }

    fn pairs(&self, host: Option<HeaderValue>, said: &Said) -> Pairs {
        // One of the two lists stands for the other where only one came. What cannot be read cannot be gone on from.
        let elements: Option<Vec<Vec<Element>>> =
            said.forwarded.iter().map(|line| element::read(line.as_bytes())).collect();
        let elements = elements.unwrap_or_default().concat();
        let addresses: Vec<Option<IpAddr>> = said.client.iter().flat_map(listed).collect();
        // The trusted peer's own words are the last ones.
        let nearest = elements.last();

        let mut client = joined(if addresses.is_empty() { &[] } else { &said.client });
        let mut forwarded = joined(if elements.is_empty() { &[] } else { &said.forwarded });
        if addresses.is_empty() {
            for element in &elements {
                let address = element.address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
                append(&mut client, address.as_bytes());
            }
        }
        if elements.is_empty() {
            for (index, address) in addresses.iter().enumerate() {
                let is_nearest = index + 1 == addresses.len();
                let word = |lines: &[HeaderValue]| match lines {
                    [line] if is_nearest => Some(line.as_bytes().to_vec()),
                    _ => None,
                };
                let element = Element { address: *address, proto: word(&said.proto), host: word(&said.host) };
                append(&mut forwarded, &element.written());
            }
        }
        append(&mut client, self.peer.to_string().as_bytes());
        let own = Element {
            address: Some(self.peer),
            proto: Some(self.scheme.into()),
            host: host.as_ref().map(|host| host.as_bytes().to_vec()),
        };
        append(&mut forwarded, &own.written());

        let word = |lines: &[HeaderValue], element: Option<&Vec<u8>>, own: Option<HeaderValue>| -> Vec<HeaderValue> {
            let element = element.and_then(|word| HeaderValue::from_bytes(word).ok());
            if lines.is_empty() { element.or(own).into_iter().collect() } else { lines.to_vec() }
        };
        let proto = nearest.and_then(|element| element.proto.as_ref());
        let proto = word(&said.proto, proto, Some(HeaderValue::from_static(self.scheme)));
        let host = word(&said.host, nearest.and_then(|element| element.host.as_ref()), host);
        let whole = |bytes: Vec<u8>| HeaderValue::try_from(bytes).ok().into_iter().collect();
        let told = [(&FOR, whole(client)), (&PROTO, proto), (&HOST, host), (&header::FORWARDED, whole(forwarded))];
        let fields = told.into_iter().flat_map(|(name, values)| values.into_iter().map(|value| (name.clone(), value)));
        Rc::new(Added::new(fields))
    }
}

fn joined(lines: &[HeaderValue]) -> Vec<u8> {
    let mut list = Vec::new();
    for line in lines {
        append(&mut list, line.as_bytes().trim_ascii());
    }
    list
}

fn append(list: &mut Vec<u8>, item: &[u8]) {
    if !list.is_empty() && !item.is_empty() {
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(item);
}
