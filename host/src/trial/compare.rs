//! What came of an exchange beside what was to come.

use http::HeaderMap;

use super::Difference;
use super::matching::{expected, fits, got, list};
use super::seen::{Received, Seen};
use super::stage::words;
use crate::config::cases::{Expect, Flow, Line, Match, Named, Sent, Step, Total};
use crate::config::{Located, Place, Report};
use crate::plugin::{Counted, Value};

/// Differences of one step; `stored` reads a store.
pub(super) fn step(
    step: &Step,
    filter: &str,
    seen: &Seen,
    stored: &dyn Fn(&str, &str) -> Option<Vec<u8>>,
) -> Vec<Difference> {
    let Expect { status, headers, trailers, body, code, detail, ended, upstream, vars, metrics, notes, calls, .. } =
        &step.expect;
    let mut found = Found(Vec::new());
    found.flow(step, filter, seen);
    if let Some(status) = status.as_ref().filter(|status| seen.reply.status.as_u16() != status.value) {
        let because = seen.record.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        found.add(status.place, "status", status.value.to_string(), format!("{}{because}", seen.reply.status.as_u16()));
    }
    found.fields("headers", headers, &seen.reply.headers);
    found.fields("trailers", trailers, &seen.reply.trailers);
    found.value("body", body.as_ref(), Some(&seen.reply.body));
    found.value("reason", code.as_ref(), seen.record.reason.as_deref().map(str::as_bytes));
    found.value("reason.detail", detail.as_ref(), seen.record.detail.as_deref().map(str::as_bytes));
    match ended {
        Some(ended) if ended.value != seen.record.ended => {
            found.add(ended.place, "ended", &ended.value, &seen.record.ended);
        }
        None if seen.record.ended != "complete" && !step.upstream.body.breaks => {
            found.add(step.place, "ended", "complete", &seen.record.ended);
        }
        _ => {}
    }
    if let Some(wanted) = upstream {
        found.upstream(wanted, &seen.received);
    }
    for (name, wanted) in vars {
        let value = seen.vars.iter().find(|(known, _)| *known == name.value).map(|(_, value)| value.as_bytes());
        found.named("vars", name, wanted, value.as_slice());
    }
    for (store, keys) in &step.expect.stored {
        for (key, wanted) in keys {
            let value = stored(&store.value, &key.value);
            found.named(&format!("kv.{}", store.value), key, wanted, value.as_deref().as_slice());
        }
    }
    found.log(step, seen);
    for total in metrics {
        found.total(total, &seen.counted);
    }
    if let Some(notes) = notes {
        let said: Vec<&str> = seen.heard.iter().filter(|heard| heard.is_note()).map(|it| it.text.as_str()).collect();
        if said != notes.value {
            found.add(notes.place, "notes", list(&notes.value), list(said));
        }
    }
    if let Some(calls) = calls {
        found.calls(calls, &seen.calls);
    }
    for odd in &seen.odd {
        found.add(step.place, "http", format!("an answer to {odd}"), "none; write one under `http:`");
    }
    found.0
}

/// Differences between why a configuration was to be refused and why it was.
pub(super) fn refused(expected: &Located<Vec<Located<String>>>, report: &Report) -> Vec<Difference> {
    let mut found = Found(Vec::new());
    let said: Vec<String> = report.faults().iter().map(words).collect();
    let all = || if said.is_empty() { "no fault: the filter takes it".to_owned() } else { list(&said) };
    for wanted in expected.value.iter().filter(|wanted| !said.iter().any(|said| said.contains(&wanted.value))) {
        found.add(wanted.place, "faults", format!("one with `{}` in it", wanted.value), all());
    }
    let is_new = |said: &&String| !expected.value.iter().any(|wanted| said.contains(&wanted.value));
    for more in said.iter().filter(is_new) {
        found.add(expected.place, "faults", "no other fault", more);
    }
    found.0
}

struct Found(Vec<Difference>);

impl Found {
    fn add(&mut self, place: Place, what: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) {
        self.0.push(Difference::new(place, what, expected, got));
    }

    fn value(&mut self, what: &str, wanted: Option<&Located<Match>>, value: Option<&[u8]>) {
        if let Some(Located { value: wanted, place }) = wanted
            && !fits(wanted, value.as_slice())
        {
            self.add(*place, what, expected(wanted), got(wanted, value.as_slice()));
        }
    }

    fn named(&mut self, what: &str, name: &Located<String>, wanted: &Match, values: &[&[u8]]) {
        if !fits(wanted, values) {
            self.add(name.place, format!("{what}.{}", name.value), expected(wanted), got(wanted, values));
        }
    }

    fn fields(&mut self, what: &str, wanted: &[Named], headers: &HeaderMap) {
        for (name, wanted) in wanted {
            let values: Vec<&[u8]> =
                headers.get_all(name.value.as_str()).iter().map(http::HeaderValue::as_bytes).collect();
            self.named(what, name, wanted, &values);
        }
    }

