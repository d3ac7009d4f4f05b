//! An exchange as filters see it: the heads, who asks, where it goes, and what filters keep about it.

use std::fmt;
use std::net::IpAddr;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, StatusCode, header, request, response};

use super::alternatives::Asking;
use super::steering::{Armed, Message, Paused, Steering};
use super::trail::{Streamed, Trail};
use super::vars::Vars;
use crate::clock;
use crate::files;
use crate::telemetry::metrics::{self, EachWorker};
use crate::telemetry::story::Served;

/// Names an exchange in logs and to both peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeId(pub u128);

impl ExchangeId {
    /// 32 hexadecimal digits. By hand: the formatter takes five times as long, and every exchange may show its id
    /// thrice.
    pub fn hex(self) -> [u8; 32] {
        let mut hex = [0; 32];
        for ([high, low], byte) in hex.as_chunks_mut().0.iter_mut().zip(self.0.to_be_bytes()) {
            *high = b"0123456789abcdef"[usize::from(byte >> 4)];
            *low = b"0123456789abcdef"[usize::from(byte & 15)];
        }
        hex
    }

    /// The same as text.
    pub fn to_hex(self) -> String {
        String::from_utf8(self.hex().to_vec()).expect("digits are ASCII")
    }

    /// From what [`ExchangeId::to_hex`] makes.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        u128::from_str_radix(text, 16).ok().filter(|_| is_hex).map(Self)
    }

    /// Whether it is written so.
    pub fn is(self, text: &[u8]) -> bool {
        let Ok(text) = <&[u8; 32]>::try_from(text) else { return false };
        let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
        let pairs = text.as_chunks::<2>().0.iter().zip(self.0.to_be_bytes());
        pairs.into_iter().all(|(pair, byte)| *pair == [digit(byte >> 4), digit(byte & 15)])
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

/// The connection that requests come on.
#[derive(Debug)]
pub struct Peer {
    /// Its address, in one spelling.
    pub address: IpAddr,
    /// Whether its word about the client counts.
    pub is_trusted: bool,
    /// What it speaks, as a URL names it: `http` or `https`.
    pub scheme: &'static str,
    /// The name of the listener.
    pub listener: Arc<str>,
    /// How the connection is protected.
    pub tls: Option<Tls>,
}

/// How a connection is protected.
#[derive(Clone, Debug)]
pub struct Tls {
    /// `TLSv1.3`.
    pub version: String,
    /// The cipher suite.
    pub cipher: String,
    /// The host that the client named.
    pub server_name: Option<String>,
}

/// What serves an exchange.
#[derive(Debug, Default)]
pub struct Serving {
    /// The site's name.
    pub site: String,
    /// The route's; empty if there is none.
    pub route: String,
    /// What is taken off the path.
    pub strip_prefix: String,
    /// What is counted of its exchanges, under these names.
    pub counts: Arc<EachWorker<metrics::Route>>,
    /// Where this stands in the configuration, and the chain.
    pub served: Arc<Served>,
}

/// One request and its response.
#[derive(Debug)]
pub struct Exchange {
    /// Its name.
    pub id: ExchangeId,
    /// Who asks: the peer, or whom a trusted peer speaks for.
    pub client: IpAddr,
    /// Where it came in.
    pub peer: Arc<Peer>,
    /// What serves it, once that is chosen.
    pub serving: Option<Arc<Serving>>,
    /// When its head was there.
    pub started: Instant,
    /// What the client asked; with what filters changed.
    pub request: request::Parts,
    /// Path and query that a filter set for the upstream.
    pub target: Option<PathAndQuery>,
    /// What the client asked, as it is told of: without the values that filters conceal. None if that is the request's own.
    pub(super) shown: Option<Box<str>>,
    /// The response's head, once there is one.
    pub response: Option<response::Parts>,
    /// Who made the response.
    pub origin: Origin,
    /// The body of the answer that a filter or the host made; none if it is the upstream's.
    pub body: Option<Bytes>,
    /// What comes behind that body.
    pub trailers: Option<HeaderMap>,
    /// How it went, once it is over.
    pub summary: Option<Box<Summary>>,
    /// Which hooks ran.
    pub trail: Trail,
    /// How many entries of the chain the request has entered.
    pub(super) entered: usize,
    /// How many it had entered when it turned back.
    pub(super) reached: usize,
    /// The entries that take no further part, a bit each.
    pub(super) out: u128,
    /// The entries of these that took none at all or failed: they are not told of the end either.
    pub(super) absent: u128,
    /// An answer made in the running hook.
    pub(super) reply: Option<Reply>,
    /// Files that the running hook wants sent.
    pub(super) sending: Option<Box<files::Wanted>>,
    /// What the running hook armed.
    pub(super) armed: Option<Armed>,
    /// The filter that waits, or did.
    pub(super) paused: Option<Paused>,
    /// Alternatives of which none has let the request pass yet.
    pub(super) asking: Option<Box<Asking>>,
    memory: Option<Arc<Mutex<Memory>>>,
    steering: [Option<Box<Steering>>; 2],
}

/// How an exchange went.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// The status that was sent, if a head was.
    pub status: Option<u16>,
    /// Who ended it.
    pub ending: Ending,
    /// Bytes of the request's body.
    pub received: u64,
    /// Bytes of the response's body.
    pub sent: u64,
    /// From the request's head to the end, in microseconds.
    pub duration: u64,
    /// From the request's head to the response's, in microseconds.
    pub until_response: Option<u64>,
}

