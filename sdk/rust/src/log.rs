//! Lines in the proxy's log.

pub use crate::bindings::log::Level;

/// Writes one line, marked with the filter's name and the exchange's id. With a format: [`weir::info!`](crate::info) and its
/// kin.
///
/// ```
/// use weir::{Level, testing::Host};
///
/// let mut host = Host::new();
/// host.enter(|| {
///     weir::log(Level::Warn, "the list is empty");
///     weir::debug!("{} keys", 0);
/// });
/// assert_eq!(host.log, [(Level::Warn, "the list is empty".into()), (Level::Debug, "0 keys".into())]);
/// ```
pub fn log(level: Level, message: &str) {
    crate::host::log::write(level, message);
}

/// Logs at level `error`, formatted as by `format!`.
#[macro_export]
macro_rules! error {
    ($($format:tt)*) => { $crate::log($crate::Level::Error, &::std::format!($($format)*)) };
}

/// Logs at level `warn`, formatted as by `format!`.
#[macro_export]
macro_rules! warn {
    ($($format:tt)*) => { $crate::log($crate::Level::Warn, &::std::format!($($format)*)) };
}

/// Logs at level `info`, formatted as by `format!`.
#[macro_export]
macro_rules! info {
    ($($format:tt)*) => { $crate::log($crate::Level::Info, &::std::format!($($format)*)) };
}

/// Logs at level `debug`, formatted as by `format!`.
#[macro_export]
macro_rules! debug {
    ($($format:tt)*) => { $crate::log($crate::Level::Debug, &::std::format!($($format)*)) };
}
