//! An exchange as filters see it: the heads, who asks, where it goes, and what filters keep about it.

use std::fmt;
use std::net::IpAddr;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use bytes::Bytes;
use http::{request, response};

/// Names an exchange in logs and to both peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeId(pub u128);

impl ExchangeId {
    /// 32 hexadecimal digits. By hand: the formatter takes five times as long, and every exchange may show its id
    /// thrice.
    pub fn to_hex(self) -> String {
        let mut hex = vec![0; 32];
        for ([high, low], byte) in hex.as_chunks_mut().0.iter_mut().zip(self.0.to_be_bytes()) {
            *high = b"0123456789abcdef"[usize::from(byte >> 4)];
            *low = b"0123456789abcdef"[usize::from(byte & 15)];
        }
        String::from_utf8(hex).expect("digits are ASCII")
    }
}

impl fmt::Display for ExchangeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.to_hex())
    }
}

/// Who made a response.
#[derive(Clone, Debug)]
pub enum Origin {
    /// The upstream.
    Upstream,
    /// A filter, with its reason.
    Filter(Box<Answer>),
    /// This host.
    Host,
}

/// Which filter answered, and why; for the log.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The entry's name.
    pub entry: String,
    /// The reason's code.
    pub code: String,
    /// The reason's detail.
    pub detail: String,
}

/// One request and its response.
#[derive(Debug)]
pub struct Exchange {
    /// Its name.
    pub id: ExchangeId,
    /// The peer of the connection.
    pub client: IpAddr,
    /// What the client speaks: `http` or `https`.
    pub scheme: &'static str,
    /// The route's name, once it is chosen.
    pub route: Option<Arc<str>>,
    /// What the client asked; with what filters changed.
    pub request: request::Parts,
    /// The response's head, once there is one.
    pub response: Option<response::Parts>,
    /// Who made the response.
    pub origin: Origin,
    /// The body of the answer that a filter or the host made; none if it is the upstream's.
    pub body: Option<Bytes>,
    /// How many entries of the chain the request has entered.
    pub(super) entered: usize,
    /// The entries that take no further part, a bit each.
    pub(super) out: u128,
    /// What filters keep from one hook to the next, by their place in the chain.
    pub(super) slots: Vec<(usize, Vec<u8>)>,
    /// An answer made in the running hook.
    pub(super) reply: Option<Reply>,
}

/// What `reply.send` was given.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) head: response::Parts,
    pub(super) body: Bytes,
    pub(super) code: String,
    pub(super) detail: String,
}

impl Exchange {
    /// A new exchange.
    pub fn begin(id: ExchangeId, client: IpAddr, scheme: &'static str, request: request::Parts) -> Held {
        Held(Some(Box::new(Self {
            id,
            client,
            scheme,
            route: None,
            request,
            response: None,
            origin: Origin::Upstream,
            body: None,
            entered: 0,
            out: 0,
            slots: Vec::new(),
            reply: None,
        })))
    }

    /// Sets the response.
    pub fn answer(&mut self, head: response::Parts, body: Option<Bytes>, origin: Origin) {
        self.response = Some(head);
        self.body = body;
        self.origin = origin;
    }
}

/// An exchange that can be lent to a store for the time of a hook: moving it moves one pointer.
#[derive(Debug)]
pub struct Held(pub(super) Option<Box<Exchange>>);

impl Deref for Held {
    type Target = Exchange;

    fn deref(&self) -> &Exchange {
        self.0.as_deref().expect("an exchange is lent for the time of a hook only")
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut Exchange {
        self.0.as_deref_mut().expect("an exchange is lent for the time of a hook only")
    }
}
