//! The server behind every proxy: 100 bytes for whatever is asked, served from the generator's own loop.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;

use anyhow::Result;
use rustix::event::epoll;

/// Keys of the events that are the origin's.
const LISTENER: u64 = 1 << 32;

/// A listener and its connections.
pub struct Origin {
    listener: TcpListener,
    connections: Vec<Option<(TcpStream, Vec<u8>)>>,
    answer: Vec<u8>,
}

impl Origin {
    /// Listens, and registers with the loop's epoll.
    pub fn new(poll: &OwnedFd, listen: SocketAddr) -> Result<Self> {
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\nServer: origin\r\n\r\n{}",
            "x".repeat(100)
        );
        let listener = TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        epoll::add(poll, &listener, epoll::EventData::new_u64(LISTENER), epoll::EventFlags::IN)?;
        Ok(Self { listener, connections: Vec::new(), answer: answer.into_bytes() })
    }

    /// Where it listens.
    pub fn address(&self) -> Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Serves an event if it is the origin's.
    pub fn serve(&mut self, poll: &OwnedFd, key: u64) -> Result<bool> {
        if key < LISTENER {
            return Ok(false);
        }
        if key == LISTENER {
            while let Ok((stream, _)) = self.listener.accept() {
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
                let key = LISTENER + 1 + self.connections.len() as u64;
                epoll::add(poll, &stream, epoll::EventData::new_u64(key), epoll::EventFlags::IN)?;
                self.connections.push(Some((stream, Vec::new())));
            }
            return Ok(true);
        }
        let slot = &mut self.connections[usize::try_from(key - LISTENER - 1)?];
        if let Some((stream, received)) = slot
            && !answered(stream, received, &self.answer)
        {
            *slot = None;
        }
        Ok(true)
    }
}

/// Whether the connection goes on.
fn answered(stream: &mut TcpStream, received: &mut Vec<u8>, answer: &[u8]) -> bool {
    let mut chunk = [0; 16 << 10];
    match stream.read(&mut chunk) {
        Ok(0) => return false,
        Ok(length) => received.extend_from_slice(&chunk[..length]),
        Err(error) => return error.kind() == ErrorKind::WouldBlock,
    }
    while let Some(head) = received.windows(4).position(|window| window == b"\r\n\r\n") {
        received.drain(..head + 4);
        if stream.write_all(answer).is_err() {
            return false;
        }
    }
    true
}
