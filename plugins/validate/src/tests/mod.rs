//! The filter under the host of a test, and its engine held against others.

mod bodies;
mod config;
mod documents;
mod python;
mod query;
mod suite;

use weir::testing::Host;

use crate::Validate;

/// A host with a filter of this configuration.
fn start(config: &str) -> (Host, Validate) {
    let mut host = Host::new();
    let filter = host.configure(config).unwrap_or_else(|faults| panic!("{config}: {faults:?}"));
    (host, filter)
}

/// The code and status of the answer; nothing if it goes on.
fn said(host: &Host) -> Option<(String, u16)> {
    host.reply.as_ref().map(|reply| (reply.code.clone(), reply.status))
}
