//! Heads: writing a request's, reading a response's, and what the latter says about its body.

use std::mem::MaybeUninit;

use bytes::{Buf, Bytes, BytesMut};
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Response, StatusCode, response};

use super::outgoing::Framing;
use crate::telemetry::traces::PARENT;
use crate::upstream::Outbound;
use crate::upstream::error::Broken;

/// Of a response's head.
const MOST_FIELDS: usize = 128;
const LONGEST: usize = 64 << 10;

/// Writes a request's head in origin form. How the body is framed is settled here and nowhere else.
pub(super) fn write(
    to: &mut Vec<u8>,
    outbound: &Outbound<'_>,
    authority: &HeaderValue,
    upgrade: Option<&HeaderValue>,
    framing: Framing,
) {
    let head = outbound.head;
    for part in [head.method.as_str(), " ", outbound.target, " HTTP/1.1\r\n"] {
        to.extend_from_slice(part.as_bytes());
    }
    let (mut had_length, mut had_host) = (false, false);
    for (name, value) in &head.headers {
        if *name == header::CONTENT_LENGTH {
            had_length = true;
            continue;
        }
        if *name == header::TRANSFER_ENCODING || outbound.leaves_out(name) {
            continue;
        }
        if *name == header::HOST {
            had_host = true;
            field(to, name.as_str(), outbound.host.choose(Some(value), authority).as_bytes());
            continue;
        }
        field(to, name.as_str(), value.as_bytes());
    }
    if !had_host {
        field(to, header::HOST.as_str(), outbound.host.choose(None, authority).as_bytes());
    }
    to.extend_from_slice(&outbound.added.lines);
    if let Some(parent) = outbound.parent() {
        field(to, PARENT.as_str(), &parent);
    }
    if let Some(protocol) = upgrade {
        field(to, "connection", b"upgrade");
        field(to, "upgrade", protocol.as_bytes());
    }
    match framing {
        Framing::Length(length) => field(to, "content-length", length.to_string().as_bytes()),
        Framing::Chunked => field(to, "transfer-encoding", b"chunked"),
        // Methods that usually have a body say that there is none.
        Framing::Done if had_length || [Method::POST, Method::PUT, Method::PATCH].contains(&head.method) => {
            field(to, "content-length", b"0");
        }
        Framing::Done => {}
    }
    to.extend_from_slice(b"\r\n");
}

fn field(to: &mut Vec<u8>, name: &str, value: &[u8]) {
    to.extend_from_slice(name.as_bytes());
    to.extend_from_slice(b": ");
    to.extend_from_slice(value);
    to.extend_from_slice(b"\r\n");
}

/// How a response's body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// After so many bytes.
    Known(u64),
    /// With the last chunk.
    Chunked,
    /// With the connection.
    UntilClose,
    /// It has none: the connection is no longer HTTP.
    Switched,
}

/// A response's head, and what follows from it.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) parts: response::Parts,
    pub(super) length: Length,
    /// Whether the connection can serve another exchange after the body.
    pub(super) is_kept: bool,
}

/// What a response's meaning depends on.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) method: Method,
    /// An upgrade was asked for.
    pub(super) may_switch: bool,
}

/// Takes a final response's head from the input, once it is whole. Interim ones (1xx) are passed over; 101 is final if
/// an upgrade was asked for.
pub(super) fn read(input: &mut BytesMut, asked: &Asked) -> Result<Option<Head>, Broken> {
    loop {
        let Some((mut parts, version)) = parse(input)? else { return Ok(None) };
        match parts.status {
            StatusCode::SWITCHING_PROTOCOLS if asked.may_switch && version == 1 => {
                return Ok(Some(Head { parts, length: Length::Switched, is_kept: false }));
            }
            StatusCode::SWITCHING_PROTOCOLS => {
                return Err(Broken::Invalid("it switches protocols without being asked"));
            }
            status if status.is_informational() => {}
            status => {
                let (length, is_framed_well) = length(&mut parts.headers, version, &asked.method, status)?;
                let is_kept =
                    is_framed_well && length != Length::UntilClose && version == 1 && !says_close(&parts.headers);
                return Ok(Some(Head { parts, length, is_kept }));
            }
        }
    }
}

fn parse(input: &mut BytesMut) -> Result<Option<(response::Parts, u8)>, Broken> {
    let mut fields = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let mut response = httparse::Response::new(&mut []);
    let parsed =
        httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut response, input, &mut fields);
    let end = match parsed {
        Ok(httparse::Status::Complete(end)) if end <= LONGEST => end,
        Ok(httparse::Status::Partial) if input.len() <= LONGEST => return Ok(None),
        Ok(_) | Err(httparse::Error::TooManyHeaders) => return Err(Broken::Invalid("its head is too long")),
        Err(_) => return Err(Broken::Invalid("its head is not HTTP/1.1")),
    };
    let (version, status) = (response.version.unwrap_or_default(), response.code.unwrap_or_default());
    let mut parts = Response::new(()).into_parts().0;
    parts.status = StatusCode::from_u16(status).map_err(|_| Broken::Invalid("its status is none"))?;
    parts.headers = headers(&input[..end], response.headers)?;
    input.advance(end);
    Ok(Some((parts, version)))
}

