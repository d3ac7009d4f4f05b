//! Requests whose bodies are compressed: upstreams get them as they are meant.

use weir::{Coding, Flow, Refusal, Reply, Request, Result};

use crate::lists;

/// What can be decoded, as clients are told (RFC 9110, 15.5.16).
const KNOWN: &str = "gzip, br, zstd, deflate";

/// How requests are decoded.
#[derive(Debug)]
pub(crate) struct Requests {
    /// Decoded bytes.
    pub(crate) most: u64,
    /// Decoded bytes for each one that was sent.
    pub(crate) ratio: u32,
    /// What is decoded before the upstream is asked.
    pub(crate) first: u32,
}

impl Requests {
    /// Has the body decoded, if it has a coding.
    pub(crate) fn decode(&self, request: &mut Request) -> Result {
        if request.header("content-encoding").is_none() {
            return Ok(Flow::Next);
        }
        let values = request.header_values("content-encoding");
        let mut codings = lists::items(&values).filter(|name| !name.eq_ignore_ascii_case("identity"));
        let (first, second) = (codings.next(), codings.next());
        let Some(first) = first else { return Ok(Flow::Next) };
        // Several at once are how bombs are nested; clients have no other use for them.
        let Some((coding, name)) = named(first).filter(|_| second.is_none()) else { return unknown(&values) };
        request.set_header("content-encoding", name)?;
        match request.decode_within(coding, self.most, self.ratio) {
            Ok(()) => {}
            Err(Refusal::TooLarge) => return busy(),
            Err(refusal) => return Err(refusal.into()),
        }
        match request.buffer(self.first) {
            // The operator lets filters wait for less: the body is decoded on its way.
            Err(error) if error.refusal() == Some(Refusal::TooLarge) => Ok(Flow::Next),
            flow => flow,
        }
    }
}

fn named(name: &str) -> Option<(Coding, &'static str)> {
    let known = [
        ("gzip", Coding::Gzip, "gzip"),
        ("x-gzip", Coding::Gzip, "gzip"),
        ("br", Coding::Brotli, "br"),
        ("zstd", Coding::Zstd, "zstd"),
        ("deflate", Coding::Deflate, "deflate"),
    ];
    let known = known.into_iter().find(|(known, ..)| name.eq_ignore_ascii_case(known));
    known.map(|(_, coding, name)| (coding, name))
}

fn unknown(values: &[Vec<u8>]) -> Result {
    let named = lists::items(values).collect::<Vec<_>>().join(", ");
    Reply::new(415)
        .header("accept-encoding", KNOWN)
        .text(["Content-Encoding may be one of ", KNOWN, "\n"].concat())
        .detail(["the body is `", &named, "`"].concat())
        .send("unknown-coding")
}

fn busy() -> Result {
    Reply::new(503)
        .header("retry-after", "1")
        .text("Not available now\n")
        .detail("there is no memory left for one more decoder")
        .send("no-room")
}
