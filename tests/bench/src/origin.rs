//! The server behind every proxy: 100 bytes for whatever is asked, or 16 KiB of JSON, served from the generator's own loop.

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
    json: Vec<u8>,
}

impl Origin {
    /// Listens, and registers with the loop's epoll.
    pub fn new(poll: &OwnedFd, listen: SocketAddr) -> Result<Self> {
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\nServer: origin\r\n\r\n{}",
            "x".repeat(100)
        );
        let json = json();
        let head = format!("Content-Type: application/json\r\nContent-Length: {}\r\nServer: origin", json.len());
        let json = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{json}").into_bytes();
        let listener = TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        epoll::add(poll, &listener, epoll::EventData::new_u64(LISTENER), epoll::EventFlags::IN)?;
        Ok(Self { listener, connections: Vec::new(), answer: answer.into_bytes(), json })
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
            && !answered(stream, received, &self.answer, &self.json)
        {
            *slot = None;
        }
        Ok(true)
    }
}

/// Whether the connection goes on.
fn answered(stream: &mut TcpStream, received: &mut Vec<u8>, answer: &[u8], json: &[u8]) -> bool {
    let mut chunk = [0; 16 << 10];
    match stream.read(&mut chunk) {
        Ok(0) => return false,
        Ok(length) => received.extend_from_slice(&chunk[..length]),
        Err(error) => return error.kind() == ErrorKind::WouldBlock,
    }
    while let Some(head) = received.windows(4).position(|window| window == b"\r\n\r\n") {
        let answer = if received.starts_with(b"GET /json ") { json } else { answer };
        received.drain(..head + 4);
        if stream.write_all(answer).is_err() {
            return false;
        }
    }
    true
}

/// 16 KiB as an API answers: keys that repeat, words that often do, and ids and numbers that do not.
fn json() -> String {
    let words = ["pending", "shipped", "delivered", "returned", "priority", "standard", "refund", "warehouse"];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut text = String::from("{\"items\":[");
    while text.len() < (16 << 10) - 300 {
        let (id, cents, first, second) = (next(), next() % 100_000, next() % 8, next() % 8);
        text.push_str(&format!(
            "{{\"id\":\"{id:016x}\",\"status\":\"{}\",\"note\":\"{} {}\",\"total\":{cents},\"currency\":\"EUR\",\"created_at\":\"2026-11-{:02}T08:{:02}:00Z\"}},",
            words[usize::try_from(first).unwrap_or(0)],
            words[usize::try_from(second).unwrap_or(0)],
            words[usize::try_from(cents % 8).unwrap_or(0)],
            1 + id % 28,
            id % 60,
        ));
    }
    let rest = (16 << 10) - text.len() - "{\"pad\":\"\"}]}".len();
    text + &format!("{{\"pad\":\"{}\"}}]}}", "x".repeat(rest))
}
