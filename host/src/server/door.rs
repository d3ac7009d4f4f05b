//! The operators' door: bound at the start, gone with the server.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_local};

use crate::admin::{self, Order};
use crate::config::Admin;

/// Orders that wait; whoever asks waits, too.
const QUEUE: usize = 16;

/// An open door.
#[derive(Debug)]
pub(super) struct AdminDoor {
    pub(super) asked: Admin,
    pub(super) address: SocketAddr,
    acceptor: JoinHandle<()>,
}

impl AdminDoor {
    /// Opens it; orders come out of the receiver.
    pub(super) fn open(asked: Admin, listener: TcpListener) -> std::io::Result<(Self, mpsc::Receiver<Order>)> {
        let address = listener.local_addr()?;
        let (orders, inbox) = mpsc::channel(QUEUE);
        let token = asked.token.as_ref().map(|token| token.reveal().to_owned());
        let acceptor = spawn_local(admin::serve(listener, token, orders));
        Ok((Self { asked, address, acceptor }, inbox))
    }
}

impl Drop for AdminDoor {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}
