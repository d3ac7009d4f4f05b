//! `weir why`: who decided what about an exchange that is over, from the running proxy.

use std::fmt::Write;

use anyhow::bail;
use clap::Args;
use http::{Method, StatusCode};

use super::Usage;
use super::admin::{self, ask};
use crate::admin::{Account, Attempt, Hook, Kept, Told};

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

pub(super) fn why(options: &Asked) -> anyhow::Result<()> {
    let (status, answer) = ask(&options.admin, Method::GET, &options.path()?)?;
    if options.json && status == StatusCode::OK {
        println!("{answer:#}");
        return Ok(());
    }
    match status {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => match serde_json::from_value(answer["kept"].clone()) {
            Ok(kept) => bail!("{}", unknown(&options.which, &kept)),
            Err(_) => bail!("the running proxy knows no `why`: it is an older weir"),
        },
        _ => bail!("{}", answer["error"].as_str().unwrap_or("the answer has no error")),
    }
    let Told { stories, kept } = serde_json::from_value(answer)?;
    if stories.is_empty() {
        bail!("{}", nothing(&kept));
    }
    if options.count.is_some() {
        for story in &stories {
            println!("{} {}  {}", story.time, story.id, verdict(story));
        }
        return Ok(());
    }
    for story in &stories {
        print!("{}", account(story));
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
        let mut path = format!("/why?last={}", self.count.unwrap_or(1));
        for (key, value) in filters {
            let _ = write!(path, "&{key}={}", encode(value));
        }
        Ok(path)
    }
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

/// Why a story may not be there, and what to do.
fn unknown(id: &str, kept: &Kept) -> String {
    let Some(sample) = kept.sample else {
        return format!("no story of {id} is kept, nor of any other: the configuration has `why: none`");
    };
    let samples = match sample {
        0 => "of exchanges that went well none is kept (`why: { sample: 1 }` keeps all)".to_owned(),
        1 => "exchanges that went well are kept, too, until newer ones need the room".to_owned(),
        sample => format!("of exchanges that went well one in {sample} is kept (`why: {{ sample: 1 }}` keeps all)"),
    };
    format!(
        "no story of {id} is kept\n\
         - {samples}\n\
         - of refusals and failures there are {} now; {} had to make room for newer ones, or came too many at once \
         (`why: {{ keep: ... }}`)\n\
         - it may be of another process, or of before a restart; the access log, unless it is off, has every exchange: look for the id there",
        kept.refused_or_failed, kept.gone
    )
}

fn nothing(kept: &Kept) -> String {
    match kept {
        Kept { sample: None, .. } => "nothing is kept: the configuration has `why: none`".to_owned(),
        Kept { refused_or_failed: 0, sampled: 0, .. } => {
            "nothing was refused and nothing failed since the start, and of the rest no sample is kept yet".to_owned()
        }
        Kept { refused_or_failed, sampled, .. } => {
            format!("none of the {} stories that are kept is such a one", refused_or_failed + sampled)
        }
    }
}

/// Who decided, in one line.
fn verdict(story: &Account) -> String {
    let mut line = match story.status {
        Some(status) => format!("{status} by "),
        None => "no answer, ".to_owned(),
    };
    let upstream = story.upstream.as_ref();
    match (story.by.as_str(), upstream) {
        ("client", _) if story.status.is_none() => line += "the client had gone",
        ("upstream", Some(upstream)) => {
            let _ = write!(line, "upstream `{}`", plain(&upstream.name));
        }
        ("host", _) => line += "weir",
        (filter, _) => {
            let _ = write!(line, "`{}`", plain(filter));
        }
    }
    if let Some(reason) = &story.reason {
        let _ = write!(line, " ({})", plain(reason));
    }
    let host = story.host.as_deref().unwrap_or_default();
    let _ = write!(
        line,
        ": {} {}{} for {}, {}",
        plain(&story.method),
        plain(host),
        plain(&story.target),
        story.client,
        time(story.ms)
    );
    if story.ended != "complete" && story.status.is_some() {
        let _ = write!(line, ", cut short ({})", story.ended);
    }
    line
}

/// All that is known.
fn account(story: &Account) -> String {
    let mut text = format!("{}\n", verdict(story));
    if let Some(detail) = &story.detail {
        let _ = writeln!(text, "  {}", plain(detail));
    }
    let named = story.request_id.as_ref().map(|id| format!(" (x-request-id {})", plain(id))).unwrap_or_default();
    let _ = writeln!(text, "  exchange {}{named}, {}, on `{}`", story.id, story.time, plain(&story.listener));
    for (what, place) in [("site", &story.site), ("route", &story.route)] {
        if let Some(place) = place {
            let _ = writeln!(text, "  {what} `{}`, {}", plain(&place.name), plain(&place.line));
        }
    }
    hooks(story, &mut text);
    if let Some(upstream) = &story.upstream {
        let _ = writeln!(text, "  upstream `{}`", plain(&upstream.name));
        upstream.attempts.iter().for_each(|one| attempt(one, &mut text));
    }
    if let Some(head) = story.response_ms {
        let _ = writeln!(text, "  the response's head was there after {}", time(head));
    }
    let _ = writeln!(text, "  {} bytes, {} after {}", story.bytes, story.ended, time(story.ms));
    text
}

/// A line for each hook; then the filters that had none to run.
fn hooks(story: &Account, text: &mut String) {
    let mut rows: Vec<([String; 4], Vec<String>)> = Vec::new();
    let line = |position: usize| {
        let filter = story.chain.get(position);
        let changed = filter.and_then(|filter| filter.changed.as_ref());
        let changed = changed.map(|changed| format!(", changed in {}", plain(changed))).unwrap_or_default();
        filter.map(|filter| format!("{}{changed}", plain(&filter.line))).unwrap_or_default()
    };
    for hook in &story.hooks {
        let is_open = story.chain.get(hook.position).is_some_and(|filter| filter.on_failure == "open");
        let mut below = Vec::new();
        // An answer's detail that stands stands above.
        if let Some(detail) = hook.detail.as_ref().filter(|detail| story.detail.as_ref() != Some(*detail)) {
            below.push(plain(detail));
        }
        let row = [plain(&hook.filter), hook.hook.clone(), flow(hook, is_open), line(hook.position)];
        rows.push((row, below));
    }
    for (position, filter) in story.chain.iter().enumerate() {
        if !story.hooks.iter().any(|hook| hook.position == position) {
            let why = if filter.reached { "had no hook to run" } else { "was not reached" };
            rows.push(([plain(&filter.name), String::new(), why.to_owned(), line(position)], Vec::new()));
        }
    }
    let width = |column: usize| rows.iter().map(|(row, _)| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    for ([filter, hook, flow, line], below) in &rows {
        let _ = writeln!(text, "  {filter:0$}  {hook:1$}  {flow:2$}  {line}", widths[0], widths[1], widths[2]);
        for line in below {
            let _ = writeln!(text, "    {line}");
        }
    }
    if story.hooks_missed > 0 {
        let _ = writeln!(text, "  and {} hooks more", story.hooks_missed);
    }
}

fn flow(hook: &Hook, is_open: bool) -> String {
    let reason = hook.reason.as_ref().map(|reason| format!(" ({})", plain(reason))).unwrap_or_default();
    let went_on = if is_open { ", went on without it" } else { "" };
    let mut words = match hook.flow.as_str() {
        "except" => return "not run: the path is among its `except`".to_owned(),
        "quarantine" => return format!("not run: in quarantine{went_on}"),
        "unfinished" => return format!("waited since {} when the exchange ended", time(hook.at_ms)),
        "failed" => format!("failed{reason}{went_on}"),
        flow => format!("{flow}{reason}"),
    };
    let _ = write!(words, " at {}, took {}", time(hook.at_ms), time(hook.ms));
    if hook.waited_ms > 0.0 {
        let _ = write!(words, ", waited {}", time(hook.waited_ms));
    }
    if let Some(pieces) = hook.pieces {
        let _ = write!(words, " for {}", super::count(pieces, "piece"));
    }
    words
}

fn attempt(attempt: &Attempt, text: &mut String) {
    let connection = if attempt.is_new { "a new connection" } else { "a kept connection" };
    let _ = write!(text, "    {} at {}: ", plain(&attempt.endpoint), time(attempt.at_ms));
    let _ = match (attempt.ms, &attempt.error) {
        (Some(ms), None) => writeln!(text, "answered after {}, on {connection}", time(ms)),
        (Some(ms), Some(error)) => writeln!(text, "failed after {}: {}", time(ms), plain(error)),
        (None, _) => writeln!(text, "did not answer before the exchange ended"),
    };
}

/// Milliseconds, in words.
fn time(milliseconds: f64) -> String {
    match milliseconds {
        ..1.0 => format!("{:.1} us", milliseconds * 1e3),
        ..1000.0 => format!("{milliseconds:.1} ms"),
        _ => format!("{:.1} s", milliseconds / 1e3),
    }
}

/// Without what a terminal would obey: clients wrote some of it.
fn plain(text: &str) -> String {
    let escaped = |character: char| {
        if character.is_control() { character.escape_debug().to_string() } else { character.to_string() }
    };
    text.chars().map(escaped).collect()
}
