//! The server behind every proxy: 100 bytes for whatever is asked, one thread on epoll.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use anyhow::Result;
use rustix::event::epoll;

const LISTENER: u64 = u64::MAX;

/// Serves until the process ends.
pub fn serve(listen: SocketAddr) -> Result<()> {
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\nServer: origin\r\n\r\n{}",
        "x".repeat(100)
    );
    let listener = TcpListener::bind(listen)?;
    listener.set_nonblocking(true)?;
    let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    epoll::add(&poll, &listener, epoll::EventData::new_u64(LISTENER), epoll::EventFlags::IN)?;
    let mut connections: Vec<Option<(TcpStream, Vec<u8>)>> = Vec::new();
    let mut events = Vec::with_capacity(256);
    loop {
        events.clear();
        epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), None)?;
        for event in &events {
            if event.data.u64() == LISTENER {
                while let Ok((stream, _)) = listener.accept() {
                    stream.set_nonblocking(true)?;
                    stream.set_nodelay(true)?;
                    epoll::add(
                        &poll,
                        &stream,
                        epoll::EventData::new_u64(connections.len() as u64),
                        epoll::EventFlags::IN,
                    )?;
                    connections.push(Some((stream, Vec::new())));
                }
                continue;
            }
            let slot = &mut connections[usize::try_from(event.data.u64())?];
            if let Some((stream, received)) = slot
                && !answered(stream, received, answer.as_bytes())
            {
                *slot = None;
            }
        }
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
