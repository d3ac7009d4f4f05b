//! What browsers are told, under the host of a test.

mod faults;
mod origins;
mod preflights;
mod responses;

use super::Cors;
use weir::testing::Host;

/// A host and a filter with this configuration.
fn with(config: &str) -> (Host, Cors) {
    let mut host = Host::new();
    let filter = host.configure(config).unwrap_or_else(|faults| panic!("{config}: {faults:?}"));
    (host, filter)
}

/// A configuration that lets these origins in: JSON texts.
fn of(origins: &str) -> String {
    format!(r#"{{"origins": [{origins}]}}"#)
}
