//! Makes as much as it can of what its configuration names.

use serde::Deserialize;
use weir::{Fault, Flow, Refusal, Reply, Request, Response, Result, password};

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    of: Of,
}

#[derive(Clone, Copy, PartialEq, Deserialize, weir::Config)]
#[serde(rename_all = "kebab-case")]
enum Of {
    /// A value of 64 KiB in both heads.
    Value,
    /// 300 fields in both heads.
    Fields,
    /// An answer's body of 1 MiB, after one byte more was refused.
    Answer,
    /// 40 MiB of fields in one call.
    Call,
    /// A password of 40 MiB.
    Password,
    /// 1 MiB of each piece of the response's body.
    Pieces,
    /// More than that.
    TooMuch,
    /// Codings and views of the response's body until there is no room, then an answer about it.
    Stages,
}

struct Enormous(Of);

#[weir::filter]
impl Enormous {
    fn configure(config: Config) -> std::result::Result<Self, Fault> {
        Ok(Self(config.of))
    }

    fn on_request(&self, request: &mut Request) -> Result {
        match self.0 {
            Of::Value => {
                refused(request.set_header("x-enormous", vec![b'v'; (64 << 10) + 1]));
                request.set_header("x-enormous", vec![b'v'; 64 << 10])?;
            }
            Of::Fields => fill(|value| request.append_header("x-many", value)),
            Of::Answer => {
                if let Ok(Flow::Stop) = Reply::new(200).body(vec![b'a'; (1 << 20) + 1]).send("too-large") {
                    panic!("it was not refused");
                }
                return Reply::new(200).body(vec![b'a'; 1 << 20]).send("large");
            }
            Of::Call => {
                let reply = (0..40).fold(Reply::new(200), |reply, _| reply.header("x-many", vec![b'm'; 1 << 20]));
                return reply.send("enormous");
            }
            Of::Password => _ = password::verify("$2b$", vec![b'm'; 40 << 20]),
            Of::Pieces | Of::TooMuch | Of::Stages => {}
        }
        Ok(Flow::Next)
    }

    fn on_response(&self, response: &mut Response) -> Result {
        match self.0 {
            Of::Value => response.set_header("x-enormous", vec![b'v'; 64 << 10])?,
            Of::Fields => fill(|value| response.append_header("x-many", value)),
            Of::Pieces | Of::TooMuch => response.rewrite()?,
            Of::Stages => {
                let mut codings = 0;
                while response.encode(weir::Coding::Zstd, Some(9)).is_ok() {
                    response.remove_header("content-encoding")?;
                    codings += 1;
                }
                let views = (0..1000).take_while(|_| response.observe().is_ok()).count();
                return Reply::new(200).text(format!("{codings} codings, {views} views")).send("counted");
            }
            Of::Answer | Of::Call | Of::Password => {}
        }
        Ok(Flow::Next)
    }

    fn on_response_chunk(&self, bytes: Vec<u8>, _end: bool) -> Vec<u8> {
        assert!(bytes.len() <= 64 << 10, "a piece of {} bytes", bytes.len());
        match self.0 {
            _ if bytes.is_empty() => bytes,
            Of::TooMuch => vec![b'p'; (1 << 20) + 1],
            _ => vec![b'p'; 1 << 20],
        }
    }

    fn observe_response_chunk(&self, _bytes: Vec<u8>, _end: bool) {}
}

fn fill(mut append: impl FnMut(&str) -> std::result::Result<(), Refusal>) {
    let many = (0..300).take_while(|number| append(&number.to_string()).is_ok()).count();
    assert!(many < 300, "there was room for all");
    weir::info!("{many} fields fit");
}

fn refused(result: std::result::Result<(), Refusal>) {
    assert!(result == Err(Refusal::TooLarge), "{result:?}");
}
