//! The variables of an exchange, seen from outside.

use std::sync::{Arc, Mutex, PoisonError};

use crate::plugin::exchange::{Exchange, Memory};

/// The variables of an exchange, also when it is over.
#[derive(Debug)]
pub struct Variables(Arc<Mutex<Memory>>);

impl Exchange {
    /// Sets variables as filters before would have, and keeps an eye on all of them.
    pub fn with_variables(&mut self, given: &[(String, String)]) -> Variables {
        self.memory_mut().vars.extend_from_slice(given);
        Variables(self.shared_memory())
    }
}

impl Variables {
    /// Names and values, in the order in which they were set.
    pub fn read(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).vars.clone()
    }
}
