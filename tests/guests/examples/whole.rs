//! Buffers a body, once or several times, and does with it what its configuration says.

use serde::Deserialize;
use weir::{Ended, Fault, Flow, Message, Reply, Request, Response, Result, Resumed, exchange};

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    request: bool,
    #[serde(default)]
    response: bool,
    max: u32,
    /// How often it pauses.
    #[serde(default = "once")]
    times: u8,
    /// Pauses without having armed anything.
    #[serde(default)]
    unarmed: bool,
    /// Put in the body's place.
    replacement: Option<String>,
    /// Also without having buffered it.
    #[serde(default)]
    at_once: bool,
    /// Answers with what it read.
    #[serde(default)]
    answers: bool,
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
        match (self.0.request, &self.0.replacement, self.0.unarmed) {
            (false, ..) => Ok(Flow::Next),
            (_, _, true) => Ok(Flow::Pause),
            (_, Some(replacement), _) if self.0.at_once => {
                request.replace_body(replacement)?;
                Ok(Flow::Next)
            }
            _ => request.buffer(self.0.max),
        }
    }

    fn on_response(&self, response: &mut Response) -> Result {
        match (self.0.response, &self.0.replacement, self.0.unarmed) {
            (false, ..) => Ok(Flow::Next),
            (_, _, true) => Ok(Flow::Pause),
            (_, Some(replacement), _) if self.0.at_once => {
                response.replace_body(replacement)?;
                Ok(Flow::Next)
            }
            _ => response.buffer(self.0.max),
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
        if self.0.answers {
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
