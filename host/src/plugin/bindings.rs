//! The contract's types and traits, generated from `wit/`.

wasmtime::component::bindgen!({
    path: "../wit",
    world: "capabilities",
    imports: { default: trappable },
});

pub(super) use weir::filter::{exchange, log, reply, request, response, types};

/// Where a component exports each hook: interface and function have the same name.
pub(super) const CONFIGURE: (&str, &str) = ("weir:filter/configure@0.1.0", "configure");
pub(super) const ON_REQUEST: (&str, &str) = ("weir:filter/on-request@0.1.0", "on-request");
pub(super) const ON_RESPONSE: (&str, &str) = ("weir:filter/on-response@0.1.0", "on-response");
