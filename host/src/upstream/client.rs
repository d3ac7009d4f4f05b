//! Sending one request: choosing an endpoint and a connection, and trying others where that does no harm.

use std::rc::Rc;
use std::time::Instant;

use http::response;
use http_body::Body;

use super::attempts::Attempts;
use super::deadlines::Deadlines;
use super::error::{Broken, Error};
use super::kept::{Link, Need};
use super::pool::Place;
use super::{Outbound, Pool, RequestBody, ResponseBody, connect, http2};
use crate::config::Scheme;
use crate::telemetry::failures;

/// A server may end a connection over a larger head (nginx does, from a field of 8 KiB on): then that of no other exchange.
const LARGE: usize = 4 << 10;

impl Pool {
    /// Sends a request and waits for the response's head. An endpoint that cannot be reached is passed over, each is
    /// tried once. The status 101 comes only if it was asked for; the body is a tunnel then. Who was asked is noted if
    /// that is wanted.
    pub async fn send(
        self: &Rc<Self>,
        mut outbound: Outbound<'_>,
        mut body: RequestBody,
        mut attempts: Option<&mut Attempts>,
    ) -> Result<(response::Parts, ResponseBody), Error> {
        body.check()?;
        let deadlines = Deadlines::begin(outbound.timeouts);
        let endpoints = &self.upstream.endpoints;
        let mut tried: Vec<usize> = Vec::new();
        let mut began = outbound.began;
        let mut last = Error::Drained;
        while let Some(index) = self.balancer.choose(endpoints, outbound.client, &tried) {
            if let Some(before) = tried.last() {
                endpoints[*before].counts.here().failovers.add(1);
            }
            if let Some((_, attempt)) = &mut outbound.trace {
                *attempt = tried.len();
            }
            if let Some(attempts) = &mut attempts {
                attempts.begin(index);
            }
            let asked = ask(Place::take(self, index), &outbound, &deadlines, &mut body, &mut attempts).await;
            if let Some(attempts) = &mut attempts {
                attempts.end(asked.as_ref().map(|(head, body)| (head.status.as_u16(), body.arrived())));
            }
            let counts = endpoints[index].counts.here();
            match &asked {
                Ok((head, body)) => counts.answered(head.status.as_u16(), body.arrived().duration_since(began)),
                Err(error) => counts.failed(error.kind()),
            }
            match asked {
                Err(Error::Connect { to, cause, .. }) => {
                    let noted = failures::Noted { name: self.name(), at: &to, code: "connect-failed" };
                    failures::of_upstream(noted, &cause);
                    endpoints[index].avoid(self.name(), &cause);
                    tried.push(index);
                    began = Instant::now();
                    last = Error::Connect { to, cause, tried: tried.len() };
                }
                Err(error) => {
                    self.note(&endpoints[index].name, &error);
                    return Err(error);
                }
                answered => return answered,
            }
        }
        if tried.is_empty() {
            self.note("", &last);
        }
        Err(last)
    }

    /// Notes a failure that is the upstream's.
    fn note(&self, endpoint: &str, error: &Error) {
        if let Some(code) = error.code() {
            failures::of_upstream(failures::Noted { name: self.name(), at: endpoint, code }, error);
        }
    }
}

/// Asks one endpoint. The body is taken once a connection is there.
async fn ask(
    place: Place,
    outbound: &Outbound<'_>,
    deadlines: &Deadlines,
    body: &mut RequestBody,
    attempts: &mut Option<&mut Attempts>,
) -> Result<(response::Parts, ResponseBody), Error> {
    // HTTP/2 has no such upgrade, and a request with a body would have to be read to its end before.
    let scheme = place.endpoint().config.scheme;
    let upgrade = outbound.upgrade.filter(|_| scheme != Scheme::H2c && body.is_end_stream());
    let need = match upgrade {
        Some(_) => Need::Http1,
        None if scheme != Scheme::Http && outbound.size() > LARGE => Need::Alone,
        None => Need::Any,
    };
    let mut may_repeat = true;
    loop {
        let kept = place.kept().take(need);
        let is_kept = kept.is_some();
        let link = match kept {
            Some(link) => {
                place.endpoint().counts.here().reused.add(1);
                link
            }
            None => {
                // Boxed, because it is seldom and large.
                let connecting = connect::link(place.endpoint(), place.kept(), need, deadlines);
                let link = Box::pin(connecting).await?;
                place.endpoint().reached();
                if let Some(attempts) = attempts {
                    attempts.connected();
                }
                link
            }
        };
        match link {
            Link::Http1(mut exchange) => {
                let taken = std::mem::take(body);
                exchange.begin(outbound, &place.endpoint().authority, upgrade, taken);
                match exchange.response(deadlines).await {
                    Ok(head) => return Ok((head, ResponseBody::http1(exchange, place, deadlines.of_body()))),
                    // A server may close a kept connection just when it is used again: no failure of this exchange. It
                    // ends because the pool runs out of kept connections.
                    Err(error @ Error::Broke(Broken::Closed | Broken::Io(_))) if exchange.is_repeatable() => {
                        *body = exchange.take_body().ok_or(error)?;
                        place.endpoint().counts.here().repeats.add(1);
                    }
                    Err(error) => return Err(error),
                }
            }
            Link::Http2(connection) => {
                let taken = std::mem::take(body);
                let asking = http2::ask(&connection, outbound, place.endpoint(), deadlines, taken);
                match Box::pin(asking).await {
                    Ok((head, coming)) => return Ok((head, ResponseBody::http2(coming, place, deadlines.of_body()))),
                    Err(http2::Failed { unsent: Some(unsent), .. }) if is_kept && may_repeat => {
                        place.kept().forget(&connection);
                        may_repeat = false;
                        place.endpoint().counts.here().repeats.add(1);
                        *body = unsent;
                    }
                    Err(failed) => return Err(failed.error),
                }
            }
        }
    }
}
