//! What `#[weir::filter]` makes of an impl block, and how the host's calls come to it. Not for filters to use.

use std::cell::OnceCell;
use std::panic::PanicHookInfo;
use std::thread::LocalKey;

use serde::de::DeserializeOwned;

use crate::bindings::types::{Flow as WireFlow, Reason};
use crate::{Fault, Faults, Flow, Refuse, Result};

/// A filter, as the host of the sandbox and the host of a test call it. `HOOKS` names those that it has; the others are
/// never called.
pub trait Filter: Sized + 'static {
    /// The names of the hooks that the filter exports.
    const HOOKS: &'static [&'static str];

    /// Makes the filter.
    fn configure(json: &str) -> std::result::Result<Self, Faults>;

    /// The hook.
    fn on_request(&self) -> Result {
        Ok(Flow::Next)
    }

    /// The hook.
    fn on_response(&self) -> Result {
        Ok(Flow::Next)
    }

    /// The hook, and those for buffered bodies.
    fn on_resume(&self) -> Result {
        Ok(Flow::Next)
    }

    /// The hook.
    fn on_request_chunk(&self, bytes: Vec<u8>, _end: bool) -> Result<std::result::Result<Vec<u8>, Refuse>> {
        Ok(Ok(bytes))
    }

    /// The hook.
    fn on_response_chunk(&self, bytes: Vec<u8>, _end: bool) -> Result<std::result::Result<Vec<u8>, Refuse>> {
        Ok(Ok(bytes))
    }

    /// The hook.
    fn observe_request_chunk(&self, _bytes: Vec<u8>, _end: bool) -> Result<()> {
        Ok(())
    }

    /// The hook.
    fn observe_response_chunk(&self, _bytes: Vec<u8>, _end: bool) -> Result<()> {
        Ok(())
    }

    /// The hook.
    fn on_complete(&self) -> Result<()> {
        Ok(())
    }

    /// The hook.
    fn on_tick(&self) -> Result<()> {
        Ok(())
    }
}

/// Parses the configuration and hands it to the filter's `configure`.
pub fn configured<C: DeserializeOwned, F, E: Into<Faults>>(
    json: &str,
    configure: impl FnOnce(C) -> std::result::Result<F, E>,
) -> std::result::Result<F, Faults> {
    configure(crate::config::read(json)?).map_err(Into::into)
}

/// For a filter that has no configuration.
pub fn unconfigured<F, E: Into<Faults>>(
    json: &str,
    configure: impl FnOnce() -> std::result::Result<F, E>,
) -> std::result::Result<F, Faults> {
    match json.trim() {
        "{}" => configure().map_err(Into::into),
        _ => Err(Fault::at("", "this filter has no configuration; leave `config` out").into()),
    }
}

/// Keeps the configured filter for the hooks of this instance.
pub fn install<F: Filter>(filter: &'static LocalKey<OnceCell<F>>, json: &str) -> std::result::Result<(), Vec<Fault>> {
    std::panic::set_hook(Box::new(panicked));
    let configured = F::configure(json).map_err(|faults| faults.0)?;
    filter.with(|cell| cell.set(configured)).map_err(|_| vec![Fault::at("", "the host configured this instance twice")])
}

/// Logs what would not reach anybody otherwise. The panic's own way to print itself is more code than this.
fn panicked(panic: &PanicHookInfo<'_>) {
    let mut line = String::from("panicked");
    if let Some(place) = panic.location() {
        line.push_str(" at ");
        line.push_str(place.file());
        line.push(':');
        let mut number = place.line();
        let digits = line.len();
        while number > 0 {
            line.insert(digits, char::from_digit(number % 10, 10).unwrap_or_default());
            number /= 10;
        }
    }
    if let Some(message) = panic.payload_as_str() {
        line.push_str(": ");
        line.push_str(message);
    }
    crate::log(crate::Level::Error, &line);
}

/// Runs a hook of the filter that this instance has. An error becomes a trap, the one way in which a filter fails.
pub fn run<F, T>(filter: &'static LocalKey<OnceCell<F>>, hook: impl FnOnce(&F) -> Result<T>) -> T {
    filter.with(|filter| {
        let Some(filter) = filter.get() else { fail("the host did not configure this instance") };
        match hook(filter) {
            Ok(returned) => returned,
            Err(error) => fail(&error.to_string()),
        }
    })
}

/// How the contract names it.
pub fn flow(flow: Flow) -> WireFlow {
    match flow {
        Flow::Next => WireFlow::Next,
        Flow::Stop => WireFlow::Stop,
        Flow::Pause => WireFlow::Pause,
    }
}

/// How the contract names it.
pub fn reason(refuse: Refuse) -> Reason {
    Reason { code: refuse.code, detail: refuse.detail }
}

fn fail(message: &str) -> ! {
    crate::log(crate::Level::Error, message);
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    panic!("{message}");
}
