//! Requests of filters: they come in from wherever a filter runs, and go out on this worker's connections.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_local;

use crate::plugin::{Call, CallFailed, Called, Outbound};
use crate::proxy::Worker;
use crate::upstream::Fetch;

/// The way to a worker's upstreams.
#[derive(Debug)]
pub(super) struct Line(mpsc::UnboundedSender<Asked>);

/// A call, and who waits for its answer.
#[derive(Debug)]
pub(super) struct Asked {
    call: Call,
    answer: oneshot::Sender<Result<Response<Bytes>, CallFailed>>,
}

impl Line {
    /// A line, and where its calls come out.
    pub(super) fn open() -> (Arc<dyn Outbound>, mpsc::UnboundedReceiver<Asked>) {
        let (line, calls) = mpsc::unbounded_channel();
        (Arc::new(Self(line)), calls)
    }
}

impl Outbound for Line {
    fn send(&self, call: Call) -> Called {
        let (answer, answered) = oneshot::channel();
        let sent = self.0.send(Asked { call, answer });
        Box::pin(async move {
            match sent {
                Ok(()) => answered.await.unwrap_or(Err(CallFailed::Failed)),
                // The worker has ended.
                Err(_) => Err(CallFailed::Failed),
            }
        })
    }
}

/// Serves calls until nobody can make one.
pub(super) async fn serve(mut calls: mpsc::UnboundedReceiver<Asked>, worker: Rc<Worker>) {
    while let Some(Asked { call, mut answer }) = calls.recv().await {
        let local = worker.local();
        spawn_local(async move {
            let Some(upstream) = local.upstreams.iter().find(|pool| pool.name() == call.upstream) else {
                let _ = answer.send(Err(CallFailed::Unknown));
                return;
            };
            let fetch = Fetch { request: call.request, timeout: call.timeout, largest: call.largest };
            let fetched = tokio::select! {
                fetched = upstream.fetch(fetch) => fetched,
                // Nobody waits any more.
                () = answer.closed() => return,
            };
            let _ = answer.send(fetched.map_err(|error| failed(&call.upstream, &error)));
        });
    }
}

fn failed(upstream: &str, error: &crate::upstream::Error) -> CallFailed {
    use crate::upstream::Error;
    tracing::debug!("a filter's request to upstream `{upstream}` failed: {error}");
    match error {
        Error::TooLarge(_) => CallFailed::TooLarge,
        Error::Timeout(_) | Error::Total(_) => CallFailed::TimedOut,
        _ => CallFailed::Failed,
    }
}
