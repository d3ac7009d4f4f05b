//! The operators' door: as long as it is there, operators can come in.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_local};

use super::listeners::cannot_bind;
use crate::admin::{self, Order, Token};
use crate::config::{Admin, Fault};
use crate::listen;

/// An open door.
#[derive(Debug)]
pub(super) struct AdminDoor {
    asked: Admin,
    pub(super) address: SocketAddr,
    token: Token,
    acceptor: JoinHandle<()>,
}

impl AdminDoor {
    /// Opens it.
    pub(super) fn open(asked: &Admin, orders: &mpsc::Sender<Order>) -> Result<Self, Fault> {
        let bound = listen::bind(asked.address.value).and_then(TcpListener::from_std);
        let bound = bound.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) =
            bound.map_err(|error| cannot_bind(asked.address.place, asked.address.value, &error))?;
        let token = Rc::new(RefCell::new(shown(asked)));
        let acceptor = spawn_local(admin::serve(listener, Rc::clone(&token), orders.clone()));
        Ok(Self { asked: asked.clone(), address, token, acceptor })
    }

    /// Whether it is at this address; its token may be another one.
    pub(super) fn is_at(&self, asked: &Admin) -> bool {
        self.asked.address.value == asked.address.value
    }

    /// Says that operators are let in.
    pub(super) fn announce(&self) {
        let address = self.address;
        tracing::info!(%address, "`weir status` and `weir reload` are answered on {address}");
    }

    /// Wants to be shown this token from now on, on connections that are open too.
    pub(super) fn change(&mut self, asked: &Admin) {
        self.token.replace(shown(asked));
        self.asked = asked.clone();
    }
}

fn shown(asked: &Admin) -> Option<String> {
    asked.token.as_ref().map(|token| token.reveal().to_owned())
}

impl Drop for AdminDoor {
    fn drop(&mut self) {
        // Those who have come in get their answers.
        self.acceptor.abort();
    }
}
