//! The generator and the origin: one thread that looks at all sockets in turn and never sleeps.
//!
//! Never sleeping makes the figures comparable: the kernel charges whoever sends for waking a sleeping receiver, so a
//! proxy that is a little slower, and so lets the other core doze, would pay for that too.
//!
//! Open loop: requests are due at random (exponential) intervals, whether or not the ones before were answered, and
//! a latency counts from when its request was due. A proxy that stalls is charged for all that had to wait.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::event::{Timespec, epoll};
use serde::Serialize;

use crate::origin::Origin;

const CONNECTIONS: usize = 64;
/// What most proxies are asked.
pub const REQUEST: &[u8] = b"GET /bench HTTP/1.1\r\nHost: bench.example\r\nUser-Agent: weir-bench/1\r\nAccept: */*\r\nAccept-Encoding: identity\r\nX-Trace: 4bf92f3577b34da6a3ce929d0e0e4736\r\n\r\n";

/// For JSON, by a client that takes gzip.
pub const COMPRESSED: &[u8] = b"GET /json HTTP/1.1\r\nHost: bench.example\r\nUser-Agent: weir-bench/1\r\nAccept: */*\r\nAccept-Encoding: gzip\r\nX-Trace: 4bf92f3577b34da6a3ce929d0e0e4736\r\n\r\n";

/// Requests that a filter fails on.
#[derive(Clone, Copy, Debug)]
pub struct Ill {
    /// One in so many.
    pub every: u64,
    pub request: &'static [u8],
}

/// What was seen.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Outcome {
    pub requests: u64,
    pub seconds: f64,
    /// Answers that were not 200. Those to [`Ill`] requests are not counted here, nor is their time.
    pub bad: u64,
    /// Microseconds; open loop only.
    pub p50: f64,
    pub p99: f64,
    /// Requests that were due and not sent when the time was up.
    pub unsent: u64,
}

/// Sends requests, and answers those that come through.
pub struct Generator {
    poll: OwnedFd,
    pub origin: Origin,
    /// What the next load asks for.
    pub request: &'static [u8],
}

struct Connection {
    stream: TcpStream,
    due: Instant,
    is_ill: bool,
    received: Vec<u8>,
}

impl Generator {
    /// With an origin on this address.
    pub fn new(listen: SocketAddr) -> Result<Self> {
        let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let origin = Origin::new(&poll, listen)?;
        Ok(Self { poll, origin, request: REQUEST })
    }

    /// Sends requests for a while: at a rate, or each connection as fast as it is answered.
    pub fn load(&mut self, to: SocketAddr, rate: Option<f64>, time: Duration) -> Result<Outcome> {
        self.mixed_load(to, rate, time, None)
    }

