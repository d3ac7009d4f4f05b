//! Sending one request.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, request};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use tokio::net::TcpStream;

use super::{Error, Lease, Pool};
use crate::clock::within;
use crate::io::Socket;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);

/// The client's body, passed on as it comes.
#[derive(Debug)]
pub enum RequestBody {
    /// From the client.
    Incoming(Incoming),
    /// Of a request that has none.
    Empty,
}

impl Pool {
    /// Sends a request and waits for the response's head. The connection goes back with [`Lease::release`].
    pub async fn send(
        self: &Rc<Self>,
        head: &request::Parts,
        body: Incoming,
    ) -> Result<(Response<Incoming>, Lease), Error> {
        within(RESPONSE_TIMEOUT, self.try_send(head, body)).await.unwrap_or(Err(Error::Timeout(RESPONSE_TIMEOUT)))
    }

    async fn try_send(
        self: &Rc<Self>,
        head: &request::Parts,
        body: Incoming,
    ) -> Result<(Response<Incoming>, Lease), Error> {
        let repeatable = body.is_end_stream() && is_idempotent(&head.method);
        let body = if body.is_end_stream() { RequestBody::Empty } else { RequestBody::Incoming(body) };
        let mut request = request(head, body);
        // A server may close an idle connection just when it is used again: that is no failure of the
        // exchange as long as the request can be repeated.
        while let Some(mut sender) = self.take() {
            match sender.try_send_request(request).await {
                Ok(response) => return Ok((response, Lease { pool: Rc::clone(self), sender })),
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None if repeatable => {
                        request = self::request(head, RequestBody::Empty);
                        break;
                    }
                    None => return Err(failed(error.into_error())),
                },
            }
        }
        let mut sender = self.connect().await?;
        let response = sender.send_request(request).await.map_err(failed)?;
        Ok((response, Lease { pool: Rc::clone(self), sender }))
    }

    async fn connect(&self) -> Result<SendRequest<RequestBody>, Error> {
        let failed = |cause| Error::Connect { to: self.upstream.authority(), cause };
        let connecting = TcpStream::connect((self.upstream.host.as_str(), self.upstream.port));
        let timeout = Err(std::io::ErrorKind::TimedOut.into());
        let stream = within(CONNECT_TIMEOUT, connecting).await.unwrap_or(timeout).map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let (sender, connection) = http1::handshake(Socket::new(stream)).await.map_err(Error::Broke)?;
        tokio::task::spawn_local(async move {
            // What goes wrong on it, the exchange that uses it is told.
            let _ = connection.await;
        });
        Ok(sender)
    }
}

fn request(head: &request::Parts, body: RequestBody) -> Request<RequestBody> {
    let mut request = Request::new(body);
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = head.uri.clone();
    *request.headers_mut() = head.headers.clone();
    request
}

fn failed(error: hyper::Error) -> Error {
    if error.is_user() { Error::ClientBody(error) } else { Error::Broke(error) }
}

/// RFC 9110, 9.2.2.
fn is_idempotent(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE, Method::PUT, Method::DELETE].contains(method)
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Incoming(body) => Pin::new(body).poll_frame(context),
            Self::Empty => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Incoming(body) => body.is_end_stream(),
            Self::Empty => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Incoming(body) => body.size_hint(),
            Self::Empty => SizeHint::with_exact(0),
        }
    }
}
