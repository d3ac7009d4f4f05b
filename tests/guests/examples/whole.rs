//! Buffers a body, once or several times, and does with it what its configuration says.

use serde::Deserialize;
use weir::{Ended, Fault, Flow, Message, Reply, Request, Response, Result, Resumed, exchange};

/// Which body.
#[derive(Clone, Copy, Deserialize, PartialEq, weir::Config)]
#[serde(rename_all = "kebab-case")]
enum On {
    Request,
    Response,
}

/// What it does about it.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, weir::Config)]
#[serde(rename_all = "kebab-case")]
enum Does {
    /// Shows what it has read in the head.
    #[default]
    Show,
    /// Answers with that.
    Answer,
    /// Replaces it without having read it.
    ReplaceUnread,
    /// Pauses without having armed anything.
    PauseUnarmed,
}

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    on: On,
    max: u32,
    #[serde(default)]
    does: Does,
    /// How often it pauses.
    #[serde(default = "once")]
    times: u8,
    /// Put in the body's place.
    replacement: Option<String>,
}

fn once() -> u8 {
    1
}

struct Whole(Config);

#[weir::filter]
impl Whole {
    fn configure(config: Config) -> std::result::Result<Self, Fault> {
        Ok(Self(config))
    }

    fn on_request(&self, request: &mut Request) -> Result {
        match (self.0.on, self.0.does) {
            (On::Response, _) => Ok(Flow::Next),
            (On::Request, Does::PauseUnarmed) => Ok(Flow::Pause),
            (On::Request, Does::ReplaceUnread) => {
                request.replace_body(self.replacement())?;
                Ok(Flow::Next)
            }
            (On::Request, Does::Show | Does::Answer) => request.buffer(self.0.max),
        }
    }

    fn on_response(&self, response: &mut Response) -> Result {
        match (self.0.on, self.0.does) {
            (On::Request, _) => Ok(Flow::Next),
            (On::Response, Does::PauseUnarmed) => Ok(Flow::Pause),
            (On::Response, Does::ReplaceUnread) => {
                response.replace_body(self.replacement())?;
                Ok(Flow::Next)
            }
            (On::Response, Does::Show | Does::Answer) => response.buffer(self.0.max),
        }
    }

    fn on_resume(&self, resumed: &mut Resumed) -> Result {
        let times = exchange::slot().first().map_or(1, |times| times + 1);
        weir::info!("resumed {times} {:?}", resumed.outcome);
        if times < self.0.times {
            exchange::set_slot(&[times])?;
            return match (resumed.about, &mut resumed.response) {
                (Message::Response, Some(response)) => response.buffer(self.0.max),
                _ => resumed.request.buffer(self.0.max),
            };
        }
        exchange::set_slot(&[])?;
        let outcome = format!("{:?}", resumed.outcome);
        let (size, begin, end) = match resumed.outcome {
            Ended::Done => {
                let size = resumed.body.len()?;
                (size.to_string(), resumed.body.read(0, 3)?, resumed.body.read(size.saturating_sub(2), 100)?)
            }
            _ => (resumed.body.len().map_or("unknown", |_| "known").to_owned(), Vec::new(), Vec::new()),
        };
        let said = [outcome.as_bytes(), b" ", size.as_bytes(), b" ", &begin, b" ", &end].concat();
        let said: Vec<u8> = said.into_iter().filter(|byte| !byte.is_ascii_control()).collect();
        if self.0.does == Does::Answer {
            return Reply::new(422).body(said).send("buffered");
        }
        match &mut resumed.response {
            Some(response) => response.append_header("x-whole", said)?,
            None => resumed.request.append_header("x-whole", said)?,
        }
        if let Some(replacement) = &self.0.replacement {
            resumed.body.replace(replacement)?;
        }
        Ok(Flow::Next)
    }
}

impl Whole {
    fn replacement(&self) -> &str {
        self.0.replacement.as_deref().unwrap_or_default()
    }
}
