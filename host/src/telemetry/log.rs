//! The log, on standard error: for people on a terminal, JSON otherwise.

use std::io::IsTerminal;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Switches the log on for this process.
pub fn start(most: LevelFilter) {
    let registry = tracing_subscriber::registry().with(most);
    // A second call in one process (tests) keeps the first.
    let _ = if std::io::stderr().is_terminal() {
        let layer = fmt::layer().with_writer(std::io::stderr).with_target(false).without_time();
        registry.with(layer).try_init()
    } else {
        let layer = fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).with_target(false);
        registry.with(layer).try_init()
    };
}
