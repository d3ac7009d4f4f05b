//! `respond`: answers in the upstream's place, with a body that is fixed or has values of the request in it, with a redirect,
//! with a maintenance page, or with the files of a directory. Nothing of a client's can split a header, choose the host of a redirect or become HTML or JSON.

mod answer;
mod body;
mod config;
mod files;
mod fill;
mod location;
mod maintenance;
mod written;

use answer::Answer;
use config::Config;
use files::Files;
use maintenance::Maintenance;
use weir::{Faults, Flow, Refusal, Reply, Request, Result};

struct Respond {
    answer: Answer,
    maintenance: Option<Maintenance>,
    files: Option<Files>,
}

#[weir::filter]
impl Respond {
    fn configure(config: Config) -> std::result::Result<Self, Faults> {
        let mut faults = Faults::default();
        let filter = config.into_filter(&mut faults);
        faults.or(filter)
    }

    fn on_request(&self, request: &Request) -> Result {
        if let Some(files) = &self.files {
            return files.send(request);
        }
        if self.maintenance.as_ref().is_some_and(Maintenance::is_let_in) {
            weir::exchange::note("let-in");
            return Ok(Flow::Next);
        }
        match self.answer.reply(request).map(|reply| reply.send(self.answer.code())) {
            Some(Ok(flow)) => Ok(flow),
            Some(Err(error)) if error.refusal() != Some(Refusal::TooLarge) => Err(error),
            _ => too_long(),
        }
    }
}

/// What the client sent is too long for the place where it goes; that is no failure of the filter.
fn too_long() -> Result {
    Reply::new(431).text("Request Header Fields Too Large\n").send("values-too-long")
}

#[cfg(test)]
mod tests;
