//! Lets pass who shows its name in `x-badge`, and challenges others: as one that authenticates, among alternatives. Before it
//! decides, it leaves on the exchange what its configuration says. `x-trap` has the names of those that trap.

use serde::Deserialize;
use weir::{Coding, Fault, Flow, Reply, Request, Response, Result, Resumed, exchange};

/// What it leaves.
#[derive(Clone, Copy, Deserialize, PartialEq, weir::Config)]
#[serde(rename_all = "kebab-case")]
enum Trace {
    /// Fields: one of its own, one that others set, and one that goes.
    Fields,
    /// Variables: one set, one removed.
    Vars,
    Target,
    Body,
    Pieces,
    Coding,
}

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    name: String,
    #[serde(default = "unauthorized")]
    status: u16,
    #[serde(default)]
    challenges: Vec<String>,
    #[serde(default)]
    leaves: Vec<Trace>,
    /// Reads the body before it decides.
    #[serde(default)]
    reads: bool,
    /// Leaves what it leaves before it reads.
    #[serde(default)]
    hastens: bool,
}

fn unauthorized() -> u16 {
    401
}

struct Badge(Config);

#[weir::filter]
impl Badge {
    fn configure(config: Config) -> std::result::Result<Self, Fault> {
        Ok(Self(config))
    }

    fn on_request(&self, request: &mut Request) -> Result {
        weir::info!("turn of {}", self.0.name);
        if self.0.hastens {
            self.leave(request)?;
        }
        if self.0.reads { request.buffer(1 << 10) } else { self.decide(request) }
    }

    fn on_resume(&self, resumed: &mut Resumed) -> Result {
        weir::info!("{} read {}", self.0.name, String::from_utf8_lossy(&resumed.body.bytes()?));
        self.decide(&mut resumed.request)
    }

    fn on_request_chunk(&self, bytes: Vec<u8>, _end: bool) -> Vec<u8> {
        weir::info!("piece for {}", self.0.name);
        bytes.to_ascii_uppercase()
    }

    fn on_response(&self, response: &mut Response) -> Result<()> {
        Ok(response.append_header("x-badge", &self.0.name)?)
    }

    fn on_complete(&self) {
        weir::info!("complete {}", self.0.name);
    }
}

impl Badge {
    fn decide(&self, request: &mut Request) -> Result {
        let has = |field: &str| {
            let names = request.header_str(field).unwrap_or_default();
            names.split(' ').any(|name| name == self.0.name)
        };
        let (is_shown, is_trapped) = (has("x-badge"), has("x-trap"));
        if !self.0.hastens {
            self.leave(request)?;
        }
        assert!(!is_trapped, "asked to trap");
        if is_shown {
            exchange::note(&format!("badge-{}", self.0.name));
            return Ok(Flow::Next);
        }
        let mut reply = Reply::new(self.0.status).text(format!("{} says no\n", self.0.name)).detail("no badge");
        for challenge in &self.0.challenges {
            reply = reply.header("www-authenticate", challenge.as_str());
        }
        reply.trailer("x-behind", self.0.name.as_str()).send(&format!("no-{}", self.0.name))
    }

    fn leave(&self, request: &mut Request) -> Result<()> {
        for trace in &self.0.leaves {
            match trace {
                Trace::Fields => {
                    request.append_header("x-left", &self.0.name)?;
                    request.set_header("x-user", &self.0.name)?;
                    request.remove_header("x-secret")?;
                }
                Trace::Vars => {
                    exchange::set_var("user.id", &self.0.name)?;
                    exchange::set_var(&format!("user.{}", self.0.name), "yes")?;
                    exchange::remove_var("user.before")?;
                }
                Trace::Target => {
                    request.set_path(&format!("/by/{}", self.0.name))?;
                    request.set_query(Some("by=query"))?;
                }
                Trace::Body => request.replace_body(format!("body of {}", self.0.name))?,
                Trace::Pieces => request.rewrite()?,
                Trace::Coding => request.encode(Coding::Gzip, None)?,
            }
        }
        Ok(())
    }
}
