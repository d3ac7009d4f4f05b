//! Answers with trailers, in `on_request` or with `x-late` in `on_response`; and says what becomes of one that is not a
//! field, or belongs to no answer.

use weir::{Flow, Reply, Request, Response, Result};

#[allow(unsafe_code, missing_docs, unreachable_pub, missing_debug_implementations, clippy::all, clippy::pedantic)]
mod raw {
    wit_bindgen::generate!({ path: "../../wit", world: "capabilities" });
}
use raw::weir::filter::reply::add_trailer;

#[derive(Default)]
struct Trailers;

#[weir::filter]
impl Trailers {
    fn on_request(&self, request: &Request) -> Result {
        if request.header("x-late").is_some() { Ok(Flow::Next) } else { answer() }
    }

    fn on_response(&self, _response: &mut Response) -> Result {
        answer()
    }
}

fn answer() -> Result {
    let early = add_trailer("grpc-status", b"0").map_err(|refusal| refusal.name());
    let reply = Reply::new(200).header("x-early", early.err().unwrap_or("done")).text("message");
    let flow = reply.trailer("grpc-status", "0").trailer("grpc-message", "fine").send("answered")?;
    let forbidden = add_trailer("content-length", b"7").map_err(|refusal| refusal.name());
    add_trailer("x-forbidden", forbidden.err().unwrap_or("done").as_bytes()).expect("it is a field");
    Ok(flow)
}
