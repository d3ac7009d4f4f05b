//! Who is let in, under the host of a test, with real keys and signatures.

mod answers;
mod cache;
mod claims;
mod config;
mod issuer;
mod keys;
mod places;
mod signatures;
mod vectors;

use weir::Flow;
use weir::testing::Host;

use crate::AuthJwt;

/// What comes of a request with this token: "next", or status and reason's code.
fn outcome(host: &mut Host, filter: &AuthJwt, token: &str) -> String {
    host.request.fields.clear();
    host.request.header("authorization", format!("Bearer {token}"));
    let flow = host.on_request(filter);
    said(host, flow)
}

fn said(host: &mut Host, flow: Flow) -> String {
    match flow {
        Flow::Next => "next".to_owned(),
        Flow::Pause => "pause".to_owned(),
        Flow::Stop => {
            let reply = host.reply.take().unwrap();
            format!("{} {}", reply.status, reply.code)
        }
    }
}
