//! The operators' door: as long as it is there, operators can come in.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::task::{JoinHandle, spawn_local};

use super::handover::Socket;
use super::health::Pulse;
use super::inherit::{ADMIN, Inherited};
use super::listeners::cannot_bind;
use crate::admin::{self, Arrival, At, Caller, Desk, Order, Refused, Rules, Stream};
use crate::config::{Admin, Fault};
use crate::listen::OperatorTls;

mod entrance;

use entrance::{Came, Entrance, Key};

/// TLS as it is now: certificates are renewed while the door is open.
type Tls = Rc<RefCell<Option<Arc<OperatorTls>>>>;

/// Components that operators send at a time: each may have 64 MiB.
const UPLOADS: usize = 2;

/// An open door.
#[derive(Debug)]
pub(super) struct AdminDoor {
    asked: Admin,
    pub(super) at: At,
    key: Key,
    desk: Rc<Desk>,
    tls: Tls,
    acceptor: JoinHandle<()>,
}

impl AdminDoor {
    /// Opens it.
    pub(super) fn open(
        asked: &Admin,
        tls: Option<&Arc<OperatorTls>>,
        orders: &mpsc::Sender<Order>,
        pulse: &Rc<Pulse>,
        inherited: &mut Inherited,
    ) -> Result<Self, Fault> {
        let bound = Entrance::bind(&asked.address.value, inherited);
        let bound = bound.and_then(|(entrance, at)| Ok((entrance.key()?, entrance, at)));
        let (key, entrance, at) =
            bound.map_err(|error| cannot_bind(asked.address.place, &asked.address.value, &error))?;
        let health = Rc::clone(pulse) as _;
        let desk = Rc::new(Desk {
            rules: RefCell::new(rules(asked)),
            orders: orders.clone(),
            uploads: Semaphore::new(UPLOADS),
            health,
            refused: Refused::default(),
            shown: Mutex::default(),
        });
        let tls = Rc::new(RefCell::new(tls.cloned()));
        let (entered, now) = (Rc::clone(&desk), Rc::clone(&tls));
        let accept = async move || arrive(entrance.accept().await, now.borrow().clone());
        let acceptor = spawn_local(admin::serve(accept, entered));
        Ok(Self { asked: asked.clone(), at, key, desk, tls, acceptor })
    }

    /// Whether it is at this address; what callers must show may be something else.
    pub(super) fn is_at(&self, asked: &Admin) -> bool {
        self.asked.address.value == asked.address.value
    }

    /// Its socket for another process, with the address that it was asked for.
    pub(super) fn pass_on(&self) -> std::io::Result<Socket> {
        Ok((ADMIN.to_owned(), self.asked.address.value.to_string(), self.key.socket.try_clone()?))
    }

    /// Closes it, for another process has it now.
    pub(super) fn leave(self) {
        self.key.is_left.set(true);
    }

    /// Says that operators are let in.
    pub(super) fn announce(&self) {
        let address = &self.at;
        tracing::info!(%address, "`weir status` and `weir reload` are answered on {address}");
    }

    /// Wants to be shown this from now on, on connections that are open too; new ones get these certificates.
    pub(super) fn change(&mut self, asked: &Admin, tls: Option<&Arc<OperatorTls>>) {
        self.desk.rules.replace(rules(asked));
        self.tls.replace(tls.cloned());
        self.asked = asked.clone();
    }
}

fn rules(asked: &Admin) -> Rc<Rules> {
    Rc::new(Rules {
        token: asked.token.as_ref().map(|token| token.reveal().to_owned()),
        hosts: asked.hosts.clone(),
        needs_certificate: asked.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some()),
        has_open_probes: asked.has_open_probes,
    })
}

/// A connection on its way in.
fn arrive(stream: Came, tls: Option<Arc<OperatorTls>>) -> Arrival {
    match (stream, tls) {
        (Came::Unix(stream), _) => {
            let stream: Box<dyn Stream> = Box::new(stream);
            Box::pin(async { Ok((stream, Caller { is_local: true, has_certificate: false })) })
        }
        (Came::Tcp(stream), None) => {
            let stream: Box<dyn Stream> = Box::new(stream);
            Box::pin(async { Ok((stream, Caller::default())) })
        }
        (Came::Tcp(stream), Some(tls)) => Box::pin(async move {
            let (stream, has_certificate) = tls.accept(stream).await?;
            let stream: Box<dyn Stream> = Box::new(stream);
            Ok((stream, Caller { is_local: false, has_certificate }))
        }),
    }
}

impl Drop for AdminDoor {
    fn drop(&mut self) {
        // Those who have come in get their answers.
        self.acceptor.abort();
    }
}
