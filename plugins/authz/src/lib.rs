//! `authz`: says who may do what, by rules about methods, paths, roles and variables, by asking a policy endpoint, or both.
//! What is not allowed is refused, and what cannot be decided, too.

mod answer;
mod caller;
mod config;
mod policy;
mod rules;

use answer::{Answers, Refusal};
use caller::{Caller, Names};
use config::Config;
use policy::{Endpoint, Said};
use rules::{Rules, Verdict};
use weir::{Faults, Flow, Request, Result, exchange};

struct Authz {
    rules: Rules,
    endpoint: Option<Endpoint>,
    names: Names,
    answers: Answers,
    refuses_overrides: bool,
    /// Whether a rule or the endpoint looks at paths.
    reads_paths: bool,
    is_dry: bool,
}

/// Headers in which some servers find the method that counts, and rules would look at the other one. Servers of the CGI kind
/// take an underscore for a hyphen.
const OVERRIDES: [&str; 6] = [
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x_http_method_override",
    "x_http_method",
    "x_method_override",
];

#[weir::filter]
impl Authz {
    fn configure(config: Config) -> std::result::Result<Self, Faults> {
        let mut faults = Faults::default();
        let filter = config.into_filter(&mut faults);
        faults.or(filter)
    }

    fn on_request(&self, request: &mut Request) -> Result {
        let caller = Caller::new(&self.names);
        match self.decide(request, &caller)? {
            Ok(note) => {
                exchange::note(note);
                Ok(Flow::Next)
            }
            Err(refusal) if self.is_dry => {
                self.answers.tell(&refusal);
                Ok(Flow::Next)
            }
            Err(refusal) => self.answers.send(refusal),
        }
    }
}

impl Authz {
    /// What is to be noted about what goes on, or why it does not.
    fn decide<'a>(
        &'a self,
        request: &mut Request,
        caller: &Caller<'_>,
    ) -> Result<std::result::Result<&'a str, Refusal<'a>>> {
        let method = request.method();
        if self.refuses_overrides
            && method.eq_ignore_ascii_case("POST")
            && let Some(name) = OVERRIDES.into_iter().find(|name| request.header(name).is_some())
        {
            return Ok(Err(Refusal::Override(name)));
        }
        let path = self.reads_paths.then(|| request.path());
        let note = match self.rules.decide(&method, path.as_deref(), caller) {
            Verdict::Allowed(rule) => rule,
            Verdict::Open => "default-allow",
            Verdict::Denied(rule) => return Ok(Err(Refusal::Denied(rule))),
            Verdict::Ambiguous(why) => return Ok(Err(Refusal::Ambiguous(why))),
            Verdict::Unruled => {
                let roles = caller.roles();
                let who = if roles.is_empty() { "nobody with a role".to_owned() } else { roles.join(", ") };
                return Ok(Err(Refusal::NoRule(["no rule allows ", &method, " by ", &who].concat())));
            }
        };
        let Some(endpoint) = &self.endpoint else { return Ok(Ok(note)) };
        let decision = match endpoint.ask(request, &self.names, caller)? {
            Said::Decision(decision) => decision,
            Said::Failed(why) => return Ok(Err(Refusal::Failed(why))),
        };
        if !decision.allow {
            return Ok(Err(Refusal::Policy(decision.reason, decision.headers)));
        }
        for (name, value) in decision.headers {
            request.set_header(&name, value)?;
        }
        Ok(Ok("policy-allowed"))
    }
}

#[cfg(test)]
mod tests;
