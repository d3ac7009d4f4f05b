//! Answers `/hello`, and lets everything else pass.

use weir::{Flow, Reply, Request, Result};

#[derive(Default)]
struct Hello;

#[weir::filter]
impl Hello {
    fn on_request(&self, request: &Request) -> Result {
        match request.path().as_str() {
            "/hello" => Reply::new(200).text("Hello from a filter\n").send("hello"),
            _ => Ok(Flow::Next),
        }
    }
}
