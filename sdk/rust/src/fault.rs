//! Reading the configuration, and saying what is wrong with it.

use std::cell::OnceCell;
use std::thread::LocalKey;

use serde::de::DeserializeOwned;

use crate::bindings::weir::filter::types::Fault as Wire;

pub use crate::bindings::weir::filter::types::Fault;

impl Fault {
    /// A fault at a value of the configuration: `Fault::at("/headers/0", "is not a field name")`.
    pub fn at(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

/// Every fault that `configure` found.
#[derive(Debug)]
pub struct Faults(Vec<Fault>);

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl From<Vec<Fault>> for Faults {
    fn from(faults: Vec<Fault>) -> Self {
        Self(faults)
    }
}

/// Parses the configuration and hands it to the filter's `configure`.
#[doc(hidden)]
pub fn configured<C: DeserializeOwned, F, E: Into<Faults>>(
    json: &str,
    configure: impl FnOnce(C) -> Result<F, E>,
) -> Result<F, Faults> {
    let config = serde_json::from_str(json).map_err(|error| {
        // The place in the JSON means nothing to the operator, whose file is YAML.
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or_default();
        Fault::at("", message)
    })?;
    configure(config).map_err(Into::into)
}

/// For a filter without `configure`.
#[doc(hidden)]
pub fn unconfigured<F: Default>(json: &str) -> Result<F, Faults> {
    match json.trim() {
        "{}" => Ok(F::default()),
        _ => Err(Fault::at("", "this filter has no configuration; leave `config` out").into()),
    }
}

/// Keeps the configured filter for the hooks of this instance.
#[doc(hidden)]
pub fn install<F>(
    filter: &'static LocalKey<OnceCell<F>>,
    make: impl FnOnce() -> Result<F, Faults>,
) -> Result<(), Vec<Wire>> {
    std::panic::set_hook(Box::new(|panic| crate::log(crate::Level::Error, &panic.to_string())));
    let configured = make().map_err(|faults| faults.0)?;
    filter.with(|cell| cell.set(configured)).map_err(|_| vec![Fault::at("", "the host configured this instance twice")])
}
