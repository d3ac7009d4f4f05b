//! Fails in the hook and in the way that its configuration names: always in `configure` and `on-tick`, else when the request
//! has `x-fail`.

use std::hint::black_box;
use std::time::Duration;

use serde::Deserialize;
use weir::{Body, Completion, Fault, Flow, Request, Response, Result, setup};

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    hook: String,
    how: How,
}

#[derive(Clone, Copy, Deserialize, weir::Config)]
#[serde(rename_all = "kebab-case")]
enum How {
    Panic,
    Spin,
    Recurse,
    Eat,
}

struct Fail(Config);

#[weir::filter]
impl Fail {
    fn configure(config: Config) -> std::result::Result<Self, Fault> {
        if config.hook == "configure" {
            fail(config.how);
        }
        if config.hook == "on-tick" {
            setup::tick(Duration::from_millis(100));
        }
        Ok(Self(config))
    }

    fn on_request(&self, request: &mut Request) -> Result {
        self.reach("on-request");
        match self.0.hook.as_str() {
            "on-resume" => return request.buffer(1 << 10),
            "on-request-chunk" => request.rewrite()?,
            "observe-request-chunk" => request.observe()?,
            _ => {}
        }
        Ok(Flow::Next)
    }

    fn on_response(&self, response: &mut Response) -> Result<()> {
        self.reach("on-response");
        match self.0.hook.as_str() {
            "on-response-chunk" => response.rewrite()?,
            "observe-response-chunk" => response.observe()?,
            _ => {}
        }
        Ok(())
    }

    fn on_request_body(&self, _request: &mut Request, _body: &mut Body) {
        self.reach("on-resume");
    }

    fn on_request_chunk(&self, bytes: Vec<u8>, _end: bool) -> Vec<u8> {
        self.reach("on-request-chunk");
        bytes
    }

    fn on_response_chunk(&self, bytes: Vec<u8>, _end: bool) -> Vec<u8> {
        self.reach("on-response-chunk");
        bytes
    }

    fn observe_request_chunk(&self, _bytes: Vec<u8>, _end: bool) {
        self.reach("observe-request-chunk");
    }

    fn observe_response_chunk(&self, _bytes: Vec<u8>, _end: bool) {
        self.reach("observe-response-chunk");
    }

    fn on_complete(&self, _completion: &Completion) {
        self.reach("on-complete");
    }

    fn on_tick(&self) {
        fail(self.0.how);
    }
}

impl Fail {
    fn reach(&self, hook: &str) {
        if self.0.hook == hook && weir::__private::request().header("x-fail").is_some() {
            fail(self.0.how);
        }
    }
}

fn fail(how: How) {
    match how {
        How::Panic => panic!("as configured"),
        How::Spin => loop {
            black_box(0);
        },
        How::Recurse => _ = black_box(deeper(1)),
        How::Eat => {
            let mut eaten = Vec::new();
            loop {
                eaten.push(black_box(vec![1_u8; 1 << 20]));
            }
        }
    }
}

#[allow(unconditional_recursion)]
fn deeper(depth: u64) -> u64 {
    black_box(deeper(black_box(depth + 1))) + 1
}
