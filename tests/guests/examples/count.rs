//! Answers how many exchanges this instance has seen: shows which instance serves, and how long it lives.

use std::cell::Cell;

use weir::{Reply, Result};

#[derive(Default)]
struct Count(Cell<u32>);

#[weir::filter]
impl Count {
    fn on_request(&self) -> Result {
        self.0.set(self.0.get() + 1);
        Reply::new(200).text(self.0.get().to_string()).send("counted")
    }
}
