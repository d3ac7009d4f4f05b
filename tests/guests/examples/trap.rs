//! Panics when the request asks for it: `x-trap: request` or `x-trap: response`.

use weir::{Request, Response};

#[derive(Default)]
struct Trap;

#[weir::filter]
impl Trap {
    fn on_request(&self, request: &Request) {
        assert!(request.header_str("x-trap").as_deref() != Some("request"), "asked to trap in on_request");
    }

    fn on_response(&self, request: &Request, _response: &mut Response) {
        assert!(request.header_str("x-trap").as_deref() != Some("response"), "asked to trap in on_response");
    }
}
