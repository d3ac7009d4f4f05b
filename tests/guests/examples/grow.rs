//! Takes as many MiB as the request's `x-grow` says, and answers how many calls this instance has had.

use std::cell::{Cell, RefCell};

use weir::{Reply, Request, Result};

#[derive(Default)]
struct Grow {
    calls: Cell<u32>,
    taken: RefCell<Vec<Vec<u8>>>,
}

#[weir::filter]
impl Grow {
    fn on_request(&self, request: &Request) -> Result {
        let mebibytes: usize = request.header_str("x-grow").and_then(|text| text.parse().ok()).unwrap_or_default();
        self.taken.borrow_mut().push(vec![1; mebibytes << 20]);
        self.calls.set(self.calls.get() + 1);
        Reply::new(200).text(self.calls.get().to_string()).send("counted")
    }
}