    /// The same with some requests among them that a filter fails on.
    pub fn mixed_load(
        &mut self,
        to: SocketAddr,
        rate: Option<f64>,
        time: Duration,
        ill: Option<Ill>,
    ) -> Result<Outcome> {
        let mut opened = Vec::with_capacity(CONNECTIONS);
        for index in 0..CONNECTIONS {
            let stream = TcpStream::connect(to).with_context(|| format!("cannot connect to {to}"))?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            epoll::add(&self.poll, &stream, epoll::EventData::new_u64(index as u64), epoll::EventFlags::IN)?;
            opened.push(Connection { stream, due: Instant::now(), is_ill: false, received: Vec::with_capacity(4096) });
        }
        let start = Instant::now();
        let mut run =
            Run { pool: opened, request: self.request, ill, sent: 0, latencies: Vec::new(), bad: 0, answered: 0 };
        let mut waiting = VecDeque::new();
        let mut idle: Vec<usize> = (0..CONNECTIONS).collect();
        let mut arrivals = Arrivals { rate, next: start, state: 0x9e37_79b9_7f4a_7c15 };
        if rate.is_none() {
            for index in idle.drain(..) {
                run.send(index, start)?;
            }
        }
        let mut events = Vec::with_capacity(4 * CONNECTIONS);
        loop {
            let now = Instant::now();
            if now >= start + time {
                break;
            }
            while arrivals.is_due(now) {
                waiting.push_back(arrivals.take());
            }
            while let Some(index) = (!waiting.is_empty()).then(|| idle.pop()).flatten() {
                run.send(index, waiting.pop_front().context("something waits")?)?;
            }
            events.clear();
            epoll::wait(&self.poll, rustix::buffer::spare_capacity(&mut events), Some(&Timespec::default()))?;
            for event in &events {
                let key = event.data.u64();
                if self.origin.serve(&self.poll, key)? {
                    continue;
                }
                let index = usize::try_from(key)?;
                if !run.receive(index)? {
                    continue;
                }
                match rate {
                    None => run.send(index, Instant::now())?,
                    Some(_) => idle.push(index),
                }
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        run.latencies.sort_unstable();
        let percentile = |share: usize| {
            run.latencies.get(run.latencies.len() * share / 100).map_or(0.0, |latency| f64::from(*latency) / 1e3)
        };
        Ok(Outcome {
            requests: run.answered,
            seconds,
            bad: run.bad,
            p50: percentile(50),
            p99: percentile(99),
            unsent: waiting.len() as u64,
        })
    }
}

struct Run {
    pool: Vec<Connection>,
    request: &'static [u8],
    ill: Option<Ill>,
    sent: u64,
    /// Nanoseconds.
    latencies: Vec<u32>,
    bad: u64,
    answered: u64,
}

impl Run {
    fn send(&mut self, index: usize, due: Instant) -> Result<()> {
        let connection = &mut self.pool[index];
        connection.due = due;
        self.sent += 1;
        let ill = self.ill.filter(|ill| self.sent.is_multiple_of(ill.every));
        connection.is_ill = ill.is_some();
        // A socket whose last request was answered has room for the next.
        Ok(connection.stream.write_all(ill.map_or(self.request, |ill| ill.request))?)
    }

    /// Whether the answer is whole.
    fn receive(&mut self, index: usize) -> Result<bool> {
        let connection = &mut self.pool[index];
        let mut chunk = [0; 16 << 10];
        match connection.stream.read(&mut chunk) {
            Ok(0) => bail!("the proxy closed a connection"),
            Ok(length) => connection.received.extend_from_slice(&chunk[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        let Some(length) = whole(&connection.received)? else { return Ok(false) };
        self.answered += 1;
        if !connection.is_ill {
            self.bad += u64::from(!connection.received.starts_with(b"HTTP/1.1 200"));
            self.latencies.push(u32::try_from(connection.due.elapsed().as_nanos()).unwrap_or(u32::MAX));
        }
        connection.received.drain(..length);
        Ok(true)
    }
}

/// The length of the response if all of it is there.
fn whole(received: &[u8]) -> Result<Option<usize>> {
    let Some(head) = received.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let length = received[..head].split(|byte| *byte == b'\n').find_map(|line| {
        line.get(..15).filter(|name| name.eq_ignore_ascii_case(b"content-length:")).map(|_| &line[15..])
    });
    let Some(length) = length else {
        return Ok(chunks(&received[head + 4..])?.map(|length| head + 4 + length));
    };
    let length: usize = std::str::from_utf8(length)?.trim().parse()?;
    let total = head + 4 + length;
    Ok((received.len() >= total).then_some(total))
}

/// The length of all chunks with the last one, if they are there. There are no trailers.
fn chunks(received: &[u8]) -> Result<Option<usize>> {
    let mut at = 0;
    loop {
        let Some(line) = received[at..].windows(2).position(|window| window == b"\r\n") else { return Ok(None) };
        let size = usize::from_str_radix(std::str::from_utf8(&received[at..at + line])?, 16)
            .context("the answer has neither a Content-Length nor chunks")?;
        at += line + 2 + size + 2;
        if at > received.len() {
            return Ok(None);
        }
        if size == 0 {
            return Ok(Some(at));
        }
    }
}

/// When requests are due: a Poisson process, the same in every run.
struct Arrivals {
    rate: Option<f64>,
    next: Instant,
    state: u64,
}

impl Arrivals {
    fn is_due(&self, now: Instant) -> bool {
        self.rate.is_some() && self.next <= now
    }

    fn take(&mut self) -> Instant {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        #[allow(clippy::cast_precision_loss)]
        let uniform = ((self.state >> 11) as f64 + 1.0) / (1_u64 << 53) as f64;
        let due = self.next;
        self.next += Duration::from_secs_f64(-uniform.ln() / self.rate.unwrap_or(1.0));
        due
    }
}
