//! What filters asked for about a body, and what a paused one waits for. Only words: who carries them out reads them here.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::documents::Document;
use super::pins::Pin;
use crate::coding::{Decoder, Encoder};

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

impl Steering {
    /// The filter at this place does not take part any more.
    pub(super) fn leave_out(&mut self, gone: usize) {
        self.stages.retain(|stage| !matches!(stage, Stage::Filter { position, .. } if *position == gone));
    }
}

/// One of the things that a body passes.
pub(super) enum Stage {
    /// A filter's chunk hook.
    Filter { position: usize, rewrites: bool, pin: Option<Pin> },
    /// A coding is put on.
    Encode(Box<Encoder>),
    /// A coding is taken off.
    Decode(Box<Decoder>),
}

impl fmt::Debug for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(_) => formatter.write_str("Encode"),
            Self::Decode(_) => formatter.write_str("Decode"),
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
