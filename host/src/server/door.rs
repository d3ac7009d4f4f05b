//! The operators' door: as long as it is there, operators can come in.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinHandle, spawn_local};

use super::health::Pulse;
use super::listeners::cannot_bind;
use crate::admin::{self, Arrival, Caller, Desk, Health, Order, Rules, Stream};
use crate::config::{Admin, Fault};
use crate::listen;

/// Components that operators send at a time: each may have 64 MiB.
const UPLOADS: usize = 2;

/// How long to wait when no descriptor is left; accepting again at once would spin.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);

/// An open door.
#[derive(Debug)]
pub(super) struct AdminDoor {
    asked: Admin,
    pub(super) address: SocketAddr,
    desk: Rc<Desk>,
    acceptor: JoinHandle<()>,
}

impl AdminDoor {
    /// Opens it.
    pub(super) fn open(asked: &Admin, orders: &mpsc::Sender<Order>, pulse: &Rc<Pulse>) -> Result<Self, Fault> {
        let bound = listen::bind(asked.address.value).and_then(TcpListener::from_std);
        let bound = bound.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) =
            bound.map_err(|error| cannot_bind(asked.address.place, asked.address.value, &error))?;
        let health = Rc::clone(pulse) as Rc<dyn Health>;
        let desk = Rc::new(Desk {
            rules: RefCell::new(rules(asked)),
            orders: orders.clone(),
            uploads: Semaphore::new(UPLOADS),
            health,
        });
        let served = Rc::clone(&desk);
        let acceptor = spawn_local(admin::serve(async move || accept(&listener).await, served));
        Ok(Self { asked: asked.clone(), address, desk, acceptor })
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
        self.desk.rules.replace(rules(asked));
        self.asked = asked.clone();
    }
}

fn rules(asked: &Admin) -> Rules {
    Rules {
        token: asked.token.as_ref().map(|token| token.reveal().to_owned()),
        has_open_probes: true,
        ..Rules::default()
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
        // Those who have come in get their answers.
        self.acceptor.abort();
    }
}
