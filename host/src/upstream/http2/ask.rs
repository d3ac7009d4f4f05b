//! One exchange on a shared connection, to the response's head.

use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

use http::response;
use http_body::Body as _;

use super::head::head;
use super::outgoing::{Outgoing, Progress};
use super::{Body, Connection};
use crate::clock::now;
use crate::upstream::deadlines::Deadlines;
use crate::upstream::endpoint::Endpoint;
use crate::upstream::error::{Broken, Error};
use crate::upstream::outbound::is_idempotent;
use crate::upstream::{Outbound, RequestBody};

/// Why there is no response.
pub(in crate::upstream) struct Failed {
    pub(in crate::upstream) error: Error,
    /// The body, if the same request can be sent again: it was not sent, or doing it twice does no harm.
    pub(in crate::upstream) unsent: Option<RequestBody>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, unsent: None }
    }
}

/// Sends a request and waits for the response's head; dropping the future cancels the stream.
pub(in crate::upstream) async fn ask(
    connection: &Connection,
    outbound: &Outbound<'_>,
    endpoint: &Endpoint,
    deadlines: &Deadlines,
    body: RequestBody,
) -> Result<(response::Parts, Body), Failed> {
    let head = head(outbound, endpoint)?;
    let is_repeatable = body.is_end_stream() && is_idempotent(&outbound.head.method);
    let progress = Rc::new(Progress::default());
    let request = head.map(|()| Outgoing { body, progress: Rc::clone(&progress) });
    connection.last_used.set(now());
    let mut sender = connection.sender.clone();
    let mut sending = pin!(sender.try_send_request(request));
    let (mut wait, mut taken) = (deadlines.response(), 0);
    let answer = std::future::poll_fn(|context| {
        if let Poll::Ready(answer) = sending.as_mut().poll(context) {
            return Poll::Ready(Ok(answer));
        }
        if progress.taken.get() != taken {
            taken = progress.taken.get();
            wait = deadlines.response();
        }
        Pin::new(&mut wait).poll(context).map(Err)
    });
    match answer.await? {
        Ok(response) => {
            let (head, incoming) = response.into_parts();
            Ok((head, Body::new(incoming, progress)))
        }
        Err(mut failed) => {
            if let Some(failure) = progress.failure.take() {
                return Err(failure.into());
            }
            let never_left = failed.take_message().map(|request| request.into_body().body);
            let unsent = never_left.or_else(|| is_repeatable.then(RequestBody::default));
            Err(Failed { error: Broken::http2(failed.error()).into(), unsent })
        }
    }
}
