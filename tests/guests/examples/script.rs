//! Does in each hook what its configuration says, and leaves a trace: a line of the log per call, a mark in each head that
//! it lets pass.

use serde::Deserialize;
use weir::{Completion, Fault, Flow, Reply, Request, Response, Result, Resumed, exchange};

/// What a hook does.
#[derive(Clone, Copy, Default, Deserialize, weir::Config)]
#[serde(rename_all = "kebab-case")]
enum Act {
    #[default]
    Next,
    Answer,
    /// Stops without an answer.
    Stop,
    Trap,
    /// Waits for the body.
    Pause,
}

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    name: String,
    /// Of its answers.
    #[serde(default = "forbidden")]
    status: u16,
    #[serde(default)]
    request: Act,
    #[serde(default)]
    request_resumed: Act,
    #[serde(default)]
    response: Act,
    #[serde(default)]
    response_resumed: Act,
    #[serde(default)]
    complete: Act,
}

fn forbidden() -> u16 {
    403
}

struct Script(Config);

#[weir::filter]
impl Script {
    fn configure(config: Config) -> std::result::Result<Self, Fault> {
        Ok(Self(config))
    }

    fn on_request(&self, request: &mut Request) -> Result {
        self.called("request");
        self.act_on_request(self.0.request, request)
    }

    fn on_response(&self, response: &mut Response) -> Result {
        self.called("response");
        self.act_on_response(self.0.response, response)
    }

    fn on_resume(&self, resumed: &mut Resumed) -> Result {
        match &mut resumed.response {
            Some(response) => {
                self.called("response-resumed");
                self.act_on_response(self.0.response_resumed, response)
            }
            None => {
                self.called("request-resumed");
                self.act_on_request(self.0.request_resumed, &mut resumed.request)
            }
        }
    }

    fn on_complete(&self, completion: &Completion) -> Result<()> {
        self.called("complete");
        if let Act::Trap = self.0.complete {
            panic!("asked to trap in on_complete, after {:?}", completion.status);
        }
        Ok(())
    }
}

impl Script {
    fn called(&self, hook: &str) {
        weir::info!("called {} {hook} {}", self.0.name, exchange::route());
    }

    fn act_on_request(&self, act: Act, request: &mut Request) -> Result {
        match act {
            Act::Next => request.append_header("x-mark", &self.0.name)?,
            Act::Pause => return request.buffer(100),
            act => return self.end(act),
        }
        Ok(Flow::Next)
    }

    fn act_on_response(&self, act: Act, response: &mut Response) -> Result {
        match act {
            Act::Next => {
                let source = format!("{:?}", response.source());
                response.append_header("x-mark", format!("{} {}", self.0.name, source.to_lowercase()))?;
            }
            Act::Pause => return response.buffer(100),
            act => return self.end(act),
        }
        Ok(Flow::Next)
    }

    fn end(&self, act: Act) -> Result {
        match act {
            Act::Answer => Reply::new(self.0.status).text(self.0.name.clone()).send("scripted"),
            Act::Stop => Ok(Flow::Stop),
            _ => panic!("asked to trap"),
        }
    }
}
