//! Tries to end lines and messages in whatever it may set, and answers what came of it.

use weir::{Refusal, Reply, Request, Response, Result, exchange};

#[derive(Default)]
struct Inject;

/// What the SDK has no words for.
mod raw {
    #![allow(unsafe_code, missing_docs, clippy::all, clippy::pedantic)]
    wit_bindgen::generate!({ path: "../../wit", world: "capabilities" });
    pub(super) use self::weir::filter::*;
}

/// What could begin a field or a message of its own.
const SPLITS: [&str; 5] =
    ["a\r\nx-evil: 1", "a\nx-evil: 1", "a\rx-evil: 1", "a\0b", "a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"];

#[weir::filter]
impl Inject {
    fn on_request(&self, request: &mut Request) -> Result {
        let mut lines = Vec::new();
        let mut tell = |what: &str, split: &str, result| lines.push(line(what, split, result));
        for split in SPLITS {
            tell("set-header", split, request.set_header("x-a", split));
            let text = raw::request::set_header_text("x-a", split);
            assert!(text.is_err(), "{split:?} was taken as text");
            tell("append-header", split, request.append_header("x-a", split));
            tell("name", split, request.set_header(split, "a"));
            tell("remove", split, request.remove_header(split));
            tell("set-path", split, request.set_path(&format!("/{split}")));
            tell("set-query", split, request.set_query(Some(split)));
            tell("var-name", split, exchange::set_var(&format!("inject.{split}"), "a"));
        }
        for path in ["", "relative", "*", "http://elsewhere/", "/a b", "/a?b", "/a#b", "/\u{e9}"] {
            tell("set-path", path, request.set_path(path));
        }
        for framing in ["content-length", "transfer-encoding", "connection", "host", "te", "trailer", "upgrade"] {
            tell("framing", framing, request.set_header(framing, "1"));
        }
        // A variable is no field: what it holds meets the same check where it becomes one.
        exchange::set_var("inject.held", SPLITS[0])?;
        let held = exchange::var("inject.held").unwrap_or_default();
        tell("var", &held, request.set_header("x-a", &held));
        exchange::set_slot(lines.join("\n").as_bytes())?;
        Ok(weir::Flow::Next)
    }

    fn on_response(&self, response: &mut Response) -> Result {
        let mut lines = vec![String::from_utf8_lossy(&exchange::slot()).into_owned()];
        for split in SPLITS {
            for (what, result) in [
                ("response-header", response.set_header("x-a", split)),
                ("response-append", response.append_header("x-a", split)),
                ("response-name", response.set_header(split, "a")),
            ] {
                lines.push(line(what, split, result));
            }
            for (what, reply) in [
                ("reply-header", Reply::new(200).header("x-a", split)),
                ("reply-name", Reply::new(200).header(split, "a")),
                ("reply-trailer", Reply::new(200).trailer("x-a", split)),
            ] {
                let refusal = reply.send("never").err().and_then(|error| error.refusal());
                lines.push(format!("{what} {split:?} {}", refusal.map_or("done", |refusal| refusal.name())));
            }
            let why = raw::types::Reason { code: "never".into(), detail: String::new() };
            let sent = raw::reply::send_text(200, &[("x-a".into(), split.into())], "", &why);
            assert!(sent.is_err(), "{split:?} was taken as text");
        }
        Reply::new(200).text(lines.join("\n")).send("reason\r\nx-evil: 1")
    }
}

fn line(what: &str, split: &str, result: std::result::Result<(), Refusal>) -> String {
    format!("{what} {split:?} {}", result.map_or_else(|refusal| refusal.name(), |()| "done"))
}
