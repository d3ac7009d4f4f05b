//! Clients that go on asking while something happens, and count: a request that fails is not tried again.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::{Frames, PATIENCE};

/// How many requests were answered, and why others were not.
#[derive(Debug, Default)]
struct Count {
    answered: AtomicUsize,
    failed: Mutex<Vec<String>>,
}

/// After this one a client of HTTP/2 takes a new connection.
const LAST_STREAM: u32 = 40_001;

/// Told how a request went; false if that was the last.
type Asked<'a> = &'a mut dyn FnMut(Result<(), String>) -> bool;

/// Clients that go on asking, two of each kind; the origin answers `ok`.
#[derive(Debug)]
pub struct Load {
    is_over: Arc<AtomicBool>,
    counts: Arc<[Count; 3]>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    /// Begins.
    pub fn on(address: SocketAddr) -> Self {
        let (counts, is_over) = (Arc::<[Count; 3]>::default(), Arc::new(AtomicBool::new(false)));
        let kinds: [fn(SocketAddr, Asked<'_>); 3] = [ask_anew, ask_on, ask_by_http2];
        let clients = (0..6).map(|index| {
            let (counts, is_over, kind) = (Arc::clone(&counts), Arc::clone(&is_over), index % 3);
            std::thread::spawn(move || {
                kinds[kind](address, &mut |outcome| {
                    match outcome {
                        Ok(()) => drop(counts[kind].answered.fetch_add(1, Ordering::Relaxed)),
                        Err(why) => counts[kind].failed.lock().unwrap().push(why),
                    }
                    !is_over.load(Ordering::Relaxed)
                });
            })
        });
        Self { clients: clients.collect(), is_over, counts }
    }

    fn answered(&self) -> [usize; 3] {
        [0, 1, 2].map(|kind| self.counts[kind].answered.load(Ordering::Relaxed))
    }

    /// Waits until each kind of client had so many more answers.
    pub fn more(&self, answers: usize) {
        let before = self.answered();
        let deadline = Instant::now() + PATIENCE;
        while !self.answered().iter().zip(before).all(|(answered, before)| *answered >= before + answers) {
            assert!(Instant::now() < deadline, "clients get no answers: {:?} and {:?}", self.answered(), self.failed());
            std::thread::yield_now();
        }
    }

    /// Ends it: what failed, for clients with a connection for each request, those who keep theirs, and HTTP/2.
    pub fn end(self) -> [Vec<String>; 3] {
        self.is_over.store(true, Ordering::Relaxed);
        let Self { clients, counts, .. } = self;
        for client in clients {
            client.join().unwrap();
        }
        failed(&counts)
    }

    fn failed(&self) -> [Vec<String>; 3] {
        failed(&self.counts)
    }
}

fn failed(counts: &[Count; 3]) -> [Vec<String>; 3] {
    [0, 1, 2].map(|kind| counts[kind].failed.lock().unwrap().clone())
}

fn connect(address: SocketAddr) -> Result<TcpStream, String> {
    let stream = TcpStream::connect(address).map_err(|error| format!("connecting: {error}"))?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    Ok(stream)
}

/// A request and its answer: whether the connection ends with that.
fn ask(stream: &mut TcpStream) -> Result<bool, String> {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").map_err(|error| format!("asking: {error}"))?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nok") {
        let (mut byte, so_far) = ([0], String::from_utf8_lossy(&answer).into_owned());
        stream.read_exact(&mut byte).map_err(|error| format!("behind {so_far:?}: {error}"))?;
        answer.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&answer).to_lowercase();
    if text.starts_with("http/1.1 200") { Ok(text.contains("connection: close")) } else { Err(text) }
}

/// A connection for each request.
fn ask_anew(address: SocketAddr, asked: Asked<'_>) {
    while asked(connect(address).and_then(|mut stream| ask(&mut stream)).map(drop)) {}
}

/// One connection until the proxy says that it ends. What fails is not tried again.
fn ask_on(address: SocketAddr, asked: Asked<'_>) {
    let mut kept: Option<TcpStream> = None;
    loop {
        let done = kept.take().map_or_else(|| connect(address), Ok).and_then(|mut stream| {
            let ends = ask(&mut stream)?;
            kept = (!ends).then_some(stream);
            Ok(())
        });
        if !asked(done) {
            return;
        }
    }
}

/// One connection of HTTP/2 until GOAWAY. What that says was not looked at is sent again, as RFC 9113 has it.
fn ask_by_http2(address: SocketAddr, asked: Asked<'_>) {
    let mut kept: Option<(Frames, u32)> = None;
    loop {
        let connected = kept.take().map_or_else(|| Ok((Frames::on(connect(address)?, 65_535), 1)), Ok);
        let done = connected.and_then(|(mut frames, stream)| {
            let outcome = ask_frames(&mut frames, stream)?;
            // Nothing here opens the connection's window again: of its 65,535 bytes each answer takes two.
            kept = (matches!(outcome, Outcome::Answered) && stream < LAST_STREAM).then_some((frames, stream + 2));
            Ok(outcome)
        });
        if !matches!(done, Ok(Outcome::NotLookedAt)) && !asked(done.map(drop)) {
            return;
        }
    }
}

enum Outcome {
    Answered,
    /// And nothing more is.
    AnsweredLast,
    NotLookedAt,
}

fn ask_frames(frames: &mut Frames, stream: u32) -> Result<Outcome, String> {
    let fields = [(":method", "GET"), (":scheme", "http"), (":authority", "x"), (":path", "/")];
    let sent = frames.try_request(stream, &fields);
    let (mut last, mut seen) = (None, Vec::new());
    for frame in frames.by_ref() {
        seen.push(frame.clone());
        match (frame.kind, frame.stream) {
            (7, 0) => last = Some(u32::from_be_bytes(frame.payload[..4].try_into().unwrap())),
            (0, of) if of == stream && frame.flags & 1 == 1 => {
                return Ok(if last.is_some() { Outcome::AnsweredLast } else { Outcome::Answered });
            }
            _ => {}
        }
        if last.is_some_and(|last| last < stream) {
            return Ok(Outcome::NotLookedAt);
        }
    }
    Err(format!("request {stream}, sent: {sent}, then came {seen:?}"))
}
