//! The addresses that are listened on: they come and go with configurations, and those that stay keep their connections.

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_local};

use crate::config::{Config, Fault, Listener, Place};
use crate::listen::{self, Doors, Entrance, Gate, Id, Stop};

use super::handover::Socket;
use super::inherit::Inherited;

/// A bound listener.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) id: Id,
    pub(super) name: String,
    pub(super) scheme: &'static str,
    /// Where it is bound.
    pub(super) address: SocketAddr,
    /// As it was asked for: port 0 is any.
    asked: SocketAddr,
    pub(super) gate: Arc<Gate>,
    socket: Arc<TcpListener>,
    acceptor: Option<Acceptor>,
}

/// What accepts its connections.
#[derive(Debug)]
struct Acceptor {
    stop: oneshot::Sender<Stop>,
    task: JoinHandle<()>,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Listeners {
    bound: Vec<Bound>,
    next: u64,
    /// Sockets that nobody has taken yet; at the start only.
    pub(super) inherited: Inherited,
}

/// What another configuration makes of them. All that is new is bound, and accepts when it is taken.
#[derive(Debug)]
pub(super) struct Plan {
    /// In the configuration's order: one that is there, by its place, or a new one.
    listeners: Vec<Result<usize, Bound>>,
}

impl Plan {
    /// The numbers of the listeners, in the configuration's order.
    pub(super) fn ids(&self, listeners: &Listeners) -> Arc<[Id]> {
        let id = |listener: &Result<usize, Bound>| match listener {
            Ok(place) => listeners.bound[*place].id,
            Err(bound) => bound.id,
        };
        self.listeners.iter().map(id).collect()
    }
}

impl Listeners {
    /// None yet; those that come take what is theirs.
    pub(super) fn inheriting(inherited: Inherited) -> Self {
        Self { bound: Vec::new(), next: 0, inherited }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Bound> {
        self.bound.iter()
    }

    /// Binds what the configuration has and is not bound. A listener is the same if its address is, whatever its name: the
    /// connections there go on. On a fault nothing has changed.
    pub(super) fn plan(&mut self, config: &Config) -> Result<Plan, Vec<Fault>> {
        let mut kept: Vec<Option<usize>> = vec![None; config.listeners.len()];
        // Its name tells which of several on port 0 it is.
        let rules: [fn(&Bound, &Listener) -> bool; 2] = [
            |bound, wanted| bound.name == wanted.name && bound.asked == wanted.address,
            |bound, wanted| bound.address == wanted.address,
        ];
        for is_same in rules {
            for (index, wanted) in config.listeners.iter().enumerate() {
                let is_free = |place: &usize| !kept.contains(&Some(*place));
                let found = (0..self.bound.len()).filter(is_free).find(|place| is_same(&self.bound[*place], wanted));
                kept[index] = kept[index].or(found);
            }
        }
        let gone = |place: &usize| !kept.contains(&Some(*place));
        let gone: Vec<&Bound> = (0..self.bound.len()).filter(gone).map(|place| &self.bound[place]).collect();
        let (mut listeners, mut faults) = (Vec::new(), Vec::new());
        for (wanted, kept) in config.listeners.iter().zip(kept) {
            let Some(place) = kept else {
                self.next += 1;
                match Bound::new(Id(self.next), wanted, &gone, &mut self.inherited) {
                    Ok(bound) => listeners.push(Err(bound)),
                    Err(fault) => faults.push(fault),
                }
                continue;
            };
            listeners.push(Ok(place));
        }
        if faults.is_empty() { Ok(Plan { listeners }) } else { Err(faults) }
    }

    /// Makes them what the plan says: what is new accepts. What is gone is given back.
    pub(super) fn take(&mut self, plan: Plan, config: &Config, doors: &Doors) -> Vec<Bound> {
        let is_reload = !self.bound.is_empty();
        let mut before: Vec<Option<Bound>> = std::mem::take(&mut self.bound).into_iter().map(Some).collect();
        for (planned, wanted) in plan.listeners.into_iter().zip(&config.listeners) {
            let bound = match planned {
                Ok(place) => before[place].take(),
                Err(bound) => Some(bound),
            };
            let Some(mut bound) = bound else { continue };
            bound.become_as(wanted);
            // Of those of the start whoever started says so.
            if is_reload && bound.acceptor.is_none() {
                bound.announce();
            }
            bound.accept(doors);
            self.bound.push(bound);
        }
        before.into_iter().flatten().collect()
    }

    /// Stops accepting, everywhere.
    pub(super) async fn close(&mut self, why: Stop) {
        for bound in std::mem::take(&mut self.bound) {
            drop(bound.close(why).await);
        }
    }
}

impl Bound {
    /// Binds a listener; those that are about to go do not stand in its way.
    fn new(id: Id, wanted: &Listener, gone: &[&Self], inherited: &mut Inherited) -> Result<Self, Fault> {
        let port = wanted.address.port();
        let in_its_way = gone.iter().filter(|bound| port != 0 && bound.address.port() == port);
        let in_its_way: Vec<_> = in_its_way.map(|bound| Arc::clone(&bound.socket)).collect();
        let bound = if in_its_way.is_empty() {
            inherited.listen(&wanted.name, wanted.address, || listen::bind(wanted.address))
        } else {
            listen::bind_beside(wanted.address, &in_its_way)
        };
        let bound = bound.and_then(TcpListener::from_std).and_then(|socket| Ok((socket.local_addr()?, socket)));
        let (address, socket) = bound.map_err(|error| cannot_bind(wanted.place, &wanted.address, &error))?;
        let mut bound = Self {
            id,
            name: String::new(),
            scheme: "",
            address,
            asked: wanted.address,
            gate: Gate::new(wanted.limits.connections),
            socket: Arc::new(socket),
            acceptor: None,
        };
        bound.become_as(wanted);
        Ok(bound)
    }

