//! The variables of an exchange, seen from outside.

use std::sync::{Arc, Mutex, PoisonError};

use crate::plugin::exchange::{Exchange, Memory};
use crate::plugin::vars::Name;

/// The variables of an exchange, also when it is over.
#[derive(Debug)]
pub struct Variables(Arc<Mutex<Memory>>);

impl Exchange {
    /// Sets variables as filters before would have, and keeps an eye on all of them.
    pub fn with_variables(&mut self, given: &[(String, String)]) -> Variables {
        let mut memory = self.memory_mut();
        for (name, value) in given {
            // What no filter could set is not there.
            let _ = Name::parse(name).and_then(|name| memory.vars.set(name, value.clone()));
        }
        drop(memory);
        Variables(self.shared_memory())
    }
}

impl Variables {
    /// Names and values, in the order in which they were set.
    pub fn read(&self) -> Vec<(String, String)> {
        let memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.vars.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}
