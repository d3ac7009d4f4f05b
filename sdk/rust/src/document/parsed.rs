//! What a document says, read once for each text that it has.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use super::Document;
use crate::Refusal;

/// How a document's text becomes a value.
///
/// A function `fn(&[u8]) -> Result<T, String>` is one, for texts that are read well within one hook. A text that may take
/// longer is read in parts: what one call of [`Parse::go_on`] does must fit into a hook (10 ms unless the operator says
/// other), beside what the hook does for its exchange.
pub trait Parse {
    /// What the text says.
    type Value;
    /// A text that is being read.
    type Part;

    /// Begins with a text.
    fn begin(&self, text: Vec<u8>) -> Self::Part;

    /// Reads on: the value at the end, or nothing if there is more to read. What is wrong with the text is told to the
    /// operator as it is said here, so it should begin with the place: `line 7: ...`.
    fn go_on(&self, part: &mut Self::Part) -> Result<Option<Self::Value>, String>;
}

impl<F, T> Parse for F
where
    F: Fn(&[u8]) -> Result<T, String>,
{
    type Value = T;
    type Part = Vec<u8>;

    fn begin(&self, text: Vec<u8>) -> Vec<u8> {
        text
    }

    fn go_on(&self, part: &mut Vec<u8>) -> Result<Option<T>, String> {
        self(part).map(Some)
    }
}

/// A document with what it says: read again only when it has another text, and as it was before as long as a text is being
/// read or cannot be. What cannot be read is logged once.
///
/// ```
/// use weir::document::{Parsed, State};
/// use weir::{Document, Flow, Reply, Request, Result, Resumed, testing::Host};
///
/// struct Gate(Parsed<fn(&[u8]) -> std::result::Result<bool, String>>);
///
/// fn is_open(text: &[u8]) -> std::result::Result<bool, String> {
///     match text.trim_ascii() {
///         b"open" => Ok(true),
///         b"shut" => Ok(false),
///         _ => Err("line 1: neither `open` nor `shut`".into()),
///     }
/// }
///
/// #[weir::filter]
/// impl Gate {
///     fn configure(document: Document) -> std::result::Result<Self, weir::Fault> {
///         Ok(Self(Parsed::new(document, "gate", is_open)))
///     }
///
///     fn on_request(&self, _request: &Request) -> Result {
///         match self.0.look()? {
///             State::Ready(is_open) if *is_open => Ok(Flow::Next),
///             State::Ready(_) => Reply::new(403).send("shut"),
///             // Wait for it: there is none yet, or it is not read to its end.
///             State::Reading | State::Missing => self.0.refresh(),
///         }
///     }
///
///     fn on_resume(&self, _resumed: &mut Resumed) -> Result {
///         match self.0.look()? {
///             State::Ready(is_open) if *is_open => Ok(Flow::Next),
///             State::Ready(_) => Reply::new(403).send("shut"),
///             State::Reading => self.0.refresh(),
///             State::Missing => Reply::new(503).send("no-gate"),
///         }
///     }
/// }
///
/// let mut host = Host::new();
/// host.document("gate", Some("open"));
/// let gate: Gate = host.configure(r#""gate""#).unwrap();
/// assert_eq!(host.on_request(&gate), Flow::Next);
/// host.document("gate", Some("ajar"));
/// assert_eq!(host.on_request(&gate), Flow::Next);
/// assert_eq!(host.log[0].1, "`gate` cannot be read: line 1: neither `open` nor `shut`; what it was before counts");
/// ```
pub struct Parsed<P: Parse> {
    document: Document,
    name: &'static str,
    parse: P,
    copy: RefCell<Copy<P>>,
}

/// What an instance has of a document.
struct Copy<P: Parse> {
    /// The version that was taken last, whether or not it could be read; 0 is none.
    version: u64,
    /// The same, as far as it is not read.
    part: Option<P::Part>,
    /// What it was when it could be read last, and of which version that is.
    value: Option<(u64, Rc<P::Value>)>,
}

/// How far a document is read.
#[derive(Debug)]
pub enum State<T> {
    /// This is what it says; or, as long as a newer text is being read or cannot be, what it said.
    Ready(Rc<T>),
    /// It is being read for the first time; the next hook goes on.
    Reading,
    /// There is no text yet, or none that can be read.
    Missing,
}

impl<P: Parse> Parsed<P> {
    /// A document; `name` is the configuration's field, for the log.
    pub fn new(document: Document, name: &'static str, parse: P) -> Self {
        Self { document, name, parse, copy: RefCell::new(Copy { version: 0, part: None, value: None }) }
    }

    /// What it says now. One part of what is to be read is read.
    pub fn look(&self) -> Result<State<P::Value>, Refusal> {
        let mut copy = self.copy.borrow_mut();
        if copy.version != self.document.version()?
            && let Some(text) = self.document.read()?
        {
            copy.version = text.version;
            copy.part = Some(self.parse.begin(text.bytes));
        }
        self.read_on(&mut copy);
        Ok(match &copy.value {
            Some((_, value)) => State::Ready(Rc::clone(value)),
            None if copy.part.is_some() => State::Reading,
            None => State::Missing,
        })
    }

    /// Whether what [`Self::look`] gave last is what the document said before: its newer text is not read to its end. Who must
    /// not go by what it said, as where it may have withdrawn a key, ends the hook with [`Self::refresh`] and looks again.
    pub fn is_reading(&self) -> bool {
        self.copy.borrow().part.is_some()
    }

    /// The version of what [`Self::look`] gave last; 0 if it gave nothing. What was derived from another one is old.
    pub fn version(&self) -> u64 {
        self.copy.borrow().value.as_ref().map_or(0, |(version, _)| *version)
    }

    /// Ends the hook so that the document is fetched anew, unless that was done a moment ago; `on_resume` follows, and has time
    /// to read on. Return what this returns.
    pub fn refresh(&self) -> crate::Result {
        self.document.refresh()
    }

    fn read_on(&self, copy: &mut Copy<P>) {
        let Some(part) = &mut copy.part else { return };
        match self.parse.go_on(part) {
            Ok(None) => return,
            Ok(Some(value)) => copy.value = Some((copy.version, Rc::new(value))),
            Err(why) => {
                let instead =
                    if copy.value.is_some() { "what it was before counts" } else { "there is none before it" };
                crate::error!("`{}` cannot be read: {why}; {instead}", self.name);
            }
        }
        copy.part = None;
    }
}

impl<P: Parse> fmt::Debug for Parsed<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Parsed").field("document", &self.document).finish_non_exhaustive()
    }
}
