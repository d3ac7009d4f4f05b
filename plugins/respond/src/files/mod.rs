//! Files of a directory. Which of them a request is for, and with which fields each is sent, is decided here; finding,
//! opening and sending them, with conditions and ranges, is the host's.

mod accepts;
mod cache;
pub(crate) mod config;
mod path;
mod types;

use weir::escape::{self, Destination};
use weir::files::{Directory, File};
use weir::{Flow, Reply, Request, Result};

use crate::answer::Field;
use crate::fill::fill;
use cache::CacheControl;
use config::Coding;
use path::Below;
use types::Types;

/// What is served, and how.
pub(crate) struct Files {
    directory: Directory,
    index: Vec<String>,
    /// Sent in place of what is not there, with this status.
    instead: Option<(String, u16)>,
    goes_on: bool,
    shows_hidden: bool,
    precompressed: Vec<Coding>,
    types: Types,
    cache: CacheControl,
    headers: Vec<Field>,
}

/// The fields that all candidates have, filled in for one request.
struct Common<'a> {
    headers: Vec<(&'a str, String)>,
    /// Which of the precompressed forms the client takes.
    codings: Vec<Coding>,
}

impl Files {
    /// The answer to this request.
    pub(crate) fn send(&self, request: &Request) -> Result {
        if !matches!(request.method().as_str(), "GET" | "HEAD") {
            if self.goes_on {
                return Ok(pass("method"));
            }
            return Reply::new(405).header("allow", "GET, HEAD").text("Method Not Allowed\n").send("method");
        }
        let Some(common) = self.common(request) else { return crate::too_long() };
        let mut files = Vec::new();
        self.candidates(request, &common, &mut files);
        if let Some((path, status)) = &self.instead {
            self.forms(path, *status, &common, &mut files);
        }
        if files.is_empty() {
            if self.goes_on {
                return Ok(pass("no-file"));
            }
            return Reply::new(404).text("404 Not Found\n").send("no-file");
        }
        let missing = if self.goes_on { weir::files::Missing::Next } else { weir::files::Missing::NotFound };
        self.directory.send(files, missing)
    }

    /// What the request is for: a file; or a folder, which stands for its index.
    fn candidates(&self, request: &Request, common: &Common<'_>, files: &mut Vec<File>) {
        let Some(Below { path, is_folder }) = Below::of(&request.upstream_path(), self.shows_hidden) else { return };
        let asked = request.path();
        let inside = |name: &String| if path.is_empty() { name.clone() } else { [&path, "/", name].concat() };
        // References in a page are read from its last slash: without one a folder's page would lead elsewhere. A route
        // that strips its prefix may have taken all that the client wrote.
        if is_folder && asked.ends_with('/') {
            for name in &self.index {
                self.forms(&inside(name), 200, common, files);
            }
            return;
        }
        if !is_folder {
            self.forms(&path, 200, common, files);
        }
        if !self.index.is_empty() {
            let location = location(&asked, request.query().as_deref());
            files.extend(self.index.iter().map(|name| File::new(inside(name)).leads_to(&location)));
        }
    }

    /// The forms of one file: as the client takes it compressed, then as it is.
    fn forms(&self, path: &str, status: u16, common: &Common<'_>, files: &mut Vec<File>) {
        let kind = self.types.of(path);
        let cache = self.cache.of(path);
        let form = |path: String, coding: Option<&Coding>| {
            let mut file = File::new(path).header("content-type", kind).header("x-content-type-options", "nosniff");
            if status != 200 {
                file = file.status(status);
            }
            for (name, value) in &common.headers {
                let is = |other: &str| name.eq_ignore_ascii_case(other);
                if !(is("cache-control") && cache.is_some() || is("x-content-type-options")) {
                    file = file.header(*name, value.as_str());
                }
            }
            if let Some(cache) = cache {
                file = file.header("cache-control", cache);
            }
            if !self.precompressed.is_empty() {
                file = file.header("vary", "accept-encoding");
            }
            if let Some(coding) = coding {
                file = file.header("content-encoding", coding.name());
            }
            file
        };
        files.extend(common.codings.iter().map(|coding| form([path, coding.ending()].concat(), Some(coding))));
        files.push(form(path.to_owned(), None));
    }

    /// None if values of the request are too long.
    fn common(&self, request: &Request) -> Option<Common<'_>> {
        let mut headers = Vec::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            headers.push((name.as_str(), fill(value, request, |_| Destination::Header)?));
        }
        let codings = if self.precompressed.is_empty() {
            Vec::new()
        } else {
            accepts::among(&self.precompressed, &request.header_values("accept-encoding"))
        };
        Some(Common { headers, codings })
    }
}

fn pass(why: &str) -> Flow {
    weir::exchange::note(why);
    Flow::Next
}

/// The folder of that path, at the same host whatever the path begins with.
fn location(path: &str, query: Option<&str>) -> String {
    let mut location = String::from("/");
    escape::push(&mut location, path.trim_matches('/'), Destination::UrlPath);
    if location.len() > 1 {
        location.push('/');
    }
    if let Some(query) = query.filter(|query| !query.is_empty()) {
        location.push('?');
        escape::push(&mut location, query, Destination::UrlQuery);
    }
    location
}

#[cfg(test)]
mod tests;
