//! The operators' door: bound at the start, gone with the server.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_local};

use crate::admin::{self, Arrival, Caller, Desk, Health, Order, Rules, Stream};
use crate::config::Admin;

/// Orders that wait; whoever asks waits, too.
const QUEUE: usize = 16;

/// How long to wait when no descriptor is left; accepting again at once would spin.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);

/// An open door.
#[derive(Debug)]
pub(super) struct AdminDoor {
    pub(super) asked: Admin,
    pub(super) address: SocketAddr,
    acceptor: JoinHandle<()>,
}

impl AdminDoor {
    /// Opens it; orders come out of the receiver.
    pub(super) fn open(
        asked: Admin,
        listener: TcpListener,
        health: Rc<dyn Health>,
    ) -> std::io::Result<(Self, mpsc::Receiver<Order>)> {
        let address = listener.local_addr()?;
        let (orders, inbox) = mpsc::channel(QUEUE);
        let rules = Rules {
            token: asked.token.as_ref().map(|token| token.reveal().to_owned()),
            has_open_probes: true,
            ..Rules::default()
        };
        let desk = Rc::new(Desk { rules, orders, health });
        let acceptor = spawn_local(admin::serve(async move || accept(&listener).await, desk));
        Ok((Self { asked, address, acceptor }, inbox))
    }
}

async fn accept(listener: &TcpListener) -> Arrival {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let stream: Box<dyn Stream> = Box::new(stream);
                return Box::pin(async { Ok((stream, Caller::default())) });
            }
            Err(error) => {
                tracing::debug!("the admin address cannot accept: {error}");
                tokio::time::sleep(OUT_OF_DESCRIPTORS).await;
            }
        }
    }
}

impl Drop for AdminDoor {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}
