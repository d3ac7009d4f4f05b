//! Filters under the host of a test: hooks, pauses, bodies, and how a hook may end.

use weir::testing::{Hook, Host};
use weir::{
    Body, Completion, Ended, Error, Flow, Message, Operation, Refusal, Refuse, Reply, Request, Response, Result,
    Resumed, exchange,
};

/// Has both kinds of pauses about the request, and buffers the response.
#[derive(Default)]
struct Pauses;

#[weir::filter]
impl Pauses {
    fn on_request(&self, request: &mut Request) -> Result {
        exchange::set_slot(b"kept")?;
        if request.header("x-refresh").is_some() { weir::Document::from("keys").refresh() } else { request.buffer(8) }
    }

    fn on_request_body(&self, request: &mut Request, body: &mut Body) -> Result {
        assert_eq!(exchange::slot(), b"kept");
        request.set_header("x-length", body.len()?.to_string())?;
        body.replace(body.bytes()?.to_ascii_uppercase())?;
        Ok(Flow::Next)
    }

    fn on_response(&self, response: &mut Response) -> Result {
        response.buffer(8)
    }

    fn on_response_body(&self, _: &Request, response: &mut Response, body: &mut Body) -> Result<()> {
        let numbers: Vec<u32> = body.json()?;
        response.set_header("x-sum", numbers.iter().sum::<u32>().to_string())?;
        Ok(())
    }

    fn on_resume(&self, resumed: &mut Resumed) -> Result {
        assert_eq!(exchange::slot(), b"kept");
        assert_eq!((resumed.about, resumed.waited_for), (Message::Request, Operation::Document));
        let keys = weir::Document::from("keys").read()?.map(|text| text.bytes).unwrap_or_default();
        resumed.request.set_header("x-keys", keys)?;
        // And then the body.
        resumed.request.buffer(8)
    }
}

#[test]
fn each_pause_goes_on_where_it_belongs() {
    let mut host = Host::new();
    host.document("keys", Some("old"));
    host.document_becomes("keys", "new");
    host.request.header("x-refresh", "1").body("abc");
    host.response.body("[1, 2]");

    assert_eq!(host.on_request(&Pauses), Flow::Pause);
    assert_eq!(host.slot, b"kept");
    assert_eq!(host.on_resume(&Pauses), Flow::Pause);
    assert_eq!(host.request.get("x-keys"), Some("new"));
    assert_eq!(host.on_resume(&Pauses), Flow::Next);
    assert_eq!(host.request.get("x-length"), Some("3"));
    assert_eq!(host.request.bytes, b"ABC");

    assert_eq!(host.on_response(&Pauses), Flow::Pause);
    assert_eq!(host.on_resume(&Pauses), Flow::Next);
    assert_eq!(host.response.get("x-sum"), Some("3"));
    assert_eq!(host.slot, b"kept");
}

#[test]
fn a_body_that_is_not_whole_is_answered_and_never_read() {
    for (ended, request, response, code) in [
        (Ended::OverLimit, 413, 502, "body-too-large"),
        (Ended::TimedOut, 408, 504, "body-too-slow"),
        (Ended::Failed, 400, 502, "body-broken-off"),
    ] {
        let mut host = Host::new();
        host.on_request(&Pauses);
        host.pause_ends(ended);
        assert_eq!(host.on_resume(&Pauses), Flow::Stop);
        let reply = host.reply.take().unwrap();
        assert_eq!((reply.status, reply.code.as_str()), (request, code));

        host.on_response(&Pauses);
        host.pause_ends(ended);
        assert_eq!(host.on_resume(&Pauses), Flow::Stop);
        let reply = host.reply.take().unwrap();
        assert_eq!((reply.status, reply.code.as_str()), (response, code));
    }
    // The host of a test knows by itself what is too long.
    let mut host = Host::new();
    host.request.body("nine bytes");
    host.on_request(&Pauses);
    assert_eq!(host.on_resume(&Pauses), Flow::Stop);
    assert_eq!(host.reply.unwrap().status, 413);
}

/// Reads any JSON.
#[derive(Default)]
struct Reads;

#[weir::filter]
impl Reads {
    fn on_request(&self, request: &mut Request) -> Result {
        request.buffer(64 << 10)
    }

    fn on_request_body(&self, _: &mut Request, body: &mut Body) -> Result<()> {
        body.json::<serde_json::Value>().map(drop)
    }
}

