//! One exchange, from the request's head to the response's last byte.
//!
//! Everything that this room uses of the configuration hangs off the worker's [`Local`]. It must not know how bytes
//! reach the client, nor how a filter or a connection is made.

mod ahead;
mod body;
mod choose;
mod drain;
mod error;
mod filters;
mod forwarded;
mod headers;
mod listener;
mod mapping;
mod piped;
mod record;
mod redirect;
mod sending;
mod story;
mod trace;
mod upgrade;
mod worker;

use std::borrow::Cow;
use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Version, header};
use http_body::Body;
use hyper::body::Incoming;

use crate::clock;
use crate::config::{HostHeader, Timeouts};
use crate::paths;
use crate::plugin::{Completion, Cut, Exchange, Held, Message, Origin, Pipe};
use crate::routing::Found;
use crate::snapshot::Local;
use crate::upstream::{Attempts, Host, Outbound, RequestBody};

use body::Content;
pub use body::ReplyBody;
use choose::{Chosen, choose};
pub use drain::{Drain, Listening, Stage};
use error::Error;
use filters::{Passed, Stopped};
pub use listener::Listener;
use mapping::Mapping;
use piped::{Piped, WhyCut};
use record::Ongoing;
use upgrade::Switch;
pub use worker::{Connection, Worker};

/// Serves what a client asks. Whatever happens, there is a response and a record.
pub fn handle(
    worker: &Worker,
    connection: &Connection,
    request: Request<Incoming>,
) -> impl Future<Output = Response<ReplyBody>> {
    let (head, body) = request.into_parts();
    let body = RequestBody::new(body, head.version == Version::HTTP_2);
    let exchange = Exchange::begin(worker.next_id(), clock::moment(), &connection.peer, head);
    serve(worker, connection, exchange, body)
}

/// Serves an exchange that has just begun.
pub async fn serve(
    worker: &Worker,
    connection: &Connection,
    mut exchange: Held,
    body: RequestBody,
) -> Response<ReplyBody> {
    let local = connection.listener.last().map_or_else(|| worker.local(), Rc::clone);
    if local.snapshot.is_watched {
        exchange.trail.begin();
    }
    let mut ongoing = Ongoing::begin(exchange, worker, Rc::clone(&connection.open), &local);
    ongoing.begin_trace(worker, &local);
    let chosen = enter(&local, connection, &mut ongoing.exchange);
    ongoing.count_begin();
    if let Ok(Some(chosen)) = &chosen {
        ongoing.completion = Completion::of(&local.pools, chosen.chain);
    }
    let answered = match &chosen {
        Ok(Some(chosen)) => {
            let body = if body.is_end_stream() { body } else { body.counted(ongoing.received()) };
            forward(&local, connection, chosen, &mut ongoing, body).await
        }
        Ok(None) | Err(_) => Ok(None),
    };
    let chain = chosen.as_ref().ok().and_then(|chosen| chosen.as_ref().map(|chosen| chosen.chain));
    let route = chosen.as_ref().ok().and_then(|chosen| chosen.as_ref()?.route.as_ref().ok().copied());
    let asked = route.and_then(|route| Some(local.upstreams[route.upstream?].name()));
    let mut upstream = match answered.and_then(|answered| chosen.map(|_| answered)) {
        Ok(upstream) => upstream,
        Err(error) => {
            ongoing.fail(error);
            None
        }
    };
    let Some(chain) = chain.filter(|chain| !chain.is_empty()) else { return reply(ongoing, upstream, None) };
    while let Err(stopped) =
        filters::response(&local.pools, chain, &mut ongoing.exchange, &mut upstream, &ongoing.outcome.why_cut).await
    {
        upstream = None;
        ongoing.fail(match stopped {
            Stopped::Failed(failed) => Error::Filter(failed),
            Stopped::Lost(cause) if matches!(ongoing.exchange.origin, Origin::Filter(_)) => Error::File(cause),
            Stopped::Lost(cause) => Error::upstream(asked.unwrap_or_default(), cause),
        });
    }
    let pipe = Pipe::of(&local.pools, chain, &mut ongoing.exchange, Message::Response);
    let is_empty = pipe.is_some() && is_empty(&mut ongoing.exchange, upstream.as_ref());
    let pipe = filters::watched(pipe, is_empty).await.unwrap_or_else(|cut| {
        ongoing.outcome.why_cut.tell(cut);
        None
    });
    reply(ongoing, upstream, pipe)
}

