//! Reads two request headers, sets one, and adds a response header: the usual small filter.

use weir::{Refusal, Request, Response};

#[derive(Default)]
struct Headers;

#[weir::filter]
impl Headers {
    fn on_request(&self, request: &mut Request) -> Result<(), Refusal> {
        let agent = request.header("user-agent");
        let accept = request.header("accept");
        let both = agent.is_some() && accept.is_some();
        request.set_header("x-seen", if both { "both" } else { "not both" })
    }

    fn on_response(&self, response: &mut Response) -> Result<(), Refusal> {
        response.append_header("x-added", "by the filter")
    }
}
