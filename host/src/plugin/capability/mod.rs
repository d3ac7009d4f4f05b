//! What a filter can do, one file per capability. Each acts on the exchange that is lent to the store.

mod exchange;
mod log;
mod reply;
mod request;
mod response;

use wasmtime::{Result, format_err};

use super::bindings::types;
use super::exchange::Exchange;
use super::instance::Guest;

impl types::Host for Guest {}

impl Guest {
    /// The current exchange; there is none while the filter is configured.
    fn exchange(&mut self) -> Result<&mut Exchange> {
        self.exchange.as_deref_mut().ok_or_else(|| format_err!("this cannot be called in `configure`: there is no exchange"))
    }
}
