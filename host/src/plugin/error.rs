//! How a filter fails. That it answered is not a failure, and a bug of the host is neither.

use std::fmt;
use std::sync::Arc;

use super::registry::Entry;

/// Why a call of a filter failed.
#[derive(Debug)]
pub enum Failure {
    /// It trapped: a panic, an access out of bounds, an error that it returned.
    Trap(String),
    /// It used more CPU time than its limit.
    Cpu,
    /// It asked for more memory than its limit.
    Memory,
    /// It returned `stop` without an answer.
    NoAnswer,
    /// A new instance could not be made.
    Instance(String),
}

impl Failure {
    /// For logs and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Trap(_) => "trap",
            Self::Cpu => "cpu-limit",
            Self::Memory => "memory-limit",
            Self::NoAnswer => "no-answer",
            Self::Instance(_) => "no-instance",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trap(why) => write!(formatter, "it trapped: {why}"),
            Self::Cpu => write!(formatter, "a hook used more CPU time than its limit (`limits: {{ cpu: ... }}`)"),
            Self::Memory => write!(formatter, "it asked for more memory than its limit (`limits: {{ memory: ... }}`)"),
            Self::NoAnswer => write!(formatter, "it returned `stop` without an answer"),
            Self::Instance(why) => write!(formatter, "no instance could be made: {why}"),
        }
    }
}

/// A failure and whose it is.
#[derive(Debug)]
pub struct Failed {
    /// The chain's entry.
    pub entry: Arc<Entry>,
    /// What happened.
    pub failure: Failure,
}