/// Whether the response has no byte of a body.
fn is_empty(exchange: &mut Held, upstream: Option<&Answered>) -> bool {
    let replaced = exchange.steering(Message::Response).and_then(|steering| steering.replaced.clone());
    match (replaced.as_ref().or(exchange.body.as_ref()), upstream) {
        (Some(bytes), _) => bytes.is_empty(),
        (None, Some(Answered::Body(content))) => content.is_end_stream(),
        (None, _) => true,
    }
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
    Body(Content),
    Switch(Box<Switch>),
}

/// The most bytes of a body that no route takes, and a filter may wait for.
const UNROUTED_BODY: u64 = 16 << 20;

/// The request's way: to an answer by the upstream, or by a filter (then there is no upstream's body).
async fn forward(
    local: &Local,
    connection: &Connection,
    chosen: &Chosen<'_>,
    ongoing: &mut Ongoing,
    mut body: RequestBody,
) -> Result<Option<Answered>, Error> {
    let exchange = &mut ongoing.exchange;
    let idle = chosen.route.as_ref().map_or(Timeouts::default().idle, |route| route.timeouts.idle);
    let why = WhyCut::default();
    // The limit is of what the client sends, whatever filters make of that.
    body = body.limited(chosen.route.as_ref().map_or(UNROUTED_BODY, |route| route.largest_body));
    let fits = body.check();
    match filters::request(&local.pools, chosen.chain, exchange, &mut body, idle, &why).await {
        Ok(Passed::On) => {}
        Ok(Passed::Answered(content)) => return Ok(content.map(Answered::Body)),
        Err(Stopped::Lost(_)) if why.is_said() => return cut(exchange, why.take()),
        Err(stopped) => return Err(Error::request(stopped)),
    }
    let route = chosen.route.as_ref().map_err(|nothing| match nothing {
        Found::Method(allowed) => Error::Method(allowed.clone()),
        _ => Error::NoRoute,
    })?;
    let upstream = &local.upstreams[route.upstream.ok_or(Error::NoUpstream)?];
    match exchange.steering(Message::Request).and_then(|steering| steering.replaced.take()) {
        Some(replaced) => body = RequestBody::whole(replaced),
        None => fits.map_err(|error| Error::upstream(upstream.name(), error))?,
    }
    if !chosen.own_headers.is_empty() {
        body = body.without_trailers(chosen.own_headers);
    }
    if let Some(mut pipe) = Pipe::of(&local.pools, chosen.chain, exchange, Message::Request) {
        if body.is_end_stream() {
            // Without a body a request stays one that can be repeated, or upgraded.
            match Box::pin(pipe.push(Bytes::new(), true)).await {
                Ok(pieces) if pieces.is_empty() => {}
                Ok(pieces) => body = RequestBody::whole(pieces.concat().into()),
                Err(why) => return cut(exchange, Some(why)),
            }
        } else {
            body = RequestBody::made(Piped::new(body, pipe, &why));
        }
    }
    // The client's own words were looked for; filters may have said more.
    let has_words = chosen.wishes.has_claims || !chosen.chain.is_empty();
    let said = if has_words { forwarded::take(&mut exchange.request.headers) } else { None };
    let host = exchange.request.headers.get(header::HOST);
    let target = match &exchange.target {
        Some(set) => Cow::Borrowed(set.as_str()),
        None => {
            let asked = exchange.request.uri.path_and_query().map_or("/", |target| target.as_str());
            paths::strip(asked, &route.strip_prefix)
        }
    };
    let began = Instant::now();
    let outbound = Outbound {
        head: &exchange.request,
        target: &target,
        host: match &route.host_header {
            HostHeader::Preserve => Host::Client,
            HostHeader::Upstream => Host::Endpoint,
            HostHeader::Name(name) => Host::Is(name),
        },
        added: &connection.fields.tell(host, said.as_deref()),
        client: exchange.client,
        began,
        timeouts: &route.timeouts,
        upgrade: chosen.wishes.upgrade.as_ref(),
        trailers: chosen.wishes.trailers,
        trace: ongoing.trace.as_ref().map(|trace| (trace, 0)),
    };
    let since = exchange.trail.last().unwrap_or(exchange.started);
    let is_told = ongoing.teller.is_some() || ongoing.outcome.recording.is_some();
    ongoing.outcome.attempts = is_told.then(|| Attempts::at(upstream, since));
    let sent = upstream.send(outbound, body, ongoing.outcome.attempts.as_mut()).await;
    let arrived = sent.as_ref().map_or_else(|_| Instant::now(), |(_, body)| body.arrived());
    ongoing.waited = arrived.duration_since(began);
    let (mut head, body) = match sent {
        Ok(answer) => answer,
        Err(_) if why.is_said() => return cut(exchange, why.take()),
        Err(error) => return Err(Error::upstream(upstream.name(), error)),
    };
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
        ongoing.served_by(&body);
        Answered::Body(Content::Upstream(body))
    };
    ongoing.exchange.answer(head, None, Origin::Upstream);
    Ok(Some(answered))
}

