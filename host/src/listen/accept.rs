//! Accepting, and choosing a worker.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::gate::{Gate, Permit, Refused};

/// Connections that the system holds until they are accepted.
const BACKLOG: i32 = 4096;

/// How long to wait when no descriptor is left; accepting again at once would spin.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);

/// A connection on its way to its worker.
#[derive(Debug)]
pub struct Arrival {
    /// The connection.
    pub stream: TcpStream,
    /// Who connected.
    pub peer: SocketAddr,
    /// The listener's place in the configuration.
    pub listener: usize,
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

/// A bound listener and what its connections are counted by.
#[derive(Debug)]
pub struct Entrance {
    /// Its key in the file.
    pub name: String,
    /// Its place in the configuration.
    pub listener: usize,
    /// Bound.
    pub socket: tokio::net::TcpListener,
    /// Its count.
    pub gate: Arc<Gate>,
}

/// Listens on an address; port 0 finds a free one.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None)?;
    // A restart must not wait for the connections of the process before.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Hands each connection to the worker with the fewest. Ends when it is dropped.
pub async fn accept(entrance: Entrance, doors: Vec<Door>) {
    let mut refused = Refused::default();
    loop {
        match entrance.socket.accept().await {
            Ok((stream, peer)) => {
                let Some(door) = doors.iter().min_by_key(|door| door.open.load(Ordering::Relaxed)) else { return };
                match entrance.gate.enter(&door.open) {
                    Some(permit) => hand_over(stream, peer, entrance.listener, permit, door),
                    None => refused.add(&entrance.name, &entrance.gate),
                }
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!("cannot accept connections: {error}");
                tokio::time::sleep(OUT_OF_DESCRIPTORS).await;
            }
        }
    }
}

fn hand_over(stream: tokio::net::TcpStream, peer: SocketAddr, listener: usize, permit: Permit, door: &Door) {
    // It belongs to the worker's runtime from here on.
    let Ok(stream) = stream.set_nodelay(true).and_then(|()| stream.into_std()) else { return };
    // A worker that is gone is draining: the connection is closed.
    let _ = door.connections.send(Arrival { stream, peer, listener, permit });
}

/// The peer left between connecting and being accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}
