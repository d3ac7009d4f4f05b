//! A response's body, as it comes. When it has ended well its connection goes back to the pool.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};

use super::Exchange;
use super::head::Length;
use crate::upstream::error::Broken;
use crate::upstream::{Error, Pool};

/// Up to here bytes are copied out, which leaves the connection's room to itself.
const SMALL: usize = 4 << 10;

/// A chunk's size line, or all trailers.
const LONGEST_LINE: usize = 16 << 10;

/// Where in the body the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In data of known length: the whole body's, or a chunk's.
    Data(u64),
    /// Before a chunk's size.
    Size,
    /// Before the CRLF that ends a chunk.
    ChunkEnd,
    /// Behind the last chunk.
    Trailers,
    /// In data that ends with the connection.
    UntilClose,
    /// Behind the body.
    Done,
    /// It broke.
    Failed,
}

/// A body and the connection that it comes on. Dropped before its end, it closes the connection.
#[derive(Debug)]
pub struct ResponseBody {
    exchange: Option<Box<Exchange>>,
    pool: Rc<Pool>,
    state: State,
}

impl ResponseBody {
    pub(in crate::upstream) fn new(exchange: Box<Exchange>, pool: Rc<Pool>) -> Self {
        let state = match exchange.length {
            Length::Known(0) => State::Done,
            Length::Known(length) => State::Data(length),
            Length::Chunked => State::Size,
            Length::UntilClose => State::UntilClose,
        };
        Self { exchange: Some(exchange), pool, state }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        let Some(exchange) = &mut self.exchange else { return Poll::Ready(Ok(None)) };
        if !exchange.outgoing.is_done()
            && let Poll::Ready(Err(error)) = exchange.outgoing.poll(&mut exchange.connection.stream, context)
        {
            return Poll::Ready(Err(error));
        }
        let is_chunked = exchange.length == Length::Chunked;
        loop {
            if self.state == State::Done {
                return Poll::Ready(Ok(None));
            }
            if let Some(data) = step(&mut self.state, &mut exchange.connection.input, is_chunked)? {
                return Poll::Ready(Ok(Some(data)));
            }
            if self.state == State::Done {
                continue;
            }
            match ready!(exchange.connection.poll_read(context)) {
                Ok(0) if self.state == State::UntilClose => self.state = State::Done,
                Ok(0) => return Poll::Ready(Err(Broken::Closed.into())),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(Broken::Io(error).into())),
            }
        }
    }
}

/// Goes on through what was read: data, or none if more must be read or the body has ended.
fn step(state: &mut State, input: &mut bytes::BytesMut, is_chunked: bool) -> Result<Option<Bytes>, Broken> {
    loop {
        match *state {
            State::Data(_) | State::UntilClose if input.is_empty() => return Ok(None),
            State::UntilClose => return Ok(Some(take(input, u64::MAX))),
            State::Data(left) => {
                let data = take(input, left);
                *state = match left - data.len() as u64 {
                    0 if is_chunked => State::ChunkEnd,
                    0 => State::Done,
                    left => State::Data(left),
                };
                return Ok(Some(data));
            }
            State::ChunkEnd => match input.get(..2) {
                None => return Ok(None),
                Some(b"\r\n") => {
                    input.advance(2);
                    *state = State::Size;
                }
                Some(_) => return Err(Broken::Invalid("a chunk is longer than it said")),
            },
            State::Size => {
                let Some(end) = line(input)? else { return Ok(None) };
                let size = size(&input[..end])?;
                input.advance(end + 2);
                *state = if size == 0 { State::Trailers } else { State::Data(size) };
            }
            // They end here.
            State::Trailers => {
                let Some(end) = line(input)? else { return Ok(None) };
                input.advance(end + 2);
                if end == 0 {
                    *state = State::Done;
                }
            }
            State::Done | State::Failed => return Ok(None),
        }
    }
}