/// Who ended an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is whole.
    Complete,
    /// The client has gone.
    ClientGone,
    /// The upstream broke off.
    UpstreamFailed,
    /// A time limit.
    TimedOut,
    /// The request's body was beyond its limit.
    TooLarge,
    /// A filter.
    FilterFailed,
}

/// What filters keep about an exchange. Shared with the bodies on their way, which filters may look at while a hook
/// runs; seldom, so a lock is enough.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// By their place in the chain.
    pub(super) slots: Vec<(usize, Vec<u8>)>,
    pub(super) vars: Vars,
    /// Requests of their own so far, by their place in the chain.
    calls: Vec<(usize, u32)>,
    /// What chunk hooks did.
    pub(super) streamed: Vec<Streamed>,
}

/// What `reply.send` was given.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) head: response::Parts,
    pub(super) body: Bytes,
    pub(super) trailers: Option<HeaderMap>,
    pub(super) code: String,
    pub(super) detail: String,
}

impl Exchange {
    /// A new exchange.
    pub fn begin(id: ExchangeId, started: Instant, peer: &Arc<Peer>, request: request::Parts) -> Held {
        Held(Some(Box::new(Self {
            id,
            client: peer.address,
            peer: Arc::clone(peer),
            serving: None,
            started,
            request,
            target: None,
            shown: None,
            response: None,
            origin: Origin::Upstream,
            body: None,
            trailers: None,
            summary: None,
            trail: Trail::default(),
            entered: 0,
            reached: 0,
            out: 0,
            absent: 0,
            reply: None,
            sending: None,
            armed: None,
            paused: None,
            asking: None,
            memory: None,
            steering: [None, None],
        })))
    }

    /// What the filters of a body on its way see: the request, and the same memory. The exchange itself goes on beside.
    pub(super) fn beside(&mut self) -> Held {
        let memory = self.shared_memory();
        let mut request = http::Request::new(()).into_parts().0;
        request.method = self.request.method.clone();
        request.uri = self.request.uri.clone();
        request.headers = self.request.headers.clone();
        let mut beside = Self::begin(self.id, self.started, &self.peer, request);
        beside.client = self.client;
        beside.serving.clone_from(&self.serving);
        beside.target.clone_from(&self.target);
        beside.memory = Some(memory);
        self.trail.has_bodies = true;
        if self.trail.is_on() {
            beside.trail.begin();
        }
        beside
    }

    /// Path and query that the client asked for, as records, stories and traces tell them.
    pub fn shown_target(&self) -> &str {
        let asked = || self.request.uri.path_and_query().map_or("", PathAndQuery::as_str);
        self.shown.as_deref().unwrap_or_else(asked)
    }

    /// Since its head was there.
    pub fn elapsed(&self) -> Duration {
        clock::moment().saturating_duration_since(self.started)
    }

    /// Sets the response. Filters see the length of a body that is here.
    pub fn answer(&mut self, mut head: response::Parts, body: Option<Bytes>, origin: Origin) {
        let may_have_body = ![StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&head.status);
        if let Some(body) = body.as_ref().filter(|_| may_have_body) {
            head.headers.insert(header::CONTENT_LENGTH, body.len().into());
        }
        self.response = Some(head);
        self.body = body;
        self.trailers = None;
        self.origin = origin;
        // What was asked for about another body.
        self.steering[Message::Response as usize] = None;
    }

    /// One more request of the filter's at this place of the chain; how many that makes.
    pub(super) fn count_call(&mut self, position: usize) -> u32 {
        let mut memory = self.memory_mut();
        let index = memory.calls.iter().position(|(owner, _)| *owner == position);
        let index = index.unwrap_or_else(|| {
            memory.calls.push((position, 0));
            memory.calls.len() - 1
        });
        memory.calls[index].1 = memory.calls[index].1.saturating_add(1);
        memory.calls[index].1
    }

    /// Whether the entry at this place of the chain takes part: the request entered it, and it did not fail.
    pub(super) fn has_part(&self, position: usize) -> bool {
        position < self.reached.max(self.entered) && self.absent & (1 << position) == 0
    }

    /// What filters asked for about a message's body; none if nothing.
    pub fn steering(&mut self, message: Message) -> Option<&mut Steering> {
        self.steering[message as usize].as_deref_mut()
    }

    pub(super) fn steer(&mut self, message: Message) -> &mut Steering {
        self.steering[message as usize].get_or_insert_default()
    }

    /// A filter takes no further part, nor in bodies.
    pub(super) fn forget_stages(&mut self, position: usize) {
        for steering in self.steering.iter_mut().flatten() {
            steering.stages.retain(|stage| !stage.is_of(position));
        }
    }

    pub(super) fn read_steering(&self, message: Message) -> Option<&Steering> {
        self.steering[message as usize].as_deref()
    }

    /// What filters kept, if they kept anything.
    pub(super) fn memory(&self) -> Option<MutexGuard<'_, Memory>> {
        self.memory.as_ref().map(|memory| memory.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The same, for who looks at it beside the exchange.
    pub(super) fn shared_memory(&mut self) -> Arc<Mutex<Memory>> {
        Arc::clone(self.memory.get_or_insert_default())
    }

    pub(super) fn memory_mut(&mut self) -> MutexGuard<'_, Memory> {
        self.memory.get_or_insert_default().lock().unwrap_or_else(PoisonError::into_inner)
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

impl Held {
    /// Takes the exchange out, for those who are told of its end.
    #[must_use]
    pub fn take(&mut self) -> Self {
        Self(self.0.take())
    }

    /// The body that a filter waited for: all of it, if it was within its limit.
    pub fn buffered(&mut self, message: Message, whole: Option<Bytes>) {
        self.steer(message).buffered = whole;
    }
}
