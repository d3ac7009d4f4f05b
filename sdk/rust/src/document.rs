//! Texts that the host keeps fresh for the filter: a set of keys, a list of networks.

mod parsed;

use std::time::Duration;

use serde::Deserialize;

use crate::host::{documents, setup};
use crate::{Flow, Refusal};

pub use parsed::{Parse, Parsed, State};

/// A document: a field of this type in a filter's configuration takes `{ upstream: NAME, path: /... }` or
/// `{ file: PATH }` from the operator; with `follow: /jwks_uri` beside the path, what the URL at that JSON Pointer leads to. Reading never waits, and the last good copy is kept when the source fails.
///
/// A filter that does not find what it looks for may have it fetched anew, and goes on in `on_resume`:
///
/// ```
/// use weir::{Document, Flow, Reply, Request, Result, Resumed, testing::Host};
///
/// struct Keys(Document);
///
/// impl Keys {
///     fn knows(&self, request: &Request) -> Result<bool> {
///         let key = request.header("x-key").unwrap_or_default();
///         let keys = self.0.read()?.map(|text| text.bytes).unwrap_or_default();
///         Ok(keys.split(|byte| *byte == b'\n').any(|line| line == key))
///     }
/// }
///
/// #[weir::filter]
/// impl Keys {
///     fn configure(keys: Document) -> std::result::Result<Self, weir::Fault> {
///         keys.keep_fresh(std::time::Duration::from_secs(300))?;
///         Ok(Self(keys))
///     }
///
///     fn on_request(&self, request: &Request) -> Result {
///         if self.knows(request)? { Ok(Flow::Next) } else { self.0.refresh() }
///     }
///
///     fn on_resume(&self, resumed: &mut Resumed) -> Result {
///         if self.knows(&resumed.request)? { Ok(Flow::Next) } else { Reply::new(401).send("unknown-key") }
///     }
/// }
///
/// let mut host = Host::new();
/// host.document("keys", Some("one"));
/// let keys: Keys = host.configure(r#""keys""#).unwrap();
/// host.document_becomes("keys", "one\ntwo");
/// host.request.header("x-key", "two");
/// assert_eq!(host.on_request(&keys), Flow::Pause);
/// assert_eq!(host.on_resume(&keys), Flow::Next);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Document(String);

/// For tests: in the configuration the host puts the handle in place of what the operator wrote.
impl From<&str> for Document {
    fn from(handle: &str) -> Self {
        Self(handle.to_owned())
    }
}

/// A document's text at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Text {
    /// Another number is another text; 0 is never used.
    pub version: u64,
    /// At most 1 MiB.
    pub bytes: Vec<u8>,
    /// When it was fetched last, whether or not the text changed: the time since 1970.
    pub fetched: Duration,
}

impl Document {
    /// In `configure`: how often the host fetches it; every 60 seconds otherwise.
    pub fn keep_fresh(&self, every: Duration) -> Result<(), Refusal> {
        setup::document(&self.0, crate::millis(every).try_into().unwrap_or(u32::MAX))
    }

    /// The version; 0 if there is no good copy yet. Parse the text only when this changed.
    pub fn version(&self) -> Result<u64, Refusal> {
        documents::version(&self.0)
    }

    /// The text; none if there is no good copy yet.
    pub fn read(&self) -> Result<Option<Text>, Refusal> {
        Ok(documents::read(&self.0)?.map(|document| Text {
            version: document.version,
            bytes: document.text,
            fetched: Duration::from_nanos(document.fetched),
        }))
    }

    /// Ends the hook so that the document is fetched anew; `on_resume` follows. Return what this returns.
    pub fn refresh(&self) -> crate::Result {
        documents::refresh(&self.0)?;
        Ok(Flow::Pause)
    }
}