fn take(input: &mut bytes::BytesMut, most: u64) -> Bytes {
    let length = usize::try_from(most).unwrap_or(usize::MAX).min(input.len());
    if length > SMALL {
        return input.split_to(length).freeze();
    }
    let data = Bytes::copy_from_slice(&input[..length]);
    input.advance(length);
    data
}

/// The length of the line that the input begins with; it ends in CRLF.
fn line(input: &[u8]) -> Result<Option<usize>, Broken> {
    match input.iter().position(|byte| *byte == b'\n') {
        Some(end) if end > 0 && input[end - 1] == b'\r' => Ok(Some(end - 1)),
        Some(_) => Err(Broken::Invalid("a line of its chunks does not end in CRLF")),
        None if input.len() > LONGEST_LINE => Err(Broken::Invalid("a line of its chunks is too long")),
        None => Ok(None),
    }
}

/// A chunk's size; what follows a semicolon means nothing here.
fn size(line: &[u8]) -> Result<u64, Broken> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii_end();
    let is_size = (1..=16).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    let size =
        std::str::from_utf8(digits).ok().filter(|_| is_size).and_then(|digits| u64::from_str_radix(digits, 16).ok());
    size.ok_or(Broken::Invalid("a chunk's size is not a number"))
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        let polled = ready!(this.poll(context));
        if polled.is_err() {
            this.state = State::Failed;
            this.exchange = None;
        }
        Poll::Ready(polled.transpose().map(|data| data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.state == State::Done
    }

    fn size_hint(&self) -> SizeHint {
        match (self.state, &self.exchange) {
            (State::Done, _) => SizeHint::with_exact(0),
            (State::Data(left), Some(exchange)) if exchange.length != Length::Chunked => SizeHint::with_exact(left),
            _ => SizeHint::default(),
        }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        if let Some(mut exchange) = self.exchange.take()
            && self.state == State::Done
            && exchange.is_finished()
        {
            drop(exchange.take_body());
            self.pool.put(exchange);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;

    /// The body of these chunks, fed in pieces of `size` bytes; none if it is refused or not whole.
    fn chunks(wire: &[u8], size: usize) -> Option<Vec<u8>> {
        let (mut state, mut input, mut body) = (State::Size, BytesMut::new(), Vec::new());
        for piece in wire.chunks(size) {
            input.extend_from_slice(piece);
            while let Some(data) = step(&mut state, &mut input, true).ok()? {
                body.extend_from_slice(&data);
            }
        }
        (state == State::Done && input.is_empty()).then_some(body)
    }

    #[test]
    fn chunks_are_read_however_they_arrive() {
        let long = format!("{:x}\r\n{}\r\n0\r\n\r\n", 10_000, "x".repeat(10_000));
        for size in [1, 2, 3, 7, 100, 100_000] {
            assert_eq!(
                chunks(b"5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n", size).as_deref(),
                Some(&b"hello world"[..])
            );
            assert_eq!(chunks(b"0\r\n\r\n", size).as_deref(), Some(&b""[..]));
            assert_eq!(chunks(long.as_bytes(), size).map(|body| body.len()), Some(10_000));
        }
    }

    #[test]
    fn odd_chunks_are_refused() {
        for wire in [
            &b"5\nhello\r\n0\r\n\r\n"[..],
            b"5\r\nhello0\r\n\r\n",
            b"5\r\nhello\n0\r\n\r\n",
            b"-1\r\n\r\n",
            b"+5\r\nhello\r\n0\r\n\r\n",
            b"0x5\r\nhello\r\n0\r\n\r\n",
            b" 5\r\nhello\r\n0\r\n\r\n",
            b"\r\nhello\r\n",
            b"11111111111111111\r\nx",
            b"5\r\nhello\r\n0\r\n\r\nmore",
            b"5\r\nhel",
        ] {
            assert_eq!(chunks(wire, 3), None, "{}", String::from_utf8_lossy(wire));
        }
    }
}
