//! Pauses as its configuration says, against the rules.

use serde::Deserialize;
use weir::{Fault, Flow, Request, Result, Resumed};

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    how: How,
}

#[derive(Clone, Copy, Deserialize, weir::Config)]
#[serde(rename_all = "kebab-case")]
enum How {
    /// Without having armed anything.
    Unarmed,
    /// Again and again.
    Forever,
    /// Having armed two operations.
    Twice,
    /// Arms, but goes on.
    Goes,
}

struct Pauses(How);

#[weir::filter]
impl Pauses {
    fn configure(config: Config) -> std::result::Result<Self, Fault> {
        Ok(Self(config.how))
    }

    fn on_request(&self, request: &mut Request) -> Result {
        match self.0 {
            How::Unarmed => Ok(Flow::Pause),
            How::Forever => request.buffer(1 << 10),
            How::Twice => {
                request.buffer(1)?;
                request.buffer(1 << 10)
            }
            How::Goes => {
                request.buffer(1 << 10)?;
                Ok(Flow::Next)
            }
        }
    }

    fn on_resume(&self, resumed: &mut Resumed) -> Result {
        weir::info!("resumed: {:?}", resumed.outcome);
        match self.0 {
            How::Forever => resumed.request.buffer(1 << 10),
            _ => Ok(Flow::Next),
        }
    }
}
