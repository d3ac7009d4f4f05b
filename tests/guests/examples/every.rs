//! Has every hook, and says in the log when one is called. What it arms and skips is configured.

use std::time::Duration;

use serde::Deserialize;
use weir::setup::{self, Hook};
use weir::{Completion, Ended, Fault, Flow, Message, Request, Response, Result, Resumed};

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    arms: bool,
    #[serde(default)]
    skips: bool,
    /// Milliseconds.
    #[serde(default)]
    tick: u64,
}

struct Every(Config);

#[weir::filter]
impl Every {
    fn configure(config: Config) -> std::result::Result<Self, Fault> {
        if config.skips {
            [Hook::OnRequest, Hook::OnResponse, Hook::OnComplete].into_iter().for_each(setup::skip);
        }
        setup::tick(Duration::from_millis(config.tick));
        Ok(Self(config))
    }

    fn on_request(&self, request: &mut Request) -> Result {
        weir::info!("called on-request");
        if !self.0.arms {
            return Ok(Flow::Next);
        }
        request.rewrite()?;
        request.observe()?;
        request.buffer(100)
    }

    fn on_response(&self, response: &mut Response) -> Result {
        weir::info!("called on-response");
        if !self.0.arms {
            return Ok(Flow::Next);
        }
        response.rewrite()?;
        response.observe()?;
        response.buffer(100)
    }

    fn on_resume(&self, resumed: &mut Resumed) {
        assert_eq!(resumed.outcome, Ended::Done);
        let about = if resumed.about == Message::Request { "request" } else { "response" };
        weir::info!("called on-resume {about}");
    }

    fn on_request_chunk(&self, bytes: Vec<u8>, end: bool) -> Vec<u8> {
        weir::info!("called on-request-chunk {} {end}", bytes.len());
        bytes
    }

    fn on_response_chunk(&self, bytes: Vec<u8>, end: bool) -> Vec<u8> {
        weir::info!("called on-response-chunk {} {end}", bytes.len());
        bytes
    }

    fn observe_request_chunk(&self, bytes: Vec<u8>, end: bool) {
        weir::info!("called observe-request-chunk {} {end}", bytes.len());
    }

    fn observe_response_chunk(&self, bytes: Vec<u8>, end: bool) {
        weir::info!("called observe-response-chunk {} {end}", bytes.len());
    }

    fn on_complete(&self, _completion: &Completion) {
        weir::info!("called on-complete");
    }

    fn on_tick(&self) {
        weir::info!("called on-tick");
    }
}
