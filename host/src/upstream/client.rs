//! Sending one request.

use std::rc::Rc;
use std::time::Duration;

use http::{request, response};
use hyper::body::Incoming;
use tokio::net::TcpStream;

use super::http1::Exchange;
use super::{Error, Pool, ResponseBody};
use crate::clock::within;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);

impl Pool {
    /// Sends a request and waits for the response's head.
    pub async fn send(
        self: &Rc<Self>,
        head: &request::Parts,
        mut body: Incoming,
    ) -> Result<(response::Parts, ResponseBody), Error> {
        loop {
            let mut exchange = match self.take() {
                Some(idle) => idle,
                // Boxed, because it is seldom and large.
                None => Box::pin(self.connect()).await?,
            };
            exchange.begin(head, body);
            match exchange.response(RESPONSE_TIMEOUT).await {
                Ok(parts) => return Ok((parts, ResponseBody::new(exchange, Rc::clone(self)))),
                // A server may close a kept connection just when it is used again: no failure of this exchange. It ends
                // because the pool runs out of kept connections.
                Err(error @ Error::Broke(_)) if exchange.is_repeatable() => body = exchange.take_body().ok_or(error)?,
                Err(error) => return Err(error),
            }
        }
    }

    async fn connect(&self) -> Result<Box<Exchange>, Error> {
        let failed = |cause| Error::Connect { to: self.upstream.authority(), cause };
        let connecting = TcpStream::connect((self.upstream.host.as_str(), self.upstream.port));
        let timeout = Err(std::io::ErrorKind::TimedOut.into());
        let stream = within(CONNECT_TIMEOUT, connecting).await.unwrap_or(timeout).map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        Ok(Exchange::new(stream))
    }
}
