//! A request with a whole body, for a whole response: what this proxy asks on its own account.

use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{Request, Response, header};
use http_body::Body;

use super::{Added, Error, Host, Outbound, Pool, RequestBody};
use crate::clock::within;
use crate::config::Timeouts;

/// What to ask.
#[derive(Debug)]
pub struct Fetch {
    /// Its target is a path, with a query or without. Without a `Host` the endpoint's is sent.
    pub request: Request<Bytes>,
    /// For all of it.
    pub timeout: Duration,
    /// The most bytes of the response's body.
    pub largest: usize,
}

impl Pool {
    /// Asks, and reads the response to its end.
    pub async fn fetch(self: &Rc<Self>, fetch: Fetch) -> Result<Response<Bytes>, Error> {
        let Fetch { request, timeout, largest } = fetch;
        let fetched = async {
            let (head, body) = request.into_parts();
            let timeouts = Timeouts { response: timeout, idle: timeout, ..Timeouts::default() };
            let outbound = Outbound {
                head: &head,
                target: head.uri.path_and_query().map_or("/", |target| target.as_str()),
                host: if head.headers.contains_key(header::HOST) { Host::Client } else { Host::Endpoint },
                added: &Added::new([]),
                client: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                began: Instant::now(),
                timeouts: &timeouts,
                upgrade: None,
                trailers: false,
                trace: None,
            };
            let (head, mut body) = self.send(outbound, RequestBody::whole(body), None).await?;
            let mut whole = BytesMut::new();
            while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
                if let Ok(data) = frame?.into_data() {
                    if whole.len() + data.len() > largest {
                        return Err(Error::TooLarge(largest as u64));
                    }
                    whole.extend_from_slice(&data);
                }
            }
            Ok(Response::from_parts(head, whole.freeze()))
        };
        Box::pin(within(timeout, fetched)).await.unwrap_or(Err(Error::Total(timeout)))
    }
}
