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

use http::{Request, Response, StatusCode, header};
use hyper::body::Incoming;

use crate::config::HostHeader;
use crate::paths;
use crate::plugin::{Chain, Exchange, ExchangeId, Flow, Held, Origin};
use crate::routing::{Asked, Found};
use crate::snapshot::{Local, Route, Snapshot};
use crate::telemetry::access::WorkerLog;
use crate::upstream::{Host, Outbound, RequestBody, ResponseBody};

pub use body::ReplyBody;
use error::Error;
use headers::Wishes;
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
    let chosen = choose(&local.snapshot, 0, &mut ongoing.exchange);
    let upstream = match &chosen {
        Ok(chosen) => forward(&local, chosen, &mut ongoing.exchange, body).await,
        Err(_) => Ok(None),
    };
    let chain = chosen.as_ref().map(|chosen| chosen.chain).ok();
    let upstream = match upstream.and_then(|upstream| chosen.map(|_| upstream)) {
        Ok(upstream) => upstream,
        Err(error) => {
            ongoing.fail(error);
            None
        }
    };
    while let Some(Err(failed)) = chain.map(|chain| local.pools.response(chain, &mut ongoing.exchange)) {
        ongoing.fail(Error::Filter(failed));
    }
    reply(ongoing, upstream)
}

/// What serves a request.
struct Chosen<'a> {
    chain: &'a Chain,
    wishes: Wishes,
    /// Or why there is none.
    route: Result<&'a Route, Found>,
}

/// Finds the site and the route. The path is matched, seen by filters and sent in one spelling.
fn choose<'a>(snapshot: &'a Snapshot, listener: usize, exchange: &mut Held) -> Result<Chosen<'a>, Error> {
    let wishes = headers::accept(&mut exchange.request)?;
    let host = exchange.request.headers.get(header::HOST).map(|host| host.to_str().unwrap_or_default());
    let index = snapshot.router.site(listener, host.unwrap_or_default()).ok_or(Error::NoSite)?;
    let site = &snapshot.sites[index];
    headers::normalize(&mut exchange.request.uri, site.paths)?;
    let request = &exchange.request;
    let asked = Asked {
        path: request.uri.path(),
        query: request.uri.query(),
        method: &request.method,
        headers: &request.headers,
    };
    match snapshot.router.route(index, &asked) {
        Found::Route(route) => {
            let route = &site.routes[route];
            exchange.route = Some(route.name.clone());
            Ok(Chosen { chain: &route.chain, wishes, route: Ok(route) })
        }
        nothing => Ok(Chosen { chain: &site.chain, wishes, route: Err(nothing) }),
    }
}

/// What an upstream's answer goes on with.
enum Answered {
    Body(ResponseBody),
    Switch(Switch),
}

/// The request's way: to an answer by the upstream, or by a filter (then there is no upstream's body).
async fn forward(
    local: &Local,
    chosen: &Chosen<'_>,
    exchange: &mut Held,
    body: Incoming,
) -> Result<Option<Answered>, Error> {
    if local.pools.request(chosen.chain, exchange).map_err(Error::Filter)? == Flow::Answered {
        return Ok(None);
    }
    let route = chosen.route.as_ref().map_err(|nothing| match nothing {
        Found::Method(allowed) => Error::Method(allowed.clone()),
        _ => Error::NoRoute,
    })?;
    let upstream = &local.upstreams[route.upstream];
    headers::to_upstream(&mut exchange.request);
    let target = exchange.request.uri.path_and_query().map_or("/", |target| target.as_str());
    let outbound = Outbound {
        head: &exchange.request,
        target: &paths::strip(target, &route.strip_prefix),
        host: match &route.host_header {
            HostHeader::Preserve => Host::Client,
            HostHeader::Upstream => Host::Endpoint,
            HostHeader::Name(name) => Host::Is(name),
        },
        added: &[],
        client: exchange.client,
        timeouts: &route.timeouts,
        upgrade: chosen.wishes.upgrade.as_ref(),
        trailers: chosen.wishes.trailers,
    };
    let sent = upstream.send(outbound, RequestBody::new(body, route.largest_body)).await;
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
