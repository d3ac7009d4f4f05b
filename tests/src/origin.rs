//! An upstream on raw sockets: a test tells it byte by byte what to answer.

use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::{PATIENCE, values};

/// A request as the upstream received it.
#[derive(Clone, Debug)]
pub struct Received {
    /// Method, target, version.
    pub line: String,
    /// The header lines, in order.
    pub headers: Vec<(String, String)>,
    /// By content-length only; a handler reads other bodies itself.
    pub body: Vec<u8>,
    /// Which connection it came on, from 0.
    pub connection: usize,
}

impl Received {
    /// The first value of a field.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.values(name).first().copied()
    }

    /// Every value of a field.
    pub fn values(&self, name: &str) -> Vec<&str> {
        values(&self.headers, name)
    }

    /// The body, chunked or not.
    pub fn whole(&self, stream: &mut impl Read) -> Vec<u8> {
        if self.header("transfer-encoding").is_none() {
            return self.body.clone();
        }
        let mut body = Vec::new();
        loop {
            let mut line = Vec::new();
            while !line.ends_with(b"\r\n") {
                let mut byte = [0];
                if stream.read_exact(&mut byte).is_err() {
                    return body;
                }
                line.push(byte[0]);
            }
            let size = usize::from_str_radix(String::from_utf8(line).unwrap().trim(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            if stream.read_exact(&mut chunk).is_err() || size == 0 {
                return body;
            }
            body.extend(&chunk[..size]);
        }
    }
}

/// The connection that a request came on; what of it was read ahead is read first.
#[derive(Debug)]
pub struct Peer(BufReader<TcpStream>);

impl Peer {
    /// Ends the connection in both directions.
    pub fn close(&self) {
        let _ = self.0.get_ref().shutdown(Shutdown::Both);
    }
}

impl Read for Peer {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Peer {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.0.get_mut().write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        self.0.get_mut().flush()
    }
}

/// A listening upstream, until the process ends.
#[derive(Debug)]
pub struct Origin {
    /// Where it listens.
    pub address: SocketAddr,
    received: Receiver<Received>,
}

impl Origin {
    /// Answers every request with 200 and this body.
    pub fn text(body: &'static str) -> Self {
        Self::raw(move |_, stream| {
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).is_ok()
        })
    }

    /// Echoes after an upgrade to another protocol, and answers everything else with `ok`.
    pub fn echoing() -> Self {
        Self::raw(|received, stream| {
            if received.header("upgrade").is_none() {
                return stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").is_ok();
            }
            let _ =
                stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
            let mut byte = [0];
            while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
            false
        })
    }

    /// Answers as `handler` does, on the raw connection; when it returns false the connection is closed.
    pub fn raw(handler: impl Fn(&Received, &mut Peer) -> bool + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, received) = channel();
        std::thread::spawn(move || {
            for (connection, stream) in listener.incoming().map_while(Result::ok).enumerate() {
                let (handler, sender) = (handler.clone(), sender.clone());
                std::thread::spawn(move || serve(stream, connection, &handler, &sender));
            }
        });
        Self { address, received }
    }

    /// The next request that arrives.
    pub fn next(&self) -> Received {
        self.received.recv_timeout(PATIENCE).expect("a request reaches the upstream")
    }

    /// The requests that have arrived.
    pub fn arrived(&self) -> Vec<Received> {
        self.received.try_iter().collect()
    }
}

fn serve(
    stream: TcpStream,
    connection: usize,
    handler: &impl Fn(&Received, &mut Peer) -> bool,
    sender: &Sender<Received>,
) {
    let mut peer = Peer(BufReader::new(stream));
    while let Some(received) = read(&mut peer.0, connection) {
        let _ = sender.send(received.clone());
        if !handler(&received, &mut peer) {
            return;
        }
    }
}

fn read(stream: &mut BufReader<TcpStream>, connection: usize) -> Option<Received> {
    let mut line = || {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|length| *length > 0)?;
        Some(line.trim_end().to_owned())
    };
    let request = line()?;
    let mut headers = Vec::new();
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut received = Received { line: request, headers, body: Vec::new(), connection };
    let length = received.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    received.body.resize(length, 0);
    stream.read_exact(&mut received.body).ok()?;
    Some(received)
}
