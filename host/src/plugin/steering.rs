//! What filters asked for about a body, and what a paused one waits for. Only words: who carries them out reads them here.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::bindings::Refusal;
use super::documents::Document;
use super::pins::Pin;
use crate::coding::{Decoder, Encoder, Room};

/// One of an exchange's two messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// From the client.
    Request = 0,
    /// To the client.
    Response = 1,
}

/// About one message.
#[derive(Debug, Default)]
pub struct Steering {
    /// The whole body, as far as it came within the limit that was asked for.
    pub buffered: Option<Bytes>,
    /// What goes on in the body's place.
    pub replaced: Option<Bytes>,
    /// What the body passes on its way, in order.
    pub(super) stages: Vec<Stage>,
}

/// As many as a chain has filters.
const MOST_STAGES: usize = 128;

/// Codings hold memory: the largest some MiB.
const MOST_CODINGS: usize = 4;

impl Steering {
    /// One more stage, if there may be one.
    pub(super) fn push(&mut self, stage: Stage) -> Result<(), Refusal> {
        let codings = self.stages.iter().filter(|stage| stage.is_coding()).count();
        if self.stages.len() >= MOST_STAGES || stage.is_coding() && codings >= MOST_CODINGS {
            return Err(Refusal::TooLarge);
        }
        self.stages.push(stage);
        Ok(())
    }

    /// Whether the body passes through anything.
    pub fn has_stages(&self) -> bool {
        !self.stages.is_empty()
    }
}

/// One of the things that a body passes.
pub(super) enum Stage {
    /// A filter's chunk hook.
    Filter { position: usize, rewrites: bool, pin: Option<Pin> },
    /// A coding is put on.
    Encode(Box<Encoder>, Room),
    /// A coding is taken off.
    Decode(Box<Decoder>, Room),
}

impl Stage {
    /// Whether it is a hook of the filter at this place.
    pub(super) fn is_of(&self, place: usize) -> bool {
        matches!(self, Self::Filter { position, .. } if *position == place)
    }

    fn is_coding(&self) -> bool {
        matches!(self, Self::Encode(..) | Self::Decode(..))
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(..) => formatter.write_str("Encode"),
            Self::Decode(..) => formatter.write_str("Decode"),
            Self::Filter { position, rewrites, pin } => {
                write!(formatter, "Filter({position}, rewrites: {rewrites}, pinned: {})", pin.is_some())
            }
        }
    }
}

/// The one thing that a filter may wait for.
#[derive(Clone, Debug)]
pub enum Armed {
    /// The message's body, up to so many bytes.
    Buffer(u64),
    /// A document's next fetch.
    Refresh(Arc<Document>),
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// The body is longer.
    OverLimit,
    /// It took too long.
    TimedOut,
    /// It failed.
    Failed,
}

/// A filter that paused.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paused {
    /// Where it stands in the chain.
    pub(super) position: usize,
    /// In the hook about this message.
    pub(super) about: Message,
    /// How often, for this message.
    pub(super) times: u8,
    /// For the message's body; else for a document.
    pub(super) for_body: bool,
    /// None while it waits.
    pub(super) outcome: Option<Outcome>,
}
