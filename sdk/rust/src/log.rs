//! Lines in the proxy's log.

pub use crate::bindings::weir::filter::log::Level;

/// Writes one line, marked with the filter's name and the exchange's id.
pub fn log(level: Level, message: &str) {
    crate::bindings::weir::filter::log::write(level, message);
}

/// Logs at level `info`, formatted as by `format!`.
#[macro_export]
macro_rules! info {
    ($($format:tt)*) => { $crate::log($crate::Level::Info, &::std::format!($($format)*)) };
}

/// Logs at level `warn`, formatted as by `format!`.
#[macro_export]
macro_rules! warn {
    ($($format:tt)*) => { $crate::log($crate::Level::Warn, &::std::format!($($format)*)) };
}
