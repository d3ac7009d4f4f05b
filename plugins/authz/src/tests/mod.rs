//! Who may do what, under the host of a test.

mod config;
mod endpoint;
mod reference;
mod rules;
mod servers;
mod spellings;

use weir::Flow;
use weir::testing::Host;

use crate::Authz;

/// A filter of this configuration.
fn filter(config: &str) -> Authz {
    Host::new().configure(config).unwrap_or_else(|faults| panic!("{config}: {faults:?}"))
}

/// A request: variables, method and path.
fn ask(filter: &Authz, vars: &[(&str, &str)], method: &str, path: &str) -> Host {
    let mut host = Host::new();
    host.request.method(method).path(path);
    host.vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    host.on_request(filter);
    host
}

/// The reason of the refusal, or what is noted about what goes on.
fn said(host: &Host) -> String {
    match &host.reply {
        Some(reply) => reply.code.clone(),
        None => host.notes.concat(),
    }
}

/// Method and path, and what is said of them.
fn says(config: &str, vars: &[(&str, &str)], requests: &[(&str, &str, &str)]) {
    let filter = filter(config);
    for (method, path, wanted) in requests {
        assert_eq!(said(&ask(&filter, vars, method, path)), *wanted, "{method} {path} by {vars:?} with {config}");
    }
}

#[test]
fn what_goes_on_is_as_it_was() {
    let filter = filter(r#"{"rules": [{"paths": ["/*"]}]}"#);
    let mut host = Host::new();
    host.request.header("x-a", "1");
    assert_eq!(host.on_request(&filter), Flow::Next);
    assert_eq!((host.request.get("x-a"), host.reply.is_none(), host.vars.len()), (Some("1"), true, 0));
}
