//! Rewrites or observes a body piece by piece, as its configuration says.

use std::cell::Cell;

use serde::Deserialize;
use weir::{Fault, Flow, Refuse, Request, Response, Result};

/// Which body.
#[derive(Clone, Copy, Deserialize, PartialEq, weir::Config)]
#[serde(rename_all = "kebab-case")]
enum On {
    Request,
    Response,
}

/// What it does with a piece.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, weir::Config)]
#[serde(rename_all = "kebab-case")]
enum Act {
    /// Passes it on in capitals; or only says in the log what it sees.
    #[default]
    Capitals,
    /// Passes it on in brackets with its configured tag.
    Tag,
    /// Says behind it how many this instance has counted.
    Count,
    /// Refuses it if it has an exclamation mark.
    Refuse,
    /// Traps if it has one.
    Trap,
    /// Makes too much of it.
    Blow,
}

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    on: On,
    /// Only looks at it.
    #[serde(default)]
    observes: bool,
    #[serde(default)]
    pins: bool,
    #[serde(default)]
    act: Act,
    #[serde(default)]
    tag: String,
    /// Traps in the hook that has armed the other.
    #[serde(default)]
    fails: bool,
}

struct Pieces {
    config: Config,
    seen: Cell<u32>,
}

#[weir::filter]
impl Pieces {
    fn configure(config: Config) -> std::result::Result<Self, Fault> {
        Ok(Self { config, seen: Cell::new(0) })
    }

    fn on_request(&self, request: &mut Request) -> Result {
        if self.config.on == On::Request {
            if self.config.observes {
                request.observe()?;
            } else {
                request.rewrite()?;
            }
            if self.config.pins {
                let pinned = request.pin().map_or_else(|refusal| refusal.name(), |()| "done");
                request.append_header("x-pin", pinned)?;
            }
            assert!(!self.config.fails, "asked to trap");
        }
        Ok(Flow::Next)
    }

    fn on_response(&self, response: &mut Response) -> Result {
        if self.config.on == On::Response {
            if self.config.observes {
                response.observe()?;
            } else {
                response.rewrite()?;
            }
            if self.config.pins {
                let pinned = response.pin().map_or_else(|refusal| refusal.name(), |()| "done");
                response.append_header("x-pin", pinned)?;
            }
            assert!(!self.config.fails, "asked to trap");
        }
        Ok(Flow::Next)
    }

    fn on_request_chunk(&self, bytes: Vec<u8>, _end: bool) -> std::result::Result<Vec<u8>, Refuse> {
        self.piece(bytes)
    }

    fn on_response_chunk(&self, bytes: Vec<u8>, _end: bool) -> std::result::Result<Vec<u8>, Refuse> {
        self.piece(bytes)
    }

    fn observe_request_chunk(&self, bytes: Vec<u8>, end: bool) {
        self.look("request", &bytes, end);
    }

    fn observe_response_chunk(&self, bytes: Vec<u8>, end: bool) {
        self.look("response", &bytes, end);
    }
}

impl Pieces {
    fn look(&self, about: &str, bytes: &[u8], end: bool) {
        weir::info!("{} sees of the {about}: {} {end}", self.config.tag, String::from_utf8_lossy(bytes));
        assert!(self.config.act != Act::Trap || !bytes.contains(&b'!'), "asked to trap");
    }

    fn piece(&self, bytes: Vec<u8>) -> std::result::Result<Vec<u8>, Refuse> {
        if bytes.is_empty() {
            return Ok(bytes);
        }
        self.seen.set(self.seen.get() + 1);
        let is_marked = bytes.contains(&b'!');
        match self.config.act {
            Act::Capitals => Ok(bytes.to_ascii_uppercase()),
            Act::Tag => Ok([self.config.tag.as_bytes(), b"(", &bytes, b")"].concat()),
            Act::Count => Ok([bytes, format!("<{}>", self.seen.get()).into_bytes()].concat()),
            Act::Refuse if is_marked => Err(Refuse::new("too-loud").detail("it has an exclamation mark")),
            Act::Trap if is_marked => panic!("asked to trap"),
            Act::Refuse | Act::Trap => Ok(bytes),
            Act::Blow => Ok(vec![b'x'; (1 << 20) + 1]),
        }
    }
}
