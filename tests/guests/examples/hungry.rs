//! Takes memory until it gets no more, when the request has `x-eat`; else says how much it has by now.

use std::cell::RefCell;

use weir::{Reply, Request, Result};

#[derive(Default)]
struct Hungry {
    eaten: RefCell<Vec<Vec<u8>>>,
}

#[weir::filter]
impl Hungry {
    fn on_request(&self, request: &Request) -> Result {
        let mut eaten = self.eaten.borrow_mut();
        if request.header("x-eat").is_some() {
            loop {
                eaten.push(vec![1; 1 << 20]);
            }
        }
        Reply::new(200).text(format!("{} MiB\n", eaten.len())).send("fine")
    }
}
