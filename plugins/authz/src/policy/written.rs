//! The endpoint as operators write it, and what is wrong with it.

use std::time::Duration;

use serde::Deserialize;
use weir::source::Source;
use weir::{Faults, Store, Upstream, config, fields, setup};

use super::Endpoint;
use super::question::Question;
use crate::caller::Names;

/// Who is asked, and what.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    /// The upstream that decides.
    upstream: Upstream,
    /// Path and query that are asked by POST.
    path: String,
    /// What stands around the question: nothing, or `input` as Open Policy Agent wants it.
    #[serde(default)]
    #[weir(default = "none")]
    wrap: Wrap,
    /// What of the request is sent beside method, scheme, host and path.
    #[serde(default)]
    send: Sent,
    /// How long an answer may take, up to 30s.
    #[serde(default = "two_seconds")]
    #[weir(default = "2s")]
    timeout: config::Duration,
    /// The longest time for which a decision is kept, if its `Cache-Control` lets it be kept; `0s` keeps none.
    #[serde(default = "minute")]
    #[weir(default = "1m")]
    cache: config::Duration,
    /// Where decisions are kept.
    #[serde(default)]
    store: Store,
    /// Headers of a decision that allows, for the upstream. No client can send them.
    #[serde(default)]
    forward_headers: Vec<String>,
    /// Headers of a decision that denies, for the client.
    #[serde(default)]
    answer_headers: Vec<String>,
}

/// What stands around a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, weir::Config)]
#[serde(rename_all = "kebab-case")]
enum Wrap {
    #[default]
    None,
    Input,
}

/// What of the request is sent.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields, default)]
struct Sent {
    /// Variables.
    #[weir(default = ["user.id", "auth.method", "auth.roles", "auth.role", "auth.scope"])]
    vars: Vec<String>,
    /// Headers.
    headers: Vec<String>,
    /// The query.
    query: bool,
    /// The client's address.
    client: bool,
}

impl Default for Sent {
    fn default() -> Self {
        let vars = ["user.id", "auth.method", "auth.roles", "auth.role", "auth.scope"].map(str::to_owned).into();
        Self { vars, headers: Vec::new(), query: false, client: false }
    }
}

fn two_seconds() -> config::Duration {
    Duration::from_secs(2).into()
}

fn minute() -> config::Duration {
    Duration::from_secs(60).into()
}

/// Names in one list.
const MOST: usize = 32;

impl Written {
    /// The endpoint; what is wrong is noted.
    pub(crate) fn into_endpoint(self, names: &mut Names, faults: &mut Faults) -> Option<Endpoint> {
        let is_target = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
        if !self.path.starts_with('/') || !self.path.bytes().all(is_target) {
            faults.at("/endpoint/path", "a path begins with `/` and has no spaces: /authorize");
        }
        if !(Duration::from_millis(1)..=Duration::from_secs(30)).contains(&self.timeout.get()) {
            faults.at("/endpoint/timeout", "an answer may take from 1ms to 30s");
        }
        if self.cache.get() > Duration::from_hours(24) {
            faults.at("/endpoint/cache", "a decision is kept for at most 24h");
        }
        for (index, var) in self.send.vars.iter().enumerate() {
            if !matches!(Source::parse(var), Ok(Source::Var(_))) {
                let message = ["`", var, "` is not a variable's name; those are as in user.id"].concat();
                faults.at(&["/endpoint/send/vars/", &index.to_string()].concat(), &message);
            }
        }
        let forwarded = headers(&self.forward_headers, "/endpoint/forward_headers", faults);
        let answered = headers(&self.answer_headers, "/endpoint/answer_headers", faults);
        let sent = headers(&self.send.headers, "/endpoint/send/headers", faults);
        if self.send.vars.len() > MOST {
            faults.at("/endpoint/send/vars", "at most 32 variables are sent");
        }
        for (index, name) in forwarded.iter().enumerate() {
            let pointer = ["/endpoint/forward_headers/", &index.to_string()].concat();
            if CREDENTIALS.contains(&name.as_str()) {
                faults.at(&pointer, "clients send their credentials in it, which would be gone; choose another header");
            } else if let Err(refusal) = setup::own_header(name) {
                faults.at(&pointer, &["the host does not keep it for the filter: ", refusal.name()].concat());
            }
        }
        let decisions = match setup::counter("policy", "Decisions of the policy endpoint", ["decision", "from"]) {
            Ok(decisions) => decisions,
            Err(refusal) => {
                faults.at("/endpoint", &["the host does not count its decisions: ", refusal.name()].concat());
                return None;
            }
        };
        let identity = [self.upstream.name(), &self.path, &forwarded.join(","), &answered.join(",")].join("\n") + "\n";
        Some(Endpoint {
            upstream: self.upstream,
            path: self.path,
            timeout: self.timeout.get(),
            longest: self.cache.get(),
            store: self.store,
            question: Question {
                vars: self
                    .send
                    .vars
                    .into_iter()
                    .map(|name| (names.number(&name), name))
                    .map(|(n, name)| (name, n))
                    .collect(),
                headers: sent,
                has_query: self.send.query,
                has_client: self.send.client,
                is_input: self.wrap == Wrap::Input,
            },
            forwarded,
            answered,
            identity,
            decisions,
        })
    }
}

/// Headers by which clients prove who they are to others than this filter.
const CREDENTIALS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// The names in small letters; what is wrong with them is noted.
fn headers(names: &[String], pointer: &str, faults: &mut Faults) -> Vec<String> {
    if names.len() > MOST {
        faults.at(pointer, "at most 32 headers stand here");
    }
    for (index, name) in names.iter().enumerate() {
        fields::check_name(faults, &[pointer, "/", &index.to_string()].concat(), name);
    }
    names.iter().map(|name| name.to_ascii_lowercase()).collect()
}