    /// What the filter did, and that it did not fail where nobody expects it.
    fn flow(&mut self, step: &Step, filter: &str, seen: &Seen) {
        let failure = seen.heard.iter().find(|heard| heard.failure().is_some());
        // A filter that panics says why before.
        let why = seen.heard.iter().filter(|heard| heard.is_line() && heard.level == "error");
        let why: String = why.map(|heard| format!("{}; ", heard.text)).collect();
        let said = failure.map(|heard| format!("{why}{}", heard.text));
        let flow = match &said {
            Some(_) => Flow::Failed,
            None if seen.record.by == filter => Flow::Answer,
            None => Flow::Next,
        };
        let in_words = |flow| match flow {
            Flow::Next => "next",
            Flow::Answer => "answer",
            Flow::Failed => "failed",
        };
        let Expect { flow: wanted, failure: wanted_failure, .. } = &step.expect;
        let is_expected =
            wanted.as_ref().is_some_and(|wanted| wanted.value == Flow::Failed) || wanted_failure.is_some();
        if let Some(wanted) = wanted.as_ref().filter(|wanted| wanted.value != flow) {
            let got = said.as_ref().map_or_else(|| in_words(flow).to_owned(), |said| format!("failed: {said}"));
            self.add(wanted.place, "flow", in_words(wanted.value), got);
        } else if let Some(said) = said.filter(|_| !is_expected) {
            self.add(step.place, "failure", "none", said);
        }
        let kind = failure.and_then(|heard| heard.failure());
        if let Some(wanted) = wanted_failure.as_ref().filter(|wanted| kind != Some(wanted.value.as_str())) {
            self.add(wanted.place, "failure", &wanted.value, kind.unwrap_or("none"));
        }
    }

    fn upstream(&mut self, wanted: &Located<Option<Sent>>, received: &[Received]) {
        match (&wanted.value, received.first()) {
            (None, Some(received)) => {
                self.add(wanted.place, "upstream", "no request", format!("{} {}", received.method, received.path));
            }
            (Some(_), None) => self.add(wanted.place, "upstream", "a request", "none"),
            (Some(sent), Some(received)) => self.sent("upstream", sent, received),
            (None, None) => {}
        }
    }

    fn sent(&mut self, what: &str, wanted: &Sent, received: &Received) {
        let upstream = received.upstream.as_deref().map(str::as_bytes);
        self.value(&format!("{what}.upstream"), wanted.upstream.as_ref(), upstream);
        self.value(&format!("{what}.method"), wanted.method.as_ref(), Some(received.method.as_bytes()));
        self.value(&format!("{what}.path"), wanted.path.as_ref(), Some(received.path.as_bytes()));
        self.fields(&format!("{what}.headers"), &wanted.headers, &received.headers);
        self.value(&format!("{what}.body"), wanted.body.as_ref(), Some(&received.body));
    }

    fn calls(&mut self, wanted: &Located<Vec<Sent>>, calls: &[Received]) {
        if wanted.value.len() != calls.len() {
            let made = calls.iter().map(|call| {
                format!("{} {} of {}", call.method, call.path, call.upstream.as_deref().unwrap_or_default())
            });
            self.add(wanted.place, "calls", format!("{} of them", wanted.value.len()), list(made));
            return;
        }
        for (index, (wanted, call)) in wanted.value.iter().zip(calls).enumerate() {
            self.sent(&format!("calls.{index}"), wanted, call);
        }
    }

    /// Lines that were to be logged, in order; and no error that was not.
    fn log(&mut self, step: &Step, seen: &Seen) {
        let mut lines = seen.heard.iter().filter(|heard| heard.is_line());
        let mut met = Vec::new();
        for wanted in &step.expect.log {
            match lines.find(|heard| is_line(wanted, &heard.level, &heard.text)) {
                Some(heard) => met.push(std::ptr::from_ref(heard)),
                None => {
                    let level = wanted.level.as_deref().unwrap_or("any level");
                    let said =
                        seen.heard.iter().filter(|it| it.is_line()).map(|it| format!("{}: {}", it.level, it.text));
                    self.add(wanted.place, "log", format!("{level}: {}", expected(&wanted.text)), list(said));
                    return;
                }
            }
        }
        if seen.heard.iter().any(|heard| heard.failure().is_some()) {
            return;
        }
        let errors = seen.heard.iter().filter(|heard| heard.is_line() && heard.level == "error");
        for error in errors.filter(|error| !met.contains(&std::ptr::from_ref(*error))) {
            self.add(step.place, "log", "no error that `log:` does not name", &error.text);
        }
    }

    fn total(&mut self, wanted: &Total, counted: &[Counted]) {
        let what = format!("metrics.{}", wanted.name.value);
        let place = wanted.value.place;
        let Some((metric, series)) = counted.iter().find(|(metric, _)| metric.name == wanted.name.value) else {
            let names = list(counted.iter().map(|(metric, _)| metric.name.as_str()));
            return self.add(wanted.name.place, what, "a metric of the filter's", format!("it has {names}"));
        };
        let is_meant = |values: &[String]| {
            wanted.labels.iter().flatten().all(|(name, value)| {
                let at = metric.labels.iter().position(|label| label == name);
                at.and_then(|at| values.get(at)) == Some(value)
            })
        };
        let sum: f64 = series.iter().filter(|(labels, _)| is_meant(labels)).map(|(_, value)| number(value)).sum();
        if wanted.value.value.parse::<f64>().is_ok_and(|value| (value - sum).abs() <= 1e-9 * value.abs().max(1.0)) {
            return;
        }
        let each = series.iter().map(|(labels, value)| format!("{} {}", labels.join(","), number(value)));
        self.add(place, what, &wanted.value.value, format!("{sum}: {}", list(each)));
    }
}

fn is_line(wanted: &Line, level: &str, text: &str) -> bool {
    wanted.level.as_deref().is_none_or(|wanted| wanted == level) && fits(&wanted.text, &[text.as_bytes()])
}

/// A counter's sum, a gauge's last value, how many a histogram has.
#[expect(clippy::cast_precision_loss, reason = "cases count what can be counted on fingers")]
fn number(value: &Value) -> f64 {
    match value {
        Value::Counter(sum) => *sum as f64,
        Value::Gauge(last) => *last,
        Value::Histogram(buckets, _) => buckets.iter().sum::<u64>() as f64,
    }
}
