//! The spans of an exchange: one for itself, and below it one for each hook that ran and each endpoint that was asked.

use std::net::IpAddr;
use std::time::{Duration, UNIX_EPOCH};

use super::super::story::{Attempt, Step, Story};
use super::otlp::{Batch, Kind, Span};
use super::tracer::Trace;

/// Methods that stand in the names of spans; others are anybody's to invent.
const METHODS: [&str; 10] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"];

/// An exchange that is over and that is traced.
#[derive(Debug)]
pub struct Exchange {
    /// Its place in its trace.
    pub trace: Trace,
    /// What vendors keep beside it.
    pub state: String,
    /// What happened.
    pub story: Story,
    /// As a URL names it.
    pub scheme: &'static str,
    /// Of HTTP, as in `1.1`.
    pub version: &'static str,
    /// Who connected.
    pub peer: IpAddr,
    /// What the client says about itself.
    pub agent: Option<String>,
}

impl Exchange {
    /// Bytes that it takes in memory, about.
    pub fn size(&self) -> usize {
        let texts = self.state.len() + self.agent.as_ref().map_or(0, String::len);
        size_of::<Self>() + texts + self.story.size()
    }

    /// How many spans it has.
    pub fn spans(&self) -> u64 {
        1 + self.steps().count() as u64 + self.story.attempts.len() as u64
    }

    /// What filters did. Those that were not called left no span.
    fn steps(&self) -> impl Iterator<Item = (usize, &Step)> {
        self.story.steps.iter().enumerate().filter(|(_, step)| step.flow != "except")
    }

    /// Adds its spans.
    pub fn write(&self, batch: &mut Batch) {
        self.server(batch);
        for (number, step) in self.steps() {
            self.hook(batch, number, step);
        }
        for attempt in &self.story.attempts {
            self.attempt(batch, attempt);
        }
    }

    /// Nanoseconds since 1970, so long after its begin.
    fn at(&self, offset: Duration) -> u64 {
        let time = self.story.time.duration_since(UNIX_EPOCH).unwrap_or_default() + offset;
        u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
    }

