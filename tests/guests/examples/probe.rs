//! Shows what the host lets a filter see and do: calls it all and writes what came back into the response.

use weir::{Refusal, Request, Response, exchange};

#[derive(Default)]
struct Probe;

#[weir::filter]
impl Probe {
    fn on_request(&self, request: &mut Request) -> weir::Result<()> {
        let name = |result: Result<(), Refusal>| {
            result.map_or_else(|refusal| refusal.name().to_owned(), |()| "done".to_owned())
        };
        let long = vec![b'x'; (64 << 10) + 1];
        let lines = [
            format!("id {}", exchange::id()),
            format!("route {}", exchange::route()),
            format!("client {}", exchange::client_address()),
            format!("slot {:?}", exchange::slot()),
            format!("method {}", request.method()),
            format!("scheme {}", request.scheme()),
            format!("authority {}", request.authority()),
            format!("path {}", request.path()),
            format!("query {:?}", request.query()),
            format!(
                "x-two {:?}",
                request.header_values("X-Two").into_iter().map(String::from_utf8).collect::<Vec<_>>()
            ),
            format!("x-none {:?}", request.header("x-none")),
            format!("first-two {}", request.headers(2).len()),
            format!("split {}", name(request.set_header("x-ok", "a\r\nx-evil: b"))),
            format!("bad-name {}", name(request.set_header("x evil", "b"))),
            format!("length {}", name(request.set_header("Content-Length", "7"))),
            format!("host {}", name(request.remove_header("host"))),
            format!("long {}", name(request.set_header("x-long", &long))),
            format!("slot-long {}", name(exchange::set_slot(&long))),
            format!("set {}", name(request.set_header("x-set", "by the probe"))),
        ];
        weir::info!("a line\nwith a break");
        exchange::set_slot(lines.join("\n").as_bytes())?;
        Ok(())
    }

    fn on_response(&self, request: &Request, response: &mut Response) -> weir::Result<()> {
        let late = weir_request_edit();
        response.set_header("x-late-edit", late.map_or_else(|refusal| refusal.name(), |()| "done"))?;
        response.set_header("x-source", format!("{:?}", response.source()))?;
        response.set_header("x-status", response.status().to_string())?;
        response.set_header("x-asked", request.path())?;
        response.remove_header("x-remove")?;
        let refused = response.set_status(204);
        response.set_header("x-no-body", refused.map_or_else(|refusal| refusal.name(), |()| "done"))?;
        for line in exchange::slot().split(|byte| *byte == b'\n') {
            response.append_header("x-probe", line)?;
        }
        Ok(())
    }
}

/// The SDK's types do not let a filter try this; the contract must hold without them.
fn weir_request_edit() -> Result<(), Refusal> {
    weir::__private::request().set_header("x-too-late", "yes")
}