#[test]
fn json_that_is_none_is_answered() {
    let mut host = Host::new();
    host.response.body("[1,");
    host.on_response(&Pauses);
    assert_eq!(host.on_resume(&Pauses), Flow::Stop);
    let reply = host.reply.unwrap();
    assert_eq!((reply.status, reply.code.as_str()), (502, "malformed-json"));
    assert!(reply.detail.contains("EOF"), "{}", reply.detail);

    // Nor does one that nests without end take the stack, which is small in the sandbox.
    let nested = |levels| ["[".repeat(levels), "]".repeat(levels)].concat();
    for (levels, is_read) in [(127, true), (128, false), (30_000, false)] {
        let mut host = Host::new();
        host.request.body(nested(levels));
        host.on_request(&Reads);
        assert_eq!(host.on_resume(&Reads), if is_read { Flow::Next } else { Flow::Stop }, "{levels}");
        assert!(is_read || host.reply.unwrap().status == 400);
    }
}

/// Buffers in one hook what another one should have said goes on.
#[derive(Default)]
struct Forgetful;

#[weir::filter]
impl Forgetful {
    fn on_request(&self, request: &mut Request) -> Result {
        match request.path().as_str() {
            "/stop" => Ok(Flow::Stop),
            "/pause" => Ok(Flow::Pause),
            "/buffer" => request.buffer(1),
            "/refresh" => weir::Document::from("keys").refresh(),
            "/large" => request.buffer(1 << 30),
            "/unread" => Ok(weir::__private::body().bytes().map(|_| Flow::Next)?),
            _ => Err(Error::new("of its own")),
        }
    }

    fn on_response(&self, _: &mut Response) -> Result {
        weir::Document::from("keys").refresh()
    }

    fn on_response_body(&self, _: &mut Response, _: &mut Body) {}
}

#[test]
fn what_breaks_the_contract_is_a_failure() {
    for (path, message) in [
        ("/stop", "the filter returned `stop` without an answer"),
        ("/pause", "the filter returned `pause`, but armed nothing to wait for"),
        ("/large", "the host refused the call: too-large"),
        ("/", "of its own"),
    ] {
        let mut host = Host::new();
        host.request.path(path);
        assert_eq!(host.run(Hook::Request, &Forgetful).unwrap_err().to_string(), message, "{path}");
    }
    let mut host = Host::new();
    host.request.path("/large");
    assert_eq!(host.run(Hook::Request, &Forgetful).unwrap_err().refusal(), Some(Refusal::TooLarge));

    for (method, path) in [("on_request", "/buffer"), ("on_request", "/refresh"), ("on_response", "/refresh")] {
        let mut host = Host::new();
        host.document("keys", Some("old"));
        host.request.path(path);
        let flow = if method == "on_request" { host.on_request(&Forgetful) } else { host.on_response(&Forgetful) };
        assert_eq!(flow, Flow::Pause);
        let error = host.run(Hook::Resume, &Forgetful).unwrap_err().to_string();
        assert!(error.contains("neither `on_resume` nor a hook for a body"), "{error}");
    }
}

/// Uses every way to end a hook, and the hooks that steer nothing.
#[derive(Default)]
struct Ends {
    ticks: std::cell::Cell<u32>,
}

#[weir::filter]
impl Ends {
    fn on_request(&self, request: &Request) -> Result<()> {
        let token = request.header_str("x-token").ok_or_else(|| {
            Reply::new(401).header("www-authenticate", "Bearer").trailer("x-end", "1").detail("none").error("no-token")
        })?;
        let number: u32 = token.parse()?;
        exchange::set_state(&vec![number])?;
        exchange::set_var("user.number", token)?;
        exchange::note("counted");
        Ok(())
    }

    fn on_response(&self, request: &Request, response: &mut Response) -> std::result::Result<(), Refusal> {
        let number: Option<Vec<u32>> = exchange::state().unwrap_or_default();
        response.set_header("x-number", format!("{number:?} {}", request.method()))?;
        response.set_header("x-bad", "a\r\nb")
    }

    fn on_request_chunk(&self, bytes: Vec<u8>, end: bool) -> std::result::Result<Vec<u8>, Refuse> {
        if bytes == b"bad" {
            return Err(Refuse::new("bad-chunk").detail("it says so"));
        }
        Ok(if end { [bytes, b".".to_vec()].concat() } else { bytes })
    }

    fn on_complete(&self, completion: &Completion) {
        weir::info!("{:?} {:?}", completion.status, completion.ended);
    }