    /// What may change while it is bound.
    fn become_as(&mut self, wanted: &Listener) {
        self.name.clone_from(&wanted.name);
        self.scheme = if wanted.tls.is_some() { "https" } else { "http" };
        self.asked = wanted.address;
        self.gate.allow(wanted.limits.connections);
    }

    /// Its socket for another process, with the address that it was asked for.
    pub(super) fn pass_on(&self) -> std::io::Result<Socket> {
        Ok((self.name.clone(), self.asked.to_string(), self.socket.as_fd().try_clone_to_owned()?))
    }

    /// How many connections it has.
    pub(super) fn connections(&self) -> usize {
        self.gate.open()
    }

    /// Says that it accepts.
    pub(super) fn announce(&self) {
        let Self { name, scheme, address, .. } = self;
        tracing::info!(listener = name, %address, "listening on {scheme}://{address} ({name})");
    }

    fn accept(&mut self, doors: &Doors) {
        if self.acceptor.is_some() {
            return;
        }
        let (stop, stopped) = oneshot::channel();
        let entrance = Entrance {
            name: self.name.clone(),
            listener: self.id,
            socket: Arc::clone(&self.socket),
            gate: Arc::clone(&self.gate),
        };
        let task = spawn_local(listen::accept(entrance, Doors::clone(doors), stopped));
        self.acceptor = Some(Acceptor { stop, task });
    }

    /// Stops accepting. Tells whether a connection is open.
    pub(super) async fn close(self, why: Stop) -> impl Fn() -> bool {
        if let Some(Acceptor { stop, task }) = self.acceptor {
            let _ = stop.send(why);
            let _ = task.await;
        }
        let gate = self.gate;
        move || gate.is_used()
    }
}

pub(super) fn cannot_bind(place: Place, address: &dyn std::fmt::Display, error: &std::io::Error) -> Fault {
    let fault = Fault::new(place, format!("cannot listen on {address}: {error}"));
    match error.kind() {
        std::io::ErrorKind::AddrInUse => fault.help("another process listens there; stop it, or choose another port"),
        std::io::ErrorKind::PermissionDenied => fault.help("ports below 1024 need root or CAP_NET_BIND_SERVICE"),
        std::io::ErrorKind::AddrNotAvailable => {
            fault.help("no interface of this machine has that address; 0.0.0.0 is all of them")
        }
        _ => fault,
    }
}
