//! A client on a raw socket: sends the bytes that it is given and reads what comes, without opinions.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::{PATIENCE, values};

/// One connection to the proxy.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<TcpStream>,
}

/// A response as it stood on the wire.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Of the status line.
    pub status: u16,
    /// In order.
    pub headers: Vec<(String, String)>,
    /// Without chunk framing.
    pub body: Vec<u8>,
}

impl Reply {
    /// The first value of a field.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.values(name).first().copied()
    }

    /// Every value of a field.
    pub fn values(&self, name: &str) -> Vec<&str> {
        values(&self.headers, name)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A GET on a connection of its own.
pub fn get(address: SocketAddr, path: &str) -> Reply {
    Client::connect(address).get(path, "")
}

impl Client {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Self {
        Self::of(TcpStream::connect(address).expect("the proxy accepts connections"))
    }

    /// On a connection that is there.
    pub fn of(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    /// Sends bytes.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.get_mut().write_all(bytes.as_ref()).expect("the proxy takes the bytes");
    }

    /// A GET with more header lines, each ending in CRLF.
    pub fn get(&mut self, path: &str, more: &str) -> Reply {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: test.example\r\n{more}\r\n"));
        self.reply()
    }

    /// Reads one response.
    pub fn reply(&mut self) -> Reply {
        let (status, headers) = self.head();
        let mut reply = Reply { status, headers, body: Vec::new() };
        if reply.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            while let Some(chunk) = self.chunk() {
                reply.body.extend(chunk);
            }
        } else {
            let length = reply
                .header("content-length")
                .map_or(0, |length| length.parse().expect("a content-length is a number"));
            reply.body.resize(length, 0);
            self.stream.read_exact(&mut reply.body).expect("the body is as long as was said");
        }
        reply
    }

    /// Reads a status line and the header.
    pub fn head(&mut self) -> (u16, Vec<(String, String)>) {
        let line = self.line();
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or_else(|| panic!("{line:?} is no status line"));
        let mut headers = Vec::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        (status, headers)
    }

    /// Reads one chunk; none if it is the last.
    pub fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = self.line();
        let size = usize::from_str_radix(&size, 16).unwrap_or_else(|_| panic!("{size:?} is no chunk size"));
        let mut chunk = vec![0; size + 2];
        self.stream.read_exact(&mut chunk).expect("a chunk is as long as was said");
        chunk.truncate(size);
        (size > 0).then_some(chunk)
    }

    /// Reads so many bytes of a body whose head was read before.
    pub fn rest_of(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).expect("the body goes on");
        bytes
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a line comes");
        assert!(line.ends_with("\r\n"), "the connection ended, or a line does not end in CRLF: {line:?}");
        line.truncate(line.len() - 2);
        line
    }

    /// What is left until the proxy closes the connection; an error if it is reset.
    pub fn rest(mut self) -> std::io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest)?;
        Ok(rest)
    }
}