/// A filter cut the request's body off before there was a response: that is the answer.
fn cut(exchange: &mut Held, cut: Option<Cut>) -> Result<Option<Answered>, Error> {
    match cut {
        Some(Cut::Failed(failed)) => Err(Error::Filter(failed)),
        Some(Cut::Encoder(error)) => Err(Error::Encoding(error)),
        Some(Cut::Coding(error)) => Err(Error::Decoding(error)),
        Some(Cut::Refused(answer)) => {
            let (head, body) = error::refused(exchange.id);
            exchange.answer(head, Some(body), Origin::Filter(Box::new(answer)));
            Ok(None)
        }
        None => Ok(None),
    }
}

/// The response, with a body that records the exchange when it ends.
fn reply(mut ongoing: Ongoing, upstream: Option<Answered>, pipe: Option<Pipe>) -> Response<ReplyBody> {
    let mut head = ongoing.answered();
    let is_head = ongoing.exchange.request.method == Method::HEAD;
    let replaced = ongoing.exchange.steering(Message::Response).and_then(|steering| steering.replaced.take());
    if let Some(bytes) = ongoing.exchange.body.as_mut().filter(|_| is_head) {
        // The server of HTTP/2 would send it.
        head.headers.insert(header::CONTENT_LENGTH, bytes.len().into());
        bytes.clear();
    }
    let trailers = ongoing.exchange.trailers.take().filter(|_| !is_head).map(Box::new);
    if trailers.is_some() {
        // Behind the bytes of a known length nobody waits for more.
        head.headers.remove(header::CONTENT_LENGTH);
    }
    if let Some(trailers) = trailers.as_deref().filter(|_| ongoing.exchange.request.version < Version::HTTP_2) {
        // The server of HTTP/1.1 sends those that are announced, to clients that take any.
        headers::announce(&mut head.headers, trailers);
    }
    let content = match (replaced.or_else(|| ongoing.exchange.body.take()), upstream) {
        // An answer replaces the upstream's; dropping that cancels it.
        (Some(bytes), _) => Content::Whole(bytes, trailers),
        (None, Some(Answered::Body(content))) => content,
        (None, Some(Answered::Switch(switch))) => {
            switch.begin(&mut head, ongoing);
            return Response::from_parts(head, ReplyBody::switched());
        }
        (None, None) => Content::empty(),
    };
    let content = match pipe {
        Some(pipe) => Content::Made(Box::pin(Piped::new(content, pipe, &ongoing.outcome.why_cut))),
        None => content,
    };
    Response::from_parts(head, ReplyBody::new(content, ongoing))
}
