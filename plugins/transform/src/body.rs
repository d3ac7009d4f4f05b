//! The body of a message: whether it is wanted and can be read, and what is done to it then.

use serde::Deserialize;
use weir::{Body, Ended, Faults, Flow, Message, Refusal, Reply, Request, Result, config, exchange};

use crate::headers::Head;
use crate::json::{Program, Stopped};
use crate::media::{Kind, Types, coding};
use crate::operation::{self, Put};
use crate::pointer;

/// What becomes of JSON bodies.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    /// What is done, each to what the one before it left.
    json: Vec<operation::Written>,
    /// The types of bodies that are JSON: `application/json`, `application/*`, `*+json`, `*/*`.
    #[serde(default = "types")]
    #[weir(default = ["application/json", "*+json"])]
    types: Vec<String>,
    /// The longest body, up to 1 MiB.
    #[serde(default = "max")]
    #[weir(default = "256KiB")]
    max: config::Size,
    /// What becomes of a body that is of these types and cannot be read.
    #[serde(default)]
    #[weir(default = "refuse")]
    unreadable: Policy,
    /// What becomes of a document in which a key stands twice in an object.
    #[serde(default)]
    #[weir(default = "edit")]
    duplicates: Duplicates,
}

/// What becomes of a body that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, weir::Config)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Policy {
    /// It goes no further.
    #[default]
    Refuse,
    /// It goes on as it came.
    Pass,
}

/// What becomes of a document in which a key stands twice in an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, weir::Config)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Duplicates {
    /// Operations are done to all of them.
    #[default]
    Edit,
    /// It counts as one that cannot be read.
    Refuse,
}

fn types() -> Vec<String> {
    ["application/json", "*+json"].map(str::to_owned).into()
}

fn max() -> config::Size {
    (256 << 10).into()
}

/// What the host lets a filter put in a body's place.
const LARGEST: u64 = 1 << 20;

/// Operations, each of which may be a way through the document.
const MOST: usize = 64;

/// What is done to the bodies of one direction.
#[derive(Debug)]
pub(crate) struct Bodies {
    program: Program,
    puts: Vec<Put>,
    types: Types,
    max: u32,
    unreadable: Policy,
    about: Message,
}

/// Why a body is not as it was to be.
#[derive(Clone, Copy, Debug)]
struct Unfit {
    /// For a request; that of a response is always 502.
    status: u16,
    code: &'static str,
    why: &'static str,
    /// In the document, if it is about one.
    at: Option<usize>,
}

const TOO_LARGE: Unfit = Unfit { status: 413, code: "body-too-large", why: "", at: None };

/// A body that was waited for.
#[derive(Debug)]
pub(crate) enum Read {
    Document(Vec<u8>),
    /// There is nothing to edit, or not yet.
    No(Flow),
}

impl Written {
    /// What is done to bodies; what is wrong is noted.
    pub(crate) fn into_bodies(self, about: Message, at: &str, faults: &mut Faults) -> Bodies {
        let (mut operations, mut puts) = (Vec::new(), Vec::new());
        let json = pointer(at, "json");
        if self.json.is_empty() {
            faults.at(&json, "nothing says what is done to bodies");
        }
        for (index, written) in self.json.into_iter().enumerate() {
            written.add(&pointer(&json, &index.to_string()), &mut operations, &mut puts, faults);
        }
        if operations.len() > MOST {
            faults.at(&json, "there are more than 64 operations here");
        }
        let max = self.max.bytes();
        if max == 0 || max > LARGEST {
            faults.at(&pointer(at, "max"), "a body that is edited has at most `1MiB`");
        }
        if self.types.is_empty() {
            faults.at(&pointer(at, "types"), "nothing is wanted without a type");
        }
        Bodies {
            program: Program::new(operations, self.duplicates == Duplicates::Refuse),
            puts,
            types: Types::parse(self.types, &pointer(at, "types"), faults),
            max: u32::try_from(max).unwrap_or(u32::MAX),
            unreadable: self.unreadable,
            about,
        }
    }
}

/// A message whose body can be steered.
pub(crate) trait Steer: Head {
    fn wait(&mut self, max: u32) -> Result;
    fn decode(&mut self, coding: weir::Coding, max: u64) -> std::result::Result<(), Refusal>;
}

