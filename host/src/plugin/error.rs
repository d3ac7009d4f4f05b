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
    /// For logs and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Trap(_) => "trap",
            Self::Cpu => "cpu-limit",
            Self::Configure => "configure-limit",
            Self::Wait => "wait-limit",
            Self::Memory => "memory-limit",
            Self::NoAnswer => "no-answer",
            Self::Pause(_) => "bad-pause",
            Self::NoHook(_) => "no-hook",
            Self::Output => "output-limit",
            Self::Instance(_) => "no-instance",
            Self::Overload => "overload",
            Self::Quarantine => "quarantine",
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
