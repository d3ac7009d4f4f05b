//! An upstream that speaks HTTP/2 without TLS, frame by frame.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use crate::PATIENCE;

/// Frames of this type.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;

/// A frame as it stood on the wire.
#[derive(Clone, Debug)]
pub struct Frame {
    /// 0 data, 1 headers, 3 reset.
    pub kind: u8,
    /// 1: the stream ends with it.
    pub flags: u8,
    /// Which stream.
    pub stream: u32,
    /// What it holds.
    pub payload: Vec<u8>,
    /// Which connection it came on, from 0.
    pub connection: usize,
}

impl Frame {
    /// Whether the client's side of the stream ends with it.
    pub fn is_last(&self) -> bool {
        self.kind <= HEADERS && self.flags & 1 == 1
    }
}

/// The connection, for answers.
#[derive(Debug)]
pub struct Http2Peer(TcpStream);

impl Http2Peer {
    /// Sends a frame.
    pub fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        let _ = self.0.write_all(&frame);
    }

    /// Sends a head, or trailers: each field as a literal that is not indexed (RFC 7541, 6.2.2).
    pub fn head(&mut self, stream: u32, fields: &[(&str, &str)], is_last: bool) {
        let mut block = Vec::new();
        for (name, value) in fields {
            block.push(0);
            for text in [name, value] {
                block.push(u8::try_from(text.len()).unwrap());
                block.extend(text.as_bytes());
            }
        }
        self.frame(HEADERS, 4 | u8::from(is_last), stream, &block);
    }

    /// Sends data.
    pub fn data(&mut self, stream: u32, bytes: &[u8], is_last: bool) {
        self.frame(DATA, u8::from(is_last), stream, bytes);
    }

    /// Ends the connection.
    pub fn close(&self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// A listening upstream, until the process ends.
#[derive(Debug)]
pub struct Http2Origin {
    /// Where it listens.
    pub address: SocketAddr,
    frames: Receiver<Frame>,
}

impl Http2Origin {
    /// Answers every frame of a stream as `handler` does.
    pub fn raw(handler: impl Fn(&Frame, &mut Http2Peer) + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, frames) = channel();
        std::thread::spawn(move || {
            for (connection, stream) in listener.incoming().map_while(Result::ok).enumerate() {
                let (handler, sender) = (handler.clone(), sender.clone());
                std::thread::spawn(move || {
                    let mut peer = Http2Peer(stream.try_clone().unwrap());
                    let mut stream = stream;
                    stream.read_exact(&mut [0; 24]).ok()?;
                    peer.frame(SETTINGS, 0, 0, &[]);
                    while let Some(frame) = read(&mut stream, connection) {
                        match frame.kind {
                            SETTINGS if frame.flags & 1 == 0 => peer.frame(SETTINGS, 1, 0, &[]),
                            _ if frame.stream > 0 => {
                                let _ = sender.send(frame.clone());
                                handler(&frame, &mut peer);
                            }
                            _ => {}
                        }
                    }
                    Some(())
                });
            }
        });
        Self { address, frames }
    }

    /// The next frame of a stream that is of this kind.
    pub fn next(&self, kind: u8) -> Frame {
        loop {
            let frame = self.frames.recv_timeout(PATIENCE).expect("a frame reaches the upstream");
            if frame.kind == kind {
                return frame;
            }
        }
    }
}

fn read(stream: &mut TcpStream, connection: usize) -> Option<Frame> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).ok()?;
    let [high, middle, low, kind, flags, ..] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
    stream.read_exact(&mut payload).ok()?;
    let stream = u32::from_be_bytes(head[5..].try_into().ok()?);
    Some(Frame { kind, flags, stream, payload, connection })
}
