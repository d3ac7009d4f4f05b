//! One exchange, from the request's head to the response's last byte.
//!
//! Everything that this room uses of the configuration hangs off the worker's [`Local`]. It must not know how bytes
//! reach the client, nor how a filter or a connection is made.

mod body;
mod error;
mod headers;
mod record;
mod upgrade;

use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::rc::Rc;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;

use crate::config::Timeouts;
use crate::plugin::{Exchange, ExchangeId, Flow, Held, Origin};
use crate::snapshot::Local;
use crate::telemetry::access::WorkerLog;
use crate::upstream::{Host, Outbound, RequestBody, ResponseBody};

pub use body::ReplyBody;
use error::Error;
use record::Ongoing;
use upgrade::Switch;

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

/// Serves one exchange. Whatever happens, there is a response and a record.
pub async fn handle(worker: &Worker, client: IpAddr, request: Request<Incoming>) -> Response<ReplyBody> {
    let local = worker.local();
    let (head, body) = request.into_parts();
    let exchange = Exchange::begin(worker.next_id(), client, head);
    let mut ongoing = Ongoing::begin(exchange, Rc::clone(&worker.log), &local);
    let upstream = match forward(&local, &mut ongoing.exchange, body).await {
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

/// What an upstream's answer goes on with.
enum Answered {
    Body(ResponseBody),
    Switch(Switch),
}

/// The request's way: to an answer by the upstream, or by a filter (then there is no upstream's body).
async fn forward(local: &Local, exchange: &mut Held, body: Incoming) -> Result<Option<Answered>, Error> {
    let wishes = headers::accept(&mut exchange.request)?;
    let target = local.snapshot.routes.find(exchange.request.uri.path());
    exchange.route = target.map(|target| target.route.clone());
    if local.chain.request(exchange).map_err(Error::Filter)? == Flow::Answered {
        return Ok(None);
    }
    let target = target.ok_or(Error::NoRoute)?;
    let upstream = &local.upstreams[target.upstream];
    headers::to_upstream(&mut exchange.request);
    let outbound = Outbound {
        head: &exchange.request,
        target: exchange.request.uri.path_and_query().map_or("/", |target| target.as_str()),
        host: Host::Client,
        added: &[],
        client: exchange.client,
        timeouts: &Timeouts::default(),
        upgrade: wishes.upgrade.as_ref(),
        trailers: wishes.trailers,
    };
    let sent = upstream.send(outbound, RequestBody::new(body, u64::MAX)).await;
    let (mut head, body) = sent.map_err(|error| Error::upstream(upstream.name(), error))?;
    let answered = if head.status == StatusCode::SWITCHING_PROTOCOLS {
        let switch = Switch::new(&head, body, &mut exchange.request);
        Answered::Switch(switch.map_err(|error| Error::upstream(upstream.name(), error))?)
    } else {
        Answered::Body(body)
    };
    headers::to_client(&mut head);
    exchange.answer(head, None, Origin::Upstream);
    Ok(Some(answered))
}

/// The response, with a body that records the exchange when it ends.
fn reply(mut ongoing: Ongoing, upstream: Option<Answered>) -> Response<ReplyBody> {
    let mut head = ongoing.answered();
    let body = match (ongoing.exchange.body.take(), upstream) {
        // An answer replaces the upstream's; dropping that cancels it.
        (Some(bytes), _) => ReplyBody::whole(bytes, ongoing),
        (None, Some(Answered::Body(body))) => ReplyBody::upstream(body, ongoing),
        (None, Some(Answered::Switch(switch))) => {
            switch.begin(&mut head, ongoing);
            ReplyBody::switched()
        }
        (None, None) => ReplyBody::whole(bytes::Bytes::new(), ongoing),
    };
    Response::from_parts(head, body)
}