    fn span(&self, kind: Kind, id: u64, name: String, began: Duration, took: Duration) -> Span<'_> {
        Span {
            trace: self.trace.id,
            id,
            parent: self.trace.span,
            is_remote: false,
            flags: self.trace.flags,
            state: &self.state,
            name,
            kind,
            began: self.at(began),
            ended: self.at(began + took),
            failed: None,
        }
    }

    /// The method, if it is a known one.
    fn method(&self) -> Option<&str> {
        METHODS.contains(&self.story.method.as_str()).then_some(&self.story.method)
    }

    fn server(&self, batch: &mut Batch) {
        let story = &self.story;
        let method = self.method().unwrap_or("HTTP");
        let name = if story.route.is_empty() { method.to_owned() } else { format!("{method} {}", story.route) };
        let status = story.status.map(|status| status.to_string()).unwrap_or_default();
        let failed = match (story.status, story.ended) {
            (Some(500..), _) if story.reason.is_empty() => Some(status.as_str()),
            (Some(500..), _) => Some(story.reason.as_str()),
            (_, "complete") => None,
            (_, ended) => Some(ended),
        };
        let span = Span {
            parent: self.trace.parent,
            is_remote: true,
            // A client that goes away is no failure of this side.
            failed: failed.filter(|why| *why != "client-gone").map(|_| story.detail.as_str()),
            ..self.span(Kind::Server, self.trace.span, name, Duration::ZERO, story.duration)
        };
        batch.add(&span, |span| {
            let mut attributes = span.attributes();
            match self.method() {
                Some(method) => attributes.text("http.request.method", method),
                None => {
                    attributes.text("http.request.method", "_OTHER");
                    attributes.text("http.request.method_original", &story.method);
                }
            }
            attributes.text("url.path", story.target.split('?').next().unwrap_or_default());
            attributes.text("url.scheme", self.scheme);
            if let Some(host) = &story.host {
                let (name, port) = authority(host);
                attributes.text("server.address", name);
                if let Some(port) = port {
                    attributes.number("server.port", port.into());
                }
            }
            attributes.display("client.address", story.client);
            attributes.display("network.peer.address", self.peer);
            attributes.text("network.protocol.version", self.version);
            attributes.said("http.route", &story.route);
            attributes.said("user_agent.original", self.agent.as_deref().unwrap_or_default());
            if let Some(status) = story.status {
                attributes.number("http.response.status_code", status.into());
            }
            attributes.number("http.response.body.size", story.sent);
            attributes.said("error.type", failed.unwrap_or_default());
            attributes.text("weir.exchange.id", &format!("{:032x}", story.id));
            attributes.said("weir.exchange.named", story.named.as_deref().unwrap_or_default());
            attributes.text("weir.listener", &story.listener);
            attributes.said("weir.site", &story.site);
            attributes.said("weir.upstream", &story.upstream);
            attributes.text("weir.by", &story.by);
            attributes.said("weir.reason", &story.reason);
            attributes.said("weir.detail", &story.detail);
            attributes.text("weir.ended", story.ended);
            if story.missed > 0 {
                attributes.number("weir.hooks.missed", story.missed as u64);
            }
            if let Some(until) = story.until_response {
                span.event("response", self.at(until), |_| {});
            }
        });
    }

    fn hook(&self, batch: &mut Batch, number: usize, step: &Step) {
        let link = self.story.served.as_ref().and_then(|served| served.chain.get(step.position));
        let filter = link.map_or("", |link| &link.name);
        let has_failed = matches!(step.flow, "failed" | "quarantine");
        let took = step.spent + step.waited;
        let name = format!("{filter} {}", step.hook);
        let span = Span {
            failed: has_failed.then_some(&step.detail),
            ..self.span(Kind::Internal, self.trace.hook(number), name, step.began, took)
        };
        batch.add(&span, |span| {
            let mut attributes = span.attributes();
            attributes.text("weir.filter", filter);
            attributes.text("weir.hook", step.hook);
            attributes.text("weir.flow", step.flow);
            attributes.said("weir.reason", &step.reason);
            attributes.said("weir.detail", &step.detail);
            if let Some(link) = link {
                attributes.display("weir.config", &link.line);
            }
            if has_failed {
                attributes.text("error.type", if step.reason.is_empty() { step.flow } else { &step.reason });
            }
            attributes.number("weir.thread_ns", u64::try_from(step.spent.as_nanos()).unwrap_or(u64::MAX));
            if step.pieces > 0 {
                attributes.number("weir.pieces", step.pieces);
            }
            let end = self.at(step.began + took);
            if !step.waited.is_zero() {
                span.event("waited", end, |attributes| {
                    let waited = u64::try_from(step.waited.as_nanos()).unwrap_or(u64::MAX);
                    attributes.number("weir.waited_ns", waited);
                });
            }
            if step.flow == "pause" {
                span.event("paused", end, |_| {});
            }
        });
    }

    fn attempt(&self, batch: &mut Batch, attempt: &Attempt) {
        let method = self.method().unwrap_or("HTTP").to_owned();
        // One without an end was given up at the end of the exchange.
        let took = attempt.took.unwrap_or_else(|| self.story.duration.saturating_sub(attempt.began));
        let status = attempt.status.filter(|status| *status >= 400).map(|status| status.to_string());
        let failed = attempt.failed.or(status.as_deref());
        let span = Span {
            failed: failed.map(|_| attempt.error.as_deref().unwrap_or_default()),
            ..self.span(Kind::Client, self.trace.attempt(attempt.number), method, attempt.began, took)
        };
        batch.add(&span, |span| {
            let mut attributes = span.attributes();
            attributes.text("http.request.method", self.method().unwrap_or("_OTHER"));
            let (name, port) = authority(&attempt.endpoint);
            attributes.text("server.address", name);
            if let Some(port) = port {
                attributes.number("server.port", port.into());
            }
            if attempt.number > 0 {
                attributes.number("http.request.resend_count", attempt.number as u64);
            }
            if let Some(status) = attempt.status {
                attributes.number("http.response.status_code", status.into());
            }
            attributes.said("error.type", failed.unwrap_or_default());
            attributes.text("weir.upstream", &self.story.upstream);
            attributes.flag("weir.connection.new", attempt.is_new);
        });
    }
}

/// Name and port of `host:port`, `[::1]:80` or `host`.
fn authority(text: &str) -> (&str, Option<u16>) {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, port.parse().ok()),
        _ => (text, None),
    };
    (name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name), port)
}
