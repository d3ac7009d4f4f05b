//! Answers `/hello`, and lets everything else pass.

use weir::{Fault, Flow, Reply, Request, Result};

#[derive(serde::Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Hello {
    /// What it says.
    greeting: String,
}

#[weir::filter]
impl Hello {
    fn configure(hello: Hello) -> std::result::Result<Self, Fault> {
        Ok(hello)
    }

    fn on_request(&self, request: &Request) -> Result {
        match request.path().as_str() {
            "/hello" => Reply::new(200).text(format!("{}\n", self.greeting)).send("hello"),
            _ => Ok(Flow::Next),
        }
    }
}
