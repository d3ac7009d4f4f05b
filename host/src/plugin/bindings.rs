//! The contract's types, and where a component exports its hooks.
//!
//! Written by hand, not generated from `wit/`: the functions that a filter calls on every request take their strings and
//! bytes where they lie in its memory, which generated bindings would copy first. wasmtime compares every type and
//! function with the component's own when it is linked, so a slip here is an error at load.

// Some are made by components only.
#![allow(dead_code)]

use wasmtime::component::{ComponentType, Lift, Lower};

/// `types.flow`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub(super) enum Flow {
    #[component(name = "next")]
    Next,
    #[component(name = "stop")]
    Stop,
    #[component(name = "pause")]
    Pause,
}

/// `types.refusal`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub(super) enum Refusal {
    #[component(name = "invalid-name")]
    InvalidName,
    #[component(name = "invalid-value")]
    InvalidValue,
    #[component(name = "forbidden")]
    Forbidden,
    #[component(name = "too-large")]
    TooLarge,
    #[component(name = "wrong-hook")]
    WrongHook,
    #[component(name = "denied")]
    Denied,
}

/// `types.fault`.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub(super) struct Fault {
    pub(super) pointer: String,
    pub(super) message: String,
}

/// `response.origin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub(super) enum Origin {
    #[component(name = "upstream")]
    Upstream,
    #[component(name = "filter")]
    Filter,
    #[component(name = "host")]
    Host,
}

/// `types.reason`.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub(super) struct Reason {
    pub(super) code: String,
    pub(super) detail: String,
}

/// `log.level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub(super) enum Level {
    #[component(name = "error")]
    Error,
    #[component(name = "warn")]
    Warn,
    #[component(name = "info")]
    Info,
    #[component(name = "debug")]
    Debug,
}

/// Where a component exports each hook: interface and function have the same name.
pub(super) const CONFIGURE: (&str, &str) = ("weir:filter/configure@0.1.0", "configure");
pub(super) const ON_REQUEST: (&str, &str) = ("weir:filter/on-request@0.1.0", "on-request");
pub(super) const ON_RESPONSE: (&str, &str) = ("weir:filter/on-response@0.1.0", "on-response");
