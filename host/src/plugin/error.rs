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
    /// The same, while it was configured.
    Configure,
    /// It waited longer than its limit.
    Wait,
    /// It asked for more memory than its limit.
    Memory,
    /// It returned `stop` without an answer.
    NoAnswer,
    /// It returned `pause` without having armed anything, or more often than it may.
    Pause(&'static str),
    /// It asked for a hook to be called that it does not have.
    NoHook(&'static str),
    /// It made more of a piece of a body than it may.
    Output,
    /// A new instance could not be made.
    Instance(String),
    /// All of its instances are in use, and enough exchanges wait already.
    Overload,
    /// It failed too often, and is not called for a while.
    Quarantine,
}

impl Failure {
    /// What kinds there are, for logs and metrics.
    pub const KINDS: [&str; 12] = [
        "trap",
        "cpu-limit",
        "configure-limit",
        "wait-limit",
        "memory-limit",
        "no-answer",
        "bad-pause",
        "no-hook",
        "output-limit",
        "no-instance",
        "overload",
        "quarantine",
    ];

    /// Those of a filter that was not called.
    pub const NOT_CALLED: [&str; 2] = ["overload", "quarantine"];

    /// Its kind.
    pub fn code(&self) -> &'static str {
        Self::KINDS[usize::from(self.kind())]
    }

    /// Its kind's place among [`Failure::KINDS`].
    pub(super) fn kind(&self) -> u8 {
        match self {
            Self::Trap(_) => 0,
            Self::Cpu => 1,
            Self::Configure => 2,
            Self::Wait => 3,
            Self::Memory => 4,
            Self::NoAnswer => 5,
            Self::Pause(_) => 6,
            Self::NoHook(_) => 7,
            Self::Output => 8,
            Self::Instance(_) => 9,
            Self::Overload => 10,
            Self::Quarantine => 11,
        }
    }

    /// Whether trying again later may help: not the filter's fault, or already dealt with.
    pub fn is_overload(&self) -> bool {
        matches!(self, Self::Overload | Self::Quarantine)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trap(why) => write!(formatter, "it trapped: {why}"),
            Self::Cpu => write!(formatter, "a hook used more CPU time than its limit (`limits: {{ cpu: ... }}`)"),
            Self::Configure => write!(
                formatter,
                "it used more CPU time than its limit for reading its configuration (`limits: {{ configure: ... }}`)"
            ),
            Self::Wait => write!(formatter, "a hook waited longer than its limit (`limits: {{ wait: ... }}`)"),
            Self::Memory => write!(formatter, "it asked for more memory than its limit (`limits: {{ memory: ... }}`)"),
            Self::NoAnswer => write!(formatter, "it returned `stop` without an answer"),
            Self::Pause(why) => write!(formatter, "it returned `pause` {why}"),
            Self::NoHook(hook) => write!(formatter, "it asked for `{hook}`, which it does not export"),
            Self::Output => write!(
                formatter,
                "it made more than 1 MiB of one piece of a body, or 16 MiB of those that came at once"
            ),
            Self::Instance(why) => write!(formatter, "no instance could be made: {why}"),
            Self::Overload => write!(
                formatter,
                "all of its instances are in use (`limits: {{ instances: ..., waiting: ..., queue: ... }}`)"
            ),
            Self::Quarantine => write!(formatter, "it failed too often and is not called for a while"),
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