    fn on_tick(&self) {
        self.ticks.set(self.ticks.get() + 1);
    }
}

#[test]
fn every_way_to_end_a_hook() {
    let ends = Ends::default();
    let mut host = Host::new();
    assert_eq!(host.on_request(&ends), Flow::Stop);
    let reply = host.reply.take().unwrap();
    assert_eq!((reply.status, reply.code.as_str(), reply.detail.as_str()), (401, "no-token", "none"));
    assert_eq!(reply.get("WWW-Authenticate"), Some("Bearer"));
    assert_eq!(reply.trailers, [("x-end".to_owned(), b"1".to_vec())]);

    host.request.header("x-token", "seven");
    let error = host.run(Hook::Request, &ends).unwrap_err().to_string();
    assert_eq!(error, "invalid digit found in string");

    host.request.fields.clear();
    host.request.header("x-token", "7");
    assert_eq!(host.on_request(&ends), Flow::Next);
    assert_eq!(host.vars["user.number"], "7");
    assert_eq!(host.notes, ["counted"]);
    host.grant_vars(&["auth."]);
    assert_eq!(host.run(Hook::Request, &ends).unwrap_err().refusal(), Some(Refusal::Denied));

    assert_eq!(host.run(Hook::Response, &ends).unwrap_err().refusal(), Some(Refusal::InvalidValue));
    assert_eq!(host.response.get("x-number"), Some("Some([7]) GET"));

    assert_eq!(host.on_request_chunk(&ends, "abc", true).unwrap(), b"abc.");
    assert_eq!(host.on_request_chunk(&ends, "bad", false).unwrap_err().code(), "bad-chunk");
    // A hook that is not there changes nothing.
    assert_eq!(host.on_response_chunk(&ends, "bad", false).unwrap(), b"bad");

    host.response.status(503);
    host.on_complete(&ends);
    assert_eq!(host.log.last().unwrap().1, "Some(503) Ending::Complete");
    host.on_tick(&ends);
    assert_eq!(ends.ticks.get(), 1);
}

/// Edits what it may not, as far as the types let it.
#[derive(Default)]
struct Steers;

#[weir::filter]
impl Steers {
    fn on_request(&self, request: &mut Request) -> Result<()> {
        assert_eq!(request.set_header("Content-Length", "1"), Err(Refusal::Forbidden));
        assert_eq!(request.set_header("x bad", "1"), Err(Refusal::InvalidName));
        assert_eq!(request.set_path("no-slash"), Err(Refusal::InvalidValue));
        request.set_path("/v2")?;
        request.set_query(None)?;
        request.observe()?;
        assert_eq!(request.path(), "/v1");
        Ok(())
    }

    fn on_response(&self, response: &mut Response) -> Result<()> {
        assert_eq!(response.set_status(204), Err(Refusal::Forbidden));
        assert_eq!(weir::__private::request().set_header("x-late", "1"), Err(Refusal::WrongHook));
        response.set_status(201)?;
        response.encode(weir::Coding::Gzip, Some(5))?;
        assert_eq!(response.encode(weir::Coding::Brotli, None), Err(Refusal::InvalidValue));
        response.append_header("vary", "accept-encoding")?;
        response.rewrite()?;
        response.pin()?;
        Ok(())
    }
}

#[test]
fn the_rules_of_editing_hold() {
    let mut host = Host::new();
    host.request.path("/v1").query("a=b");
    host.response.header("vary", "origin");
    host.on_request(&Steers);
    assert_eq!((host.request.upstream_path(), host.request.upstream_query()), ("/v2", None));
    assert!(host.request.observed);
    host.on_response(&Steers);
    assert_eq!(host.response.status_code(), 201);
    assert_eq!(host.response.all("Vary"), ["origin", "accept-encoding"]);
    assert_eq!(host.response.encoded, Some((weir::Coding::Gzip, Some(5))));
    assert!(host.response.rewritten && host.response.pinned);
}

#[test]
fn a_filter_that_panics_leaves_the_host_usable() {
    #[derive(Default)]
    struct Panics;

    #[weir::filter]
    impl Panics {
        fn on_request(&self, request: &Request) {
            assert!(request.path() == "/", "not here");
        }
    }

    let mut host = Host::new();
    host.request.path("/else").header("x-kept", "yes");
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| host.on_request(&Panics)));
    assert!(failed.is_err());
    assert_eq!(host.request.get("x-kept"), Some("yes"));
    host.request.path("/");
    assert_eq!(host.on_request(&Panics), Flow::Next);
}
