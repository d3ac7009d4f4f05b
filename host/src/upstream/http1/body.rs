//! A response's body, as it comes. When it has ended well its connection can serve another exchange.

use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Frame, SizeHint};

use super::Exchange;
use crate::upstream::trailers::keep_trailers;

use super::head::{self, Length};
use crate::upstream::Error;
use crate::upstream::error::Broken;
use crate::upstream::stream::Stream;

/// Up to here bytes are copied out, which leaves the connection's room to itself.
const SMALL: usize = 4 << 10;

/// A chunk's size line, or all trailers.
const LONGEST_LINE: usize = 16 << 10;

/// In the trailers.
const MOST_FIELDS: usize = 64;

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

/// What comes next.
#[derive(Debug)]
enum Piece {
    Data(Bytes),
    Trailers(HeaderMap),
}

/// A body and the connection that it comes on. Dropped before its end, it closes the connection.
#[derive(Debug)]
pub(in crate::upstream) struct Body {
    exchange: Option<Box<Exchange>>,
    state: State,
}

impl Body {
    pub(in crate::upstream) fn new(exchange: Box<Exchange>) -> Self {
        let state = match exchange.length {
            Length::Known(0) | Length::Switched => State::Done,
            Length::Known(length) => State::Data(length),
            Length::Chunked => State::Size,
            Length::UntilClose => State::UntilClose,
        };
        Self { exchange: Some(exchange), state }
    }

    /// How much of the request has gone out.
    pub(in crate::upstream) fn sent(&self) -> u64 {
        self.exchange.as_ref().map_or(0, |exchange| exchange.outgoing.written)
    }

    /// The connection, if it can serve another exchange.
    pub(in crate::upstream) fn finished(&mut self) -> Option<Box<Exchange>> {
        let mut exchange = self.exchange.take_if(|exchange| self.state == State::Done && exchange.is_finished())?;
        drop(exchange.take_body());
        Some(exchange)
    }

    /// The connection and what came behind the head, if it has switched protocols.
    pub(in crate::upstream) fn into_switched(self) -> Option<(Stream, BytesMut)> {
        let exchange =
            self.exchange.filter(|exchange| exchange.length == Length::Switched && exchange.outgoing.is_done())?;
        Some((exchange.connection.stream, exchange.connection.input))
    }

    /// The next data, or the trailers.
    pub(in crate::upstream) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = ready!(self.poll(context));
        if polled.is_err() {
            self.state = State::Failed;
            self.exchange = None;
        }
        let frame = |piece| match piece {
            Piece::Data(data) => Frame::data(data),
            Piece::Trailers(fields) => Frame::trailers(fields),
        };
        Poll::Ready(polled.transpose().map(|piece| piece.map(frame)))
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Piece>, Error>> {
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
            if let Some(piece) = step(&mut self.state, &mut exchange.connection.input, is_chunked)? {
                return Poll::Ready(Ok(Some(piece)));
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

    pub(in crate::upstream) fn is_end_stream(&self) -> bool {
        self.state == State::Done
    }

    pub(in crate::upstream) fn size_hint(&self) -> SizeHint {
        match (self.state, &self.exchange) {
            (State::Done, _) => SizeHint::with_exact(0),
            (State::Data(left), Some(exchange)) if exchange.length != Length::Chunked => SizeHint::with_exact(left),
            _ => SizeHint::default(),
        }
    }
}

/// Goes on through what was read: a piece, or none if more must be read or the body has ended.
fn step(state: &mut State, input: &mut BytesMut, is_chunked: bool) -> Result<Option<Piece>, Broken> {
    loop {
        match *state {
            State::Data(_) | State::UntilClose if input.is_empty() => return Ok(None),
            State::UntilClose => return Ok(Some(Piece::Data(take(input, u64::MAX)))),
            State::Data(left) => {
                let data = take(input, left);
                *state = match left - data.len() as u64 {
                    0 if is_chunked => State::ChunkEnd,
                    0 => State::Done,
                    left => State::Data(left),
                };
                return Ok(Some(Piece::Data(data)));
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
            State::Trailers if input.starts_with(b"\r\n") => {
                input.advance(2);
                *state = State::Done;
            }
            State::Trailers => {
                let Some(fields) = trailers(input)? else { return Ok(None) };
                *state = State::Done;
                return Ok(Some(Piece::Trailers(fields)));
            }
            State::Done | State::Failed => return Ok(None),
        }
    }
}

fn take(input: &mut BytesMut, most: u64) -> Bytes {
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

/// The fields behind the last chunk, once they are whole; what would be framing there is left out.
fn trailers(input: &mut BytesMut) -> Result<Option<HeaderMap>, Broken> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let (end, mut fields) = match httparse::parse_headers(input, &mut fields) {
        Ok(httparse::Status::Complete((end, fields))) => (end, head::headers(&input[..end], fields)?),
        Ok(httparse::Status::Partial) if input.len() <= LONGEST_LINE => return Ok(None),
        Ok(_) | Err(httparse::Error::TooManyHeaders) => return Err(Broken::Invalid("its trailers are too long")),
        Err(_) => return Err(Broken::Invalid("its trailers are not fields")),
    };
    if input[..end].split_inclusive(|byte| *byte == b'\n').any(|line| !line.ends_with(b"\r\n")) {
        return Err(Broken::Invalid("a line of its trailers does not end in CRLF"));
    }
    keep_trailers(&mut fields);
    input.advance(end);
    Ok(Some(fields))
}

/// A chunk's size; what follows a semicolon means nothing here.
fn size(line: &[u8]) -> Result<u64, Broken> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii_end();
    let is_size = (1..=16).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    let size =
        std::str::from_utf8(digits).ok().filter(|_| is_size).and_then(|digits| u64::from_str_radix(digits, 16).ok());
    size.ok_or(Broken::Invalid("a chunk's size is not a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body of these chunks, fed in pieces of `size` bytes; none if it is refused or not whole.
    fn chunks(wire: &[u8], size: usize) -> Option<Vec<u8>> {
        let (mut state, mut input, mut body) = (State::Size, BytesMut::new(), Vec::new());
        for piece in wire.chunks(size) {
            input.extend_from_slice(piece);
            while let Some(piece) = step(&mut state, &mut input, true).ok()? {
                if let Piece::Data(data) = piece {
                    body.extend_from_slice(&data);
                }
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
    fn fields_behind_the_last_chunk_are_trailers() {
        let mut input = BytesMut::from("0\r\nGrpc-Status: 0\r\nContent-Length: 5\r\nX: a\r\n\r\n");
        let mut state = State::Size;
        let Ok(Some(Piece::Trailers(fields))) = step(&mut state, &mut input, true) else { panic!("no trailers") };
        assert_eq!((fields.len(), fields["grpc-status"].as_bytes(), fields["x"].as_bytes()), (2, &b"0"[..], &b"a"[..]));
        assert_eq!((state, input.is_empty()), (State::Done, true));
        for wire in ["0\r\nX: a\n\r\n", "0\r\nX : a\r\n\r\n", "0\r\nno field\r\n\r\n"] {
            assert!(step(&mut State::Size, &mut BytesMut::from(wire), true).is_err(), "{wire:?}");
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
