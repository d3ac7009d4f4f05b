//! `weir why`: who decided what about an exchange that is over, from the running proxy.

use std::fmt::Write;

use anyhow::bail;
use clap::Args;
use http::{Method, StatusCode};
use serde_json::Value;

use super::Usage;
use super::admin::{self, ask};

#[derive(Args, Debug)]
pub(super) struct Asked {
    /// The exchange's id, as the response's `x-request-id` or the access record has it; or `last`
    #[arg(value_name = "ID|last")]
    which: String,
    /// With `last`: so many, a line for each, the newest first
    #[arg(value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    count: Option<u16>,
    /// With `last`: only those with this status, as 403 or 4xx
    #[arg(long)]
    status: Option<String>,
    /// With `last`: only those that this filter answered; or `upstream`, `host` or `client`
    #[arg(long)]
    by: Option<String>,
    /// With `last`: only those with this reason
    #[arg(long)]
    reason: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: admin::Options,
}

pub(super) fn why(asked: &Asked) -> anyhow::Result<()> {
    let (status, answer) = ask(&asked.admin, Method::GET, &asked.path()?)?;
    if status != StatusCode::OK {
        bail!("{}", answer["error"].as_str().unwrap_or("the answer has no error"));
    }
    if asked.json {
        println!("{answer:#}");
        return Ok(());
    }
    let stories = list(&answer["stories"]);
    if stories.is_empty() {
        bail!("{}", nothing(&answer["kept"]));
    }
    for story in stories {
        match asked.count {
            Some(_) => println!("{} {}  {}", text(&story["time"]), text(&story["id"]), verdict(story)),
            None => print!("{}", account(story)),
        }
    }
    Ok(())
}

impl Asked {
    fn path(&self) -> Result<String, Usage> {
        let filters = [("status", &self.status), ("by", &self.by), ("reason", &self.reason)];
        let filters = filters.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
        if self.which != "last" {
            let more = filters.map(|(key, _)| key).next().or(self.count.map(|_| "N"));
            return match more {
                Some(more) => Err(Usage(format!("{more} goes with `last`; an id names one exchange"))),
                None => Ok(format!("/why/{}", encode(&self.which))),
            };
        }
        if let Some(status) = self.status.as_ref().filter(|status| !is_status(status)) {
            return Err(Usage(format!("`{status}` is no status; write 403, or 4xx for all of a kind")));
        }
        let mut path = format!("/why?last={}", self.count.unwrap_or(1));
        for (key, value) in filters {
            let _ = write!(path, "&{key}={}", encode(value));
        }
        Ok(path)
    }
}

