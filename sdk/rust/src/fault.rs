//! Saying what is wrong with a configuration.

use std::fmt;

use crate::Refusal;

pub use crate::bindings::types::Fault;

impl Fault {
    /// A fault at a value of the configuration: `Fault::at("/headers/0", "is not a field name")`.
    pub fn at(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

/// The host refused what a filter asked of it in `configure`.
impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::at("", ["the host refused what the filter asks of it: ", refusal.name()].concat())
    }
}

/// Every fault that `configure` found.
///
/// ```
/// use weir::Faults;
///
/// fn check(headers: &[String]) -> Result<(), Faults> {
///     let mut faults = Faults::default();
///     for (index, name) in headers.iter().enumerate() {
///         if name.is_empty() {
///             faults.at(&format!("/headers/{index}"), "is empty");
///         }
///     }
///     faults.or(())
/// }
/// assert!(check(&["x-a".into()]).is_ok());
/// assert_eq!(check(&["x-a".into(), String::new()]).unwrap_err().iter().next().unwrap().pointer, "/headers/1");
/// ```
#[derive(Clone, Default)]
pub struct Faults(pub(crate) Vec<Fault>);

impl Faults {
    /// Adds one.
    pub fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Adds one at a value of the configuration.
    #[inline(never)]
    pub fn at(&mut self, pointer: &str, message: &str) {
        self.push(Fault::at(pointer, message));
    }

    /// The value if there are no faults.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.0.iter()
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a Fault;
    type IntoIter = std::slice::Iter<'a, Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl From<Refusal> for Faults {
    fn from(refusal: Refusal) -> Self {
        Fault::from(refusal).into()
    }
}

impl From<Vec<Fault>> for Faults {
    fn from(faults: Vec<Fault>) -> Self {
        Self(faults)
    }
}
