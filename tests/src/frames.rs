//! A client of HTTP/2 that sends and reads single frames (RFC 9113), for what well-behaved clients do not do.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::PATIENCE;

/// What a client sends first.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its type: 0 data, 1 headers, 3 reset, 4 settings, 6 ping, 7 go away.
    pub kind: u8,
    /// Its flags: 1 is acknowledgement or end of stream, 4 is end of headers.
    pub flags: u8,
    /// Which stream.
    pub stream: u32,
    /// What it holds.
    pub payload: Vec<u8>,
}

/// One connection.
#[derive(Debug)]
pub struct Frames(BufReader<TcpStream>);

impl Frames {
    /// Connects, and says how much a stream may send before it is told to go on.
    pub fn connect(address: SocketAddr, window: u32) -> Self {
        Self::on(TcpStream::connect(address).expect("the proxy accepts connections"), window)
    }

    /// The same on a connection that is there, whether somebody reads on its other end or not.
    pub fn on(stream: TcpStream, window: u32) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut frames = Self(BufReader::new(stream));
        let mut first = PREFACE.to_vec();
        first.extend([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4]);
        first.extend(window.to_be_bytes());
        let _ = frames.0.get_mut().write_all(&first);
        frames
    }

    /// Sends bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).expect("the proxy takes the bytes");
    }

    /// Sends a frame.
    pub fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        self.bytes(&frame);
    }

    /// Sends a request without a body, its fields as they are, pseudo ones too.
    pub fn request(&mut self, stream: u32, fields: &[(&str, &str)]) {
        self.head(stream, fields, 5);
    }

    /// The same, of a request whose body follows.
    pub fn begin(&mut self, stream: u32, fields: &[(&str, &str)]) {
        self.head(stream, fields, 4);
    }

    /// Acknowledges a frame; whoever has gone does not mind.
    fn answer(&mut self, kind: u8, payload: &[u8]) {
        let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
        frame.extend([kind, 1, 0, 0, 0, 0]);
        frame.extend(payload);
        let _ = self.0.get_mut().write_all(&frame);
    }

    /// The same as a request; whether the proxy took it.
    pub fn try_request(&mut self, stream: u32, fields: &[(&str, &str)]) -> bool {
        let block = block(fields);
        let mut frame = u32::try_from(block.len()).unwrap().to_be_bytes()[1..].to_vec();
        frame.extend([1, 5]);
        frame.extend(stream.to_be_bytes());
        frame.extend(block);
        self.0.get_mut().write_all(&frame).is_ok()
    }

    fn head(&mut self, stream: u32, fields: &[(&str, &str)], flags: u8) {
        self.send(1, flags, stream, &block(fields));
    }
}

/// Fields as literals that no table learns: the simplest form that there is.
fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).expect("a short field"));
            block.extend(text.as_bytes());
        }
    }
    block
}

/// The frames that are not about settings or windows, until the connection ends. Answers what must be answered.
impl Iterator for Frames {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        loop {
            let mut head = [0; 9];
            self.0.read_exact(&mut head).ok()?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            self.0.read_exact(&mut payload).ok()?;
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            let frame = Frame { kind: head[3], flags: head[4], stream, payload };
            match (frame.kind, frame.flags) {
                (4, 0) => self.answer(4, &[]),
                (6, 0) => self.answer(6, &frame.payload),
                (4 | 6 | 8, _) => {}
                _ => return Some(frame),
            }
        }
    }
}