macro_rules! steers {
    ($($message:ty)*) => {$(
        impl Steer for $message {
            fn wait(&mut self, max: u32) -> Result {
                self.buffer(max)
            }

            fn decode(&mut self, coding: weir::Coding, max: u64) -> std::result::Result<(), Refusal> {
                <$message>::decode(self, coding, max)
            }
        }
    )*};
}

steers!(Request weir::Response);

impl Bodies {
    /// The types of bodies that are edited.
    pub(crate) fn types(&self) -> &Types {
        &self.types
    }

    /// Waits for the body of a message of this kind, or says at once what becomes of it.
    pub(crate) fn begin(&self, kind: Kind, message: &mut impl Steer) -> Result {
        match kind {
            Kind::Other => Ok(Flow::Next),
            Kind::Wanted => message.wait(self.max),
            Kind::Unreadable(why) => self.unfit(Unfit { status: 415, code: "unreadable-body", why, at: None }),
        }
    }

    /// Reads the body that is there, if it can be edited as it is.
    pub(crate) fn read(&self, message: &mut impl Steer, body: &Body) -> Result<Read> {
        if body.outcome() == Ended::OverLimit {
            return self.unfit(Unfit { why: "it is longer than `max`", ..TOO_LARGE }).map(Read::No);
        }
        if body.len()? == 0 {
            return Ok(Read::No(Flow::Next));
        }
        if let Ok(Some(coding)) = coding(message) {
            // What is beyond `max` is found by waiting for it; this bounds what may still come behind.
            message.decode(coding, u64::from(self.max) * 64)?;
            return message.wait(self.max).map(Read::No);
        }
        body.bytes().map(Read::Document).map_err(Into::into)
    }

    /// Edits a document.
    pub(crate) fn edit(&self, bytes: &[u8], request: &Request, body: &mut Body) -> Result {
        let unreadable = |why, at| Unfit { status: 400, code: "unreadable-body", why, at };
        let document = match std::str::from_utf8(bytes) {
            Ok(document) => document,
            Err(error) => return self.unfit(unreadable("it is not UTF-8", Some(error.valid_up_to()))),
        };
        let puts = self.puts.iter().map(|put| put.fill(request)).collect::<std::result::Result<Vec<_>, _>>();
        // Without them what a client sent would pass in their place, so this is not a matter of `unreadable`.
        let Ok(puts) = puts else { return too_long(self.about) };
        let puts: Vec<Option<&str>> = puts.iter().map(Option::as_deref).collect();
        match self.program.run(document, &puts) {
            Ok(None) => Ok(Flow::Next),
            Ok(Some(changed)) => match body.replace(&changed) {
                Ok(()) => Ok(Flow::Next),
                Err(Refusal::TooLarge) => {
                    self.unfit(Unfit { why: "it is longer than 1 MiB when it is changed", ..TOO_LARGE })
                }
                Err(refused) => Err(refused.into()),
            },
            Err(Stopped::Unreadable(why)) => self.unfit(unreadable(why.why, Some(why.at))),
            Err(Stopped::Refused(refused)) => Err(refused.into()),
        }
    }

    /// What becomes of a message whose body cannot be edited.
    fn unfit(&self, unfit: Unfit) -> Result {
        if self.unreadable == Policy::Pass {
            exchange::note(unfit.code);
            return Ok(Flow::Next);
        }
        let (status, text) = match (self.about, unfit.status) {
            (Message::Response, _) => BAD_GATEWAY,
            (_, 413) => (413, "Content too large\n"),
            (_, 415) => (415, "Unsupported media type\n"),
            (_, status) => (status, "Bad request\n"),
        };
        let place = unfit.at.map(|at| ["at byte ", &at.to_string(), ": "].concat()).unwrap_or_default();
        Reply::new(status).text(text).detail([&place, unfit.why].concat()).send(unfit.code)
    }
}

const BAD_GATEWAY: (u16, &str) = (502, "Bad gateway\n");

/// The answer where values of the request are too long for the place where they go.
pub(crate) fn too_long(about: Message) -> Result {
    let (status, text) = match about {
        Message::Request => (431, "Request header fields too large\n"),
        Message::Response => BAD_GATEWAY,
    };
    Reply::new(status).text(text).send("values-too-long")
}
