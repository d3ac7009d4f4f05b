//! One exchange, from the request's head to the response's last byte.
//!
//! Everything that this room uses of the configuration hangs off the worker's [`Local`]. It must not know how bytes
//! reach the client, nor how a filter or a connection is made.

mod body;
mod error;
mod headers;
mod record;
mod redirect;

use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::rc::Rc;

use bytes::Bytes;
use http::{Method, Request, Response, header};
use hyper::body::Incoming;

use crate::plugin::{Exchange, ExchangeId, Flow, Held, Origin};
use crate::snapshot::Local;
use crate::telemetry::access::WorkerLog;
use crate::upstream::ResponseBody;

pub use body::ReplyBody;
use error::Error;
use record::Ongoing;

/// What the exchanges of one worker share.
#[derive(Debug)]
pub struct Worker {
    local: RefCell<Rc<Local>>,
    log: Rc<WorkerLog>,
    id: Cell<u128>,
}

impl Worker {
    /// A worker that begins with this snapshot.
    pub fn new(local: Local, log: Rc<WorkerLog>) -> Self {
        // The random upper half tells workers and restarts apart, the lower half counts.
        let id = u128::from(RandomState::new().hash_one(0)) << 64;
        Self { local: RefCell::new(Rc::new(local)), log, id: Cell::new(id) }
    }

    /// What exchanges that begin now use.
    pub fn local(&self) -> Rc<Local> {
        Rc::clone(&self.local.borrow())
    }

    /// What exchanges that begin from now on use.
    pub fn adopt(&self, local: Local) {
        self.local.replace(Rc::new(local));
    }

    fn next_id(&self) -> ExchangeId {
        self.id.set(self.id.get() + 1);
        ExchangeId(self.id.get())
    }
}

/// What is known of the connection that requests come on.
#[derive(Debug)]
pub struct Connection {
    /// The listener's place in the configuration.
    pub listener: usize,
    /// Who connected.
    pub peer: IpAddr,
    /// Whether the client speaks TLS with this proxy.
    pub is_tls: bool,
    /// Whether the peer's word about the client counts.
    pub is_trusted: bool,
    /// Every request is redirected to https at this port.
    pub redirect: Option<u16>,
}

impl Connection {
    /// What the client speaks, as a URL names it.
    pub fn scheme(&self) -> &'static str {
        if self.is_tls { "https" } else { "http" }
    }
}

/// Serves one exchange. Whatever happens, there is a response and a record.
pub async fn handle(worker: &Worker, connection: &Connection, request: Request<Incoming>) -> Response<ReplyBody> {
    let local = worker.local();
    let (head, body) = request.into_parts();
    let exchange = Exchange::begin(worker.next_id(), connection.peer, connection.scheme(), head);
    let mut ongoing = Ongoing::begin(exchange, Rc::clone(&worker.log), &local);
    let upstream = match forward(&local, connection, &mut ongoing.exchange, body).await {
        Ok(upstream) => upstream,
        Err(error) => {
            ongoing.fail(error);
            None
        }
    };
    while let Err(failed) = local.chain.response(&mut ongoing.exchange) {
        ongoing.fail(Error::Filter(failed));
    }
    reply(ongoing, upstream)
}

/// The request's way: to an answer by the upstream, or by a filter (then there is no upstream's body).
async fn forward(
    local: &Local,
    connection: &Connection,
    exchange: &mut Held,
    body: Incoming,
) -> Result<Option<ResponseBody>, Error> {
    headers::accept(&mut exchange.request, connection)?;
    if let Some(port) = connection.redirect {
        let head = redirect::to_https(&exchange.request, port)?;
        exchange.answer(head, None, Origin::Host);
        return Ok(None);
    }
    let target = local.snapshot.routes.find(exchange.request.uri.path());
    exchange.route = target.map(|target| target.route.clone());
    if local.chain.request(exchange).map_err(Error::Filter)? == Flow::Answered {
        return Ok(None);
    }
    let target = target.ok_or(Error::NoRoute)?;
    let upstream = &local.upstreams[target.upstream];
    headers::to_upstream(&mut exchange.request, || upstream.authority());
    let sent = upstream.send(&exchange.request, body).await;
    let (mut head, body) = sent.map_err(|error| Error::upstream(upstream.name(), error))?;
    headers::to_client(&mut head);
    exchange.answer(head, None, Origin::Upstream);
    Ok(Some(body))
}

/// The response, with a body that records the exchange when it ends.
fn reply(mut ongoing: Ongoing, upstream: Option<ResponseBody>) -> Response<ReplyBody> {
    let mut head = ongoing.answered();
    let is_head = ongoing.exchange.request.method == Method::HEAD;
    if let Some(bytes) = ongoing.exchange.body.as_mut().filter(|_| is_head) {
        // The server of HTTP/2 would send it.
        head.headers.insert(header::CONTENT_LENGTH, bytes.len().into());
        bytes.clear();
    }
    let body = match (ongoing.exchange.body.take(), upstream) {
        // An answer replaces the upstream's; dropping that cancels it.
        (Some(bytes), _) => ReplyBody::whole(bytes, ongoing),
        (None, Some(body)) => ReplyBody::upstream(body, ongoing),
        (None, None) => ReplyBody::whole(Bytes::new(), ongoing),
    };
    Response::from_parts(head, body)
}
