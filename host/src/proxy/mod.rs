//! One exchange, from the request's head to the response's last byte.
//!
//! Everything that this room uses of the configuration hangs off the worker's [`Local`]. It must not know how bytes
//! reach the client, nor how a filter or a connection is made.

mod body;
mod choose;
mod error;
mod forwarded;
mod headers;
mod mapping;
mod record;
mod redirect;
mod upgrade;
mod worker;

use std::rc::Rc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;

use crate::config::HostHeader;
use crate::paths;
use crate::plugin::{Exchange, Flow, Held, Origin};
use crate::routing::Found;
use crate::snapshot::Local;
use crate::upstream::{Host, Outbound, RequestBody, ResponseBody};

pub use body::ReplyBody;
use choose::{Chosen, choose};
use error::Error;
use mapping::Mapping;
use record::Ongoing;
use upgrade::Switch;
pub use worker::{Connection, Worker};

/// Serves one exchange. Whatever happens, there is a response and a record.
pub async fn handle(worker: &Worker, connection: &Connection, request: Request<Incoming>) -> Response<ReplyBody> {
    let local = worker.local();
    let (head, body) = request.into_parts();
    let body = RequestBody::new(body, head.version == Version::HTTP_2);
    let exchange = Exchange::begin(worker.next_id(), connection.peer, connection.scheme(), head);
    let mut ongoing = Ongoing::begin(exchange, Rc::clone(&worker.log), &local);
    let chosen = enter(&local, connection, &mut ongoing.exchange);
    let answered = match &chosen {
        Ok(Some(chosen)) => forward(&local, connection, chosen, &mut ongoing.exchange, body).await,
        Ok(None) | Err(_) => Ok(None),
    };
    let chain = chosen.as_ref().ok().and_then(|chosen| chosen.as_ref().map(|chosen| chosen.chain));
    let upstream = match answered.and_then(|answered| chosen.map(|_| answered)) {
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

/// What serves the request; none if the listener redirects, which is answered here.
fn enter<'a>(local: &'a Local, connection: &Connection, exchange: &mut Held) -> Result<Option<Chosen<'a>>, Error> {
    let wishes = headers::accept(&mut exchange.request, connection)?;
    exchange.client = connection.client(&mut exchange.request, wishes.has_claims);
    if let Some(port) = connection.redirect {
        let head = redirect::to_https(&exchange.request, port)?;
        exchange.answer(head, None, Origin::Host);
        return Ok(None);
    }
    choose(&local.snapshot, connection, wishes, exchange).map(Some)
}

/// What an upstream's answer goes on with.
enum Answered {
    Body(ResponseBody),
    Switch(Box<Switch>),
}

/// The request's way: to an answer by the upstream, or by a filter (then there is no upstream's body).
async fn forward(
    local: &Local,
    connection: &Connection,
    chosen: &Chosen<'_>,
    exchange: &mut Held,
    body: RequestBody,
) -> Result<Option<Answered>, Error> {
    if local.pools.request(chosen.chain, exchange).map_err(Error::Filter)? == Flow::Answered {
        return Ok(None);
    }
    let route = chosen.route.as_ref().map_err(|nothing| match nothing {
        Found::Method(allowed) => Error::Method(allowed.clone()),
        _ => Error::NoRoute,
    })?;
    let upstream = &local.upstreams[route.upstream];
    // The client's own words were looked for; filters may have said more.
    let has_words = chosen.wishes.has_claims || !chosen.chain.is_empty();
    let said = if has_words { forwarded::take(&mut exchange.request.headers) } else { None };
    let host = exchange.request.headers.get(header::HOST);
    let target = exchange.request.uri.path_and_query().map_or("/", |target| target.as_str());
    let outbound = Outbound {
        head: &exchange.request,
        target: &paths::strip(target, &route.strip_prefix),
        host: match &route.host_header {
            HostHeader::Preserve => Host::Client,
            HostHeader::Upstream => Host::Endpoint,
            HostHeader::Name(name) => Host::Is(name),
        },
        added: &connection.fields.tell(host, said.as_deref()),
        client: exchange.client,
        timeouts: &route.timeouts,
        upgrade: chosen.wishes.upgrade.as_ref(),
        trailers: chosen.wishes.trailers,
    };
    let sent = upstream.send(outbound, body.limited(route.largest_body)).await;
    let (mut head, body) = sent.map_err(|error| Error::upstream(upstream.name(), error))?;
    let (upstream_scheme, authority) = body.origin();
    let mapping = Mapping {
        prefix: &route.strip_prefix,
        upstream: authority,
        upstream_scheme,
        host: host.map(|host| host.to_str().unwrap_or_default()).unwrap_or_default(),
        scheme: connection.scheme(),
    };
    let is_switched = head.status == StatusCode::SWITCHING_PROTOCOLS;
    let protocol = is_switched.then(|| head.headers.get(header::UPGRADE).cloned()).flatten();
    headers::to_client(&mut head, &mapping);
    let answered = if is_switched {
        let switch = Switch::new(protocol, body, &mut exchange.request, connection);
        Answered::Switch(Box::new(switch.map_err(|error| Error::upstream(upstream.name(), error))?))
    } else {
        Answered::Body(body)
    };
    exchange.answer(head, None, Origin::Upstream);
    Ok(Some(answered))
}

/// The response, with a body that records the exchange when it ends.
fn reply(mut ongoing: Ongoing, upstream: Option<Answered>) -> Response<ReplyBody> {
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
        (None, Some(Answered::Body(body))) => {
            ongoing.served_by(&body);
            ReplyBody::upstream(body, ongoing)
        }
        (None, Some(Answered::Switch(switch))) => {
            switch.begin(&mut head, ongoing);
            ReplyBody::switched()
        }
        (None, None) => ReplyBody::whole(Bytes::new(), ongoing),
    };
    Response::from_parts(head, body)
}