/// Three digits, or one and `xx`.
fn is_status(text: &str) -> bool {
    let rest = text.strip_prefix(|first: char| ('1'..='5').contains(&first));
    rest.is_some_and(|rest| rest == "xx" || rest.len() == 2 && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Percent-encoded, but for what stands for itself everywhere.
fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Why there is none.
fn nothing(kept: &Value) -> String {
    if kept["sample"].is_null() {
        return "nothing is kept: the configuration has `why: none`".to_owned();
    }
    match kept["refused_or_failed"].as_u64().unwrap_or(0) + kept["sampled"].as_u64().unwrap_or(0) {
        0 => "nothing was refused and nothing failed since the start, and of the rest no sample is kept yet".to_owned(),
        kept => format!("none of the {kept} stories that are kept is such a one"),
    }
}

/// Who decided, in one line.
fn verdict(story: &Value) -> String {
    let status = story["status"].as_u64();
    let mut line = match status {
        Some(status) => format!("{status} by "),
        None => "no answer, ".to_owned(),
    };
    let by = match (text(&story["by"]), &story["upstream"]["name"]) {
        (by, _) if status.is_none() => format!("the {by} had gone"),
        (by, Value::String(upstream)) if by == "upstream" => format!("upstream `{}`", plain(upstream)),
        (by, _) if by == "host" => "weir".to_owned(),
        (by, _) => format!("`{by}`"),
    };
    line += &by;
    if let Some(reason) = some(&story["reason"]) {
        let _ = write!(line, " ({reason})");
    }
    let (method, host, target) = (text(&story["method"]), text(&story["host"]), text(&story["target"]));
    let _ = write!(line, ": {method} {host}{target} for {}, {}", text(&story["client"]), time(&story["ms"]));
    if story["ended"] != "complete" && status.is_some() {
        let _ = write!(line, ", cut short ({})", text(&story["ended"]));
    }
    line
}

/// All that is known.
fn account(story: &Value) -> String {
    let mut shown = format!("{}\n", verdict(story));
    if let Some(detail) = some(&story["detail"]) {
        let _ = writeln!(shown, "  {detail}");
    }
    let named = some(&story["request_id"]).map(|id| format!(" (x-request-id {id})")).unwrap_or_default();
    let (id, at, listener) = (text(&story["id"]), text(&story["time"]), text(&story["listener"]));
    let _ = writeln!(shown, "  exchange {id}{named}, {at}, on `{listener}`");
    for what in ["site", "route"] {
        if story[what].is_object() {
            let _ = writeln!(shown, "  {what} `{}`, {}", text(&story[what]["name"]), text(&story[what]["line"]));
        }
    }
    hooks(story, &mut shown);
    if let Some(upstream) = some(&story["upstream"]["name"]) {
        let _ = writeln!(shown, "  upstream `{upstream}`");
        for one in list(&story["upstream"]["attempts"]) {
            attempt(one, &mut shown);
        }
    }
    if story["response_ms"].is_number() {
        let _ = writeln!(shown, "  the response's head was there after {}", time(&story["response_ms"]));
    }
    let _ = writeln!(shown, "  {} bytes, {} after {}", story["bytes"], text(&story["ended"]), time(&story["ms"]));
    shown
}

/// A line for each hook; then the filters that had none to run.
fn hooks(story: &Value, shown: &mut String) {
    let mut rows: Vec<([String; 4], Option<String>)> = Vec::new();
    let chain = list(&story["chain"]);
    let line = |filter: &Value| {
        let changed = some(&filter["changed"]).map(|changed| format!(", changed in {changed}")).unwrap_or_default();
        format!("{}{changed}", text(&filter["line"]))
    };
    let hooks = list(&story["hooks"]);
    for hook in hooks {
        let filter = &story["chain"][position(hook)];
        // The detail of an answer that stands stands above.
        let below = some(&hook["detail"]).filter(|_| hook["detail"] != story["detail"]);
        rows.push(([text(&hook["filter"]), text(&hook["hook"]), flow(hook, filter), line(filter)], below));
    }
    for (place, filter) in chain.iter().enumerate() {
        if !hooks.iter().any(|hook| position(hook) == place) {
            let why = match enough(story, place) {
                Some(other) => format!("was not asked: its alternative `{}` was enough", text(&other["name"])),
                None if filter["reached"] == true => "had no hook to run".to_owned(),
                None => "was not reached".to_owned(),
            };
            rows.push(([text(&filter["name"]), String::new(), why, line(filter)], None));
        }
    }
    let width = |column: usize| rows.iter().map(|(row, _)| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    for ([filter, hook, flow, line], below) in &rows {
        let _ = writeln!(shown, "  {filter:0$}  {hook:1$}  {flow:2$}  {line}", widths[0], widths[1], widths[2]);
        if let Some(below) = below {
            let _ = writeln!(shown, "    {below}");
        }
    }
    if story["hooks_missed"].as_u64() > Some(0) {
        let _ = writeln!(shown, "  and {} hooks more", story["hooks_missed"]);
    }
}

/// The alternative before the filter at this place that let the request pass.
fn enough(story: &Value, place: usize) -> Option<&Value> {
    let chain = list(&story["chain"]);
    let group = chain[place]["any_of"].as_u64()?;
    let passed = |at: &usize| {
        let let_pass = |hook: &Value| {
            let goes_on = match hook["flow"].as_str() {
                Some("failed" | "quarantine") => chain[*at]["on_failure"] == "open",
                flow => flow == Some("next"),
            };
            position(hook) == *at && (hook["hook"] == "on-request" || hook["hook"] == "on-resume") && goes_on
        };
        list(&story["hooks"]).iter().any(let_pass)
    };
    let before = (0..place).filter(|at| chain[*at]["any_of"] == group);
    before.filter(passed).map(|at| &chain[at]).next()
}

fn position(hook: &Value) -> usize {
    hook["position"].as_u64().and_then(|position| usize::try_from(position).ok()).unwrap_or(usize::MAX)
}

fn flow(hook: &Value, filter: &Value) -> String {
    let reason = some(&hook["reason"]).map(|reason| format!(" ({reason})")).unwrap_or_default();
    let went_on = if filter["on_failure"] == "open" { ", went on without it" } else { "" };
    let mut words = match text(&hook["flow"]).as_str() {
        "except" => return "not run: the path is among its `except`".to_owned(),
        "quarantine" => return format!("not run: in quarantine{went_on}"),
        "unfinished" => return format!("waited since {} when the exchange ended", time(&hook["at_ms"])),
        "failed" => format!("failed{reason}{went_on}"),
        "set-aside" => format!("set aside{reason}"),
        flow => format!("{flow}{reason}"),
    };
    let _ = write!(words, " at {}, took {}", time(&hook["at_ms"]), time(&hook["ms"]));
    if hook["waited_ms"].as_f64() > Some(0.0) {
        let _ = write!(words, ", waited {}", time(&hook["waited_ms"]));
    }
    if let Some(pieces) = hook["pieces"].as_u64() {
        let _ = write!(words, " for {}", super::count(pieces, "piece"));
    }
    words
}

fn attempt(attempt: &Value, shown: &mut String) {
    let connection = if attempt["is_new"] == true { "a new connection" } else { "a kept connection" };
    let _ = write!(shown, "    {} at {}: ", text(&attempt["endpoint"]), time(&attempt["at_ms"]));
    let after = time(&attempt["ms"]);
    let _ = match (attempt["ms"].is_number(), some(&attempt["error"])) {
        (true, None) => writeln!(shown, "answered after {after}, on {connection}"),
        (true, Some(error)) => writeln!(shown, "failed after {after}: {error}"),
        (false, _) => writeln!(shown, "did not answer before the exchange ended"),
    };
}

/// Milliseconds, in words.
fn time(milliseconds: &Value) -> String {
    match milliseconds.as_f64().unwrap_or(0.0) {
        few @ ..1.0 => format!("{:.1} us", few * 1e3),
        some @ ..1000.0 => format!("{some:.1} ms"),
        many => format!("{:.1} s", many / 1e3),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> String {
    some(value).unwrap_or_default()
}

/// Without what a terminal would obey: clients wrote some of it.
fn some(value: &Value) -> Option<String> {
    value.as_str().map(plain)
}

fn plain(text: &str) -> String {
    let escaped = |character: char| {
        if character.is_control() { character.escape_debug().to_string() } else { character.to_string() }
    };
    text.chars().map(escaped).collect()
}
