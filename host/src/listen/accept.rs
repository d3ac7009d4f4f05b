//! Accepting, and choosing a worker.

use std::cell::RefCell;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use socket2::{SockRef, Socket};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::gate::{Gate, Permit, Refused};

/// Connections that the system holds until they are accepted.
const BACKLOG: i32 = 4096;

/// How long to wait when no descriptor is left; accepting again at once would spin.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);

/// Which listener: it keeps its number as long as it is bound, whatever its name and its place in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id(pub u64);

/// A connection on its way to its worker.
#[derive(Debug)]
pub struct Arrival {
    /// The connection.
    pub stream: TcpStream,
    /// Who connected.
    pub peer: SocketAddr,
    /// Where it was accepted.
    pub listener: Id,
    /// Its count.
    pub permit: Permit,
}

/// A worker's door: where its connections go in, and how many are open behind it.
#[derive(Clone, Debug)]
pub struct Door {
    /// To the worker.
    pub connections: UnboundedSender<Arrival>,
    /// Counted up here, and down when a connection ends.
    pub open: Arc<AtomicUsize>,
}

/// The doors of all workers; they come and go.
pub type Doors = Rc<RefCell<Vec<Door>>>;

/// A bound listener and what its connections are counted by.
#[derive(Debug)]
pub struct Entrance {
    /// Its key in the file, when it was bound.
    pub name: String,
    /// Its number.
    pub listener: Id,
    /// Bound.
    pub socket: Arc<tokio::net::TcpListener>,
    /// Its count.
    pub gate: Arc<Gate>,
}

/// Listens on an address; port 0 finds a free one.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    bind_with(address, |_| Ok(()))
}

/// The same while others of this process still listen on addresses that overlap with it, as 127.0.0.1:80 and 0.0.0.0:80 do.
/// Connections go to the more specific address until that one is closed.
pub fn bind_beside(address: SocketAddr, others: &[Arc<tokio::net::TcpListener>]) -> io::Result<TcpListener> {
    let share = |shares| others.iter().try_for_each(|other| SockRef::from(&**other).set_reuse_port(shares));
    share(true)?;
    let bound = bind_with(address, |socket| socket.set_reuse_port(true));
    // Other processes are to be told that the port is taken.
    share(false)?;
    let bound = bound?;
    SockRef::from(&bound).set_reuse_port(false)?;
    Ok(bound)
}

fn bind_with(address: SocketAddr, prepare: impl Fn(&Socket) -> io::Result<()>) -> io::Result<TcpListener> {
    let socket = Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None)?;
    // A restart must not wait for the connections of the process before.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    prepare(&socket)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Why nobody is accepted any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The address is given up.
    Closing,
    /// Another process accepts on the same socket.
    Relieved,
}

/// Hands each connection to the worker with the fewest, until it is told to stop. Nobody else accepts those that the system
/// has let in already, unless another process does.
pub async fn accept(entrance: Entrance, doors: Doors, stop: oneshot::Receiver<Stop>) {
    let mut refused = Refused::default();
    let why = tokio::select! {
        // Who dropped the other end wants no more either.
        why = stop => why.unwrap_or(Stop::Closing),
        () = accept_all(&entrance, &doors, &mut refused) => Stop::Closing,
    };
    if why == Stop::Relieved {
        return;
    }
    // Asked of the system, because the runtime knows only of those that it was told of. More may come all the time.
    for _ in 0..BACKLOG {
        let Ok((stream, peer)) = SockRef::from(&*entrance.socket).accept() else { break };
        if let Some(peer) = peer.as_socket().filter(|_| stream.set_nonblocking(true).is_ok()) {
            entrance.receive(stream.into(), peer, &doors, &mut refused);
        }
    }
}

async fn accept_all(entrance: &Entrance, doors: &Doors, refused: &mut Refused) {
    loop {
        match entrance.socket.accept().await {
            // It belongs to a worker's runtime from here on.
            Ok((stream, peer)) => match stream.into_std() {
                Ok(stream) => entrance.receive(stream, peer, doors, refused),
                Err(error) => tracing::debug!(%peer, "a connection got lost: {error}"),
            },
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!("cannot accept connections: {error}");
                tokio::time::sleep(OUT_OF_DESCRIPTORS).await;
            }
        }
    }
}

impl Entrance {
    fn receive(&self, stream: TcpStream, peer: SocketAddr, doors: &Doors, refused: &mut Refused) {
        let doors = doors.borrow();
        let Some(door) = doors.iter().min_by_key(|door| door.open.load(Ordering::Relaxed)) else { return };
        match self.gate.enter(&door.open) {
            Some(permit) => {
                // Whoever has gone is found out when it is read from. A worker that is gone is draining: the connection is
                // closed.
                let _ = stream.set_nodelay(true);
                let _ = door.connections.send(Arrival { stream, peer, listener: self.listener, permit });
            }
            None => refused.add(&self.name, &self.gate),
        }
    }
}

/// The peer left between connecting and being accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}
