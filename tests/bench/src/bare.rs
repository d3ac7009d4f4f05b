//! The least that a proxy on hyper can do: a current-thread runtime, connections kept on both sides, heads passed as they
//! are. No routes, no timeouts, no records, no limits: what Weir adds is measured against this.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use anyhow::Result;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, LocalOptions};
use tokio::task::spawn_local;

type Idle = Rc<RefCell<Vec<SendRequest<Incoming>>>>;

/// Serves until the process ends; each request costs `plant` more than it must.
pub fn serve(listen: SocketAddr, to: SocketAddr, plant: Duration) -> Result<()> {
    Builder::new_current_thread().enable_io().build_local(LocalOptions::default())?.block_on(async {
        let listener = TcpListener::bind(listen).await?;
        let idle = Idle::default();
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let idle = Rc::clone(&idle);
            let service = service_fn(move |request| forward(Rc::clone(&idle), to, plant, request));
            spawn_local(async move {
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    })
}

async fn forward(idle: Idle, to: SocketAddr, plant: Duration, request: Request<Incoming>) -> Result<Response<Kept>> {
    if !plant.is_zero() {
        let until = Instant::now() + plant;
        while Instant::now() < until {}
    }
    let kept = idle.borrow_mut().pop().filter(SendRequest::is_ready);
    let mut sender = match kept {
        Some(sender) => sender,
        None => {
            let stream = TcpStream::connect(to).await?;
            stream.set_nodelay(true)?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await?;
            spawn_local(async move {
                let _ = connection.await;
            });
            sender
        }
    };
    let response = sender.send_request(request).await?;
    Ok(response.map(|body| Kept { body, back: Some((idle, sender)) }))
}

/// A body that gives its connection back when it has been read.
struct Kept {
    body: Incoming,
    back: Option<(Idle, SendRequest<Incoming>)>,
}

impl Body for Kept {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some((idle, sender)) = self.back.take()
            && self.body.is_end_stream()
        {
            idle.borrow_mut().push(sender);
        }
    }
}
