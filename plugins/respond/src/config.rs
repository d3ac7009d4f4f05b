//! The entry's `config`, and what becomes of it.

use serde::Deserialize;
use weir::config::Json;
use weir::{Directory, Faults, config};

use crate::answer::Answer;
use crate::body::{Body, Kind};
use crate::files::config::{Coding, Missing, Written};
use crate::location::Location;
use crate::maintenance::{self, Maintenance};
use crate::written::Pairs;
use crate::{Respond, answer};

/// The entry's `config`.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The status, 200 to 599. By default 200, 302 for a redirect and 503 for maintenance.
    status: Option<u16>,
    /// Header fields; values may have placeholders.
    #[serde(default)]
    headers: Pairs<String>,
    /// The body as it stands.
    body: Option<String>,
    /// The body with placeholders, as `Hello {query:name}`.
    template: Option<String>,
    /// A JSON body; placeholders in its texts.
    json: Option<Json>,
    /// Leads elsewhere.
    redirect: Option<Redirect>,
    /// Tells that it is closed for now, with exceptions.
    maintenance: Option<Closed>,
    /// Sends the files of this folder.
    directory: Option<Directory>,
    /// Names of the files that stand for a folder; the first that is there. By default `index.html`.
    index: Option<Vec<String>>,
    /// A file that is sent, with 200, for what is not there: `/index.html`.
    fallback: Option<String>,
    /// A file that is sent, with 404, for what is not there: `/404.html`.
    not_found: Option<String>,
    /// What becomes of a request for what is not there. By default `not-found`.
    missing: Option<Missing>,
    /// Send files and look into folders whose names begin with a dot.
    hidden: Option<bool>,
    /// Files beside others that hold the same compressed: `app.js.br`. The first that a client takes is sent.
    precompressed: Option<Vec<Coding>>,
    /// Types of files by the endings of their names, besides those that are known.
    types: Option<Pairs<String>>,
    /// `cache-control` by patterns of paths, the first that fits: `/assets/*`, `*.html`, `*`.
    cache_control: Option<Pairs<String>>,
}

/// Leads elsewhere.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redirect {
    /// Where to: a URL or a path; may have placeholders, but not in its host.
    to: String,
    /// Append the query of the request.
    #[serde(default)]
    keep_query: bool,
}

/// Closed for now.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct Closed {
    /// When clients may come again, in whole seconds: `10m`.
    retry_after: Option<config::Duration>,
    /// Addresses and networks that are let in.
    #[serde(default)]
    allow: Vec<String>,
}

/// Of a fixed text.
const LARGEST: usize = 256 << 10;

/// Fields of an answer.
const MOST_HEADERS: usize = 32;

impl Config {
    /// The filter; what is wrong is noted.
    pub(crate) fn into_filter(self, faults: &mut Faults) -> Respond {
        let is_closed = self.maintenance.is_some();
        let has_body = self.body.is_some() || self.template.is_some() || self.json.is_some();
        if self.redirect.is_some() && (is_closed || has_body) {
            let words = "a redirect has no body and is no maintenance page; leave one of them out";
            faults.at("/redirect", words);
        }
        if [self.body.is_some(), self.template.is_some(), self.json.is_some()].into_iter().filter(|is| *is).count() > 1
        {
            faults.at("", "an answer has one body: `body`, `template` or `json`");
        }
        let has_files = self.directory.is_some();
        if has_files && (self.status.is_some() || self.redirect.is_some() || is_closed || has_body) {
            let words =
                "a directory is all that is answered with: leave out `status`, `redirect`, `maintenance` and the body";
            faults.at("/directory", words);
        }
        if self.status.is_none() && self.redirect.is_none() && !is_closed && !has_body && !has_files {
            let words = "nothing says what to answer; write `status`, `body`, `template`, `json`, `redirect`, \
                         `maintenance` or `directory`";
            faults.at("", words);
        }
        let status = status(&self, faults);
        if self.headers.0.len() > MOST_HEADERS {
            faults.at("/headers", "an answer has at most 32 headers of its own");
        }
        let mut headers = answer::headers(&self.headers, faults);
        let files = Written {
            directory: self.directory,
            index: self.index,
            fallback: self.fallback,
            not_found: self.not_found,
            missing: self.missing,
            hidden: self.hidden,
            precompressed: self.precompressed,
            types: self.types,
            cache_control: self.cache_control,
        };
        if has_files && self.headers.header("content-type").is_some() {
            faults.at("/headers/content-type", "files have types by the endings of their names; see `types`");
        }
        let files = files.into_files(if has_files { headers.clone() } else { Vec::new() }, faults);
        let kind = Kind::of(&self.headers);
        let location = self.redirect.map(|redirect| Location::parse(&redirect.to, redirect.keep_query, faults));
        let maintenance = self.maintenance.map(|closed| {
            headers.extend(closed.retry_after.map(|time| maintenance::retry_after(time.get(), faults)));
            Maintenance::new(&closed.allow, faults)
        });
        let body = match (self.body, self.template, self.json) {
            (Some(text), ..) => Body::fixed(text),
            (_, Some(text), _) => Body::template(&text, kind, faults),
            (.., Some(value)) => Body::json(&value, kind, faults),
            _ if is_closed => Body::fixed("Down for maintenance\n".to_owned()),
            _ => Body::default(),
        };
        headers.extend(body.headers(&self.headers));
        if body.length() > LARGEST {
            faults.at("", "the body of an answer has at most 256 KiB");
        }
        if !body.is_empty() && matches!(status, 204 | 205 | 304) {
            faults.at("/status", "an answer with this status has no body");
        }
        Respond { answer: Answer { status, headers, body, location, is_closed }, maintenance, files }
    }
}

fn status(config: &Config, faults: &mut Faults) -> u16 {
    let (default, allowed): (u16, fn(u16) -> bool) = match (&config.redirect, &config.maintenance) {
        (Some(_), _) => (302, |status| matches!(status, 301 | 302 | 303 | 307 | 308)),
        (_, Some(_)) => (503, |status| (400..600).contains(&status)),
        _ => (200, |status| (200..600).contains(&status)),
    };
    let status = config.status.unwrap_or(default);
    if !allowed(status) {
        let words = match (&config.redirect, &config.maintenance) {
            (Some(_), _) => "a redirect has the status 301, 302, 303, 307 or 308",
            (_, Some(_)) => "a maintenance page has a status from 400 to 599, by default 503",
            _ => "a status is a number from 200 to 599",
        };
        faults.at("/status", words);
    }
    status
}