/// The fields; their values share one copy of the head, so that the connection's room stays its own.
pub(super) fn headers(head: &[u8], fields: &[httparse::Header<'_>]) -> Result<HeaderMap, Broken> {
    let shared = Bytes::copy_from_slice(head);
    let mut headers = HeaderMap::with_capacity(fields.len() + 2);
    for field in fields {
        let start = field.value.as_ptr() as usize - head.as_ptr() as usize;
        let name = HeaderName::from_bytes(field.name.as_bytes());
        // An empty value may lie outside the head.
        let value = if field.value.is_empty() { Bytes::new() } else { shared.slice(start..start + field.value.len()) };
        match (name, HeaderValue::from_maybe_shared(value)) {
            (Ok(name), Ok(value)) => headers.append(name, value),
            _ => return Err(Broken::Invalid("a field of its head is not valid")),
        };
    }
    Ok(headers)
}

/// RFC 9112, 6.3; and whether the framing leaves no doubt.
fn length(headers: &mut HeaderMap, version: u8, method: &Method, status: StatusCode) -> Result<(Length, bool), Broken> {
    if *method == Method::HEAD || status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED {
        // They have no body, but what they say of one goes on.
        content_length(headers)?;
        if status == StatusCode::NO_CONTENT {
            headers.remove(header::CONTENT_LENGTH);
        }
        return Ok((Length::Known(0), !headers.contains_key(header::TRANSFER_ENCODING)));
    }
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        if codings.next().is_some() || version == 0 || !coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked")
        {
            return Err(Broken::Invalid("its transfer coding is not just `chunked`"));
        }
        // Both is how responses are smuggled: the coding counts, and the connection ends after it.
        return Ok((Length::Chunked, headers.remove(header::CONTENT_LENGTH).is_none()));
    }
    Ok((content_length(headers)?.map_or(Length::UntilClose, Length::Known), true))
}

/// One length, said once or again.
fn content_length(headers: &mut HeaderMap) -> Result<Option<u64>, Broken> {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let Some(length) = lengths.next() else { return Ok(None) };
    if lengths.any(|other| other != length) {
        return Err(Broken::Invalid("it has several lengths"));
    }
    let text = length.to_str().unwrap_or_default();
    let length = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    let length = length.ok_or(Broken::Invalid("its content-length is not a number"))?;
    if headers.get_all(header::CONTENT_LENGTH).iter().nth(1).is_some() {
        let one = HeaderValue::from(length);
        headers.insert(header::CONTENT_LENGTH, one);
    }
    Ok(Some(length))
}

fn says_close(headers: &HeaderMap) -> bool {
    let tokens =
        headers.get_all(header::CONNECTION).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    tokens.into_iter().any(|token| token.trim_ascii().eq_ignore_ascii_case(b"close"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(method: &Method, wire: &str) -> Result<(Length, bool), Broken> {
        let mut input = BytesMut::from(wire.as_bytes());
        let head = read(&mut input, &Asked { method: method.clone(), may_switch: false })?.expect("the head is whole");
        Ok((head.length, head.is_kept))
    }

    #[test]
    fn framing_follows_the_head() {
        for (wire, expected) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", (Length::Known(5), true)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", (Length::Known(5), true)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: x, Close\r\n\r\n", (Length::Known(5), false)),
            ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", (Length::Known(5), false)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", (Length::Chunked, true)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", (Length::Chunked, false)),
            ("HTTP/1.1 200 OK\r\n\r\n", (Length::UntilClose, false)),
            ("HTTP/1.1 204 None\r\n\r\n", (Length::Known(0), true)),
            ("HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\n", (Length::Known(0), true)),
            (
                "HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                (Length::Known(0), true),
            ),
        ] {
            assert_eq!(framing(&Method::GET, wire).unwrap(), expected, "{wire}");
        }
        let head = framing(&Method::HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
        assert_eq!(head.unwrap(), (Length::Known(0), true));
    }

    #[test]
    fn doubtful_heads_are_refused() {
        for wire in [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 101 Switch\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n",
            "HTTP/2 200 OK\r\n\r\n",
            "ICY 200 OK\r\n\r\n",
        ] {
            assert!(framing(&Method::GET, wire).is_err(), "{wire}");
        }
        let long = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(LONGEST));
        assert!(read(&mut BytesMut::from(long.as_bytes()), &Asked::default()).is_err());
    }
}
