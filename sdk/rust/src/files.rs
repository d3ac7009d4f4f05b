//! Files of the operator's directories, sent by the host: nothing of a file enters the filter.

use serde::Deserialize;

use crate::Flow;
use crate::bindings::files::Candidate;
use crate::host::files;

pub use crate::bindings::files::Missing;

/// A folder: a field of this type in a filter's configuration takes a path from the operator, relative to the file of the
/// configuration. The filter holds a handle.
///
/// ```
/// use weir::files::{Directory, File, Missing};
/// use weir::{Flow, Request, Result, testing::Host};
///
/// struct Site(Directory);
///
/// #[weir::filter]
/// impl Site {
///     fn configure(folder: Directory) -> std::result::Result<Self, weir::Fault> {
///         Ok(Self(folder))
///     }
///
///     fn on_request(&self, request: &Request) -> Result {
///         let path = request.path();
///         let page = File::new(path.trim_start_matches('/')).header("content-type", "text/html");
///         let sorry = File::new("sorry.html").status(404).header("content-type", "text/html");
///         self.0.send([page, sorry], Missing::NotFound)
///     }
/// }
///
/// let mut host = Host::new();
/// host.directory("site", &[("a.html", "<p>a"), ("sorry.html", "<p>sorry")]);
/// let site: Site = host.configure(r#""site""#).unwrap();
/// host.request.path("/a.html");
/// assert_eq!(host.on_request(&site), Flow::Stop);
/// assert_eq!(host.reply.take().unwrap().text(), Some("<p>a"));
/// host.request.path("/b.html");
/// assert_eq!(host.on_request(&site), Flow::Stop);
/// assert_eq!(host.reply.unwrap().status, 404);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Directory(String);

/// For tests: in the configuration the host puts the handle in place of what the operator wrote.
impl From<&str> for Directory {
    fn from(handle: &str) -> Self {
        Self(handle.to_owned())
    }
}

/// A file that may be there, and what is answered if it is.
#[derive(Clone, Debug)]
#[must_use = "a file is sent by `Directory::send`"]
pub struct File(Candidate);

impl File {
    /// The file at this path below the directory: decoded, without a slash at its begin and end.
    pub fn new(path: impl Into<String>) -> Self {
        Self(Candidate { path: path.into(), status: 200, headers: Vec::new(), location: None })
    }

    /// Answers with another status than 200, from 400 to 599: a page that says what is wrong.
    pub fn status(mut self, status: u16) -> Self {
        self.0.status = status;
        self
    }

    /// Adds a field to the answer. Validators, ranges and the length are the host's.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.0.headers.push((name.into(), value.into()));
        self
    }

    /// If the file is there, the client is led to this place instead: permanently, by 308.
    pub fn leads_to(mut self, location: impl Into<String>) -> Self {
        self.0.status = 308;
        self.0.location = Some(location.into());
        self
    }
}

impl Directory {
    /// Ends the hook with the first of these files that is there, at most 64. Return what this returns. The host answers
    /// conditions and ranges of GET and HEAD; look at the method before.
    pub fn send(&self, files: impl IntoIterator<Item = File>, missing: Missing) -> crate::Result {
        let candidates: Vec<Candidate> = files.into_iter().map(|file| file.0).collect();
        files::send(&self.0, &candidates, missing)?;
        Ok(Flow::Stop)
    }
}
