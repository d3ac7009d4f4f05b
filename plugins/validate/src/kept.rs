//! The schemas of an entry, compiled: from its configuration, or from documents that the host keeps fresh.

use std::cell::RefCell;
use std::rc::Rc;

use weir::{Document, Faults, Refusal};

use crate::json::{Bounds, Unreadable, read};
use crate::schema::{Fault, Options, Schemas, Source, compile};

/// A schema's text.
#[derive(Clone, Debug)]
pub(crate) enum Text {
    Written(String),
    Kept(Document),
}

/// A schema as it is given.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    /// By which others refer to it.
    pub(crate) uri: String,
    /// Where it stands in the configuration.
    pub(crate) pointer: String,
    pub(crate) text: Text,
}

/// A schema with those to which it may refer.
#[derive(Debug)]
pub(crate) struct Kept {
    given: Vec<Given>,
    options: Options,
    /// How many steps a message may take, in whose time schemas of documents are compiled.
    steps: u32,
    copy: RefCell<Copy>,
}

/// What an instance has of it.
#[derive(Debug, Default)]
struct Copy {
    /// Those of the documents that were compiled last, whether or not they could be.
    versions: Vec<u64>,
    schemas: Option<Rc<Schemas>>,
}

/// Steps in whose time a value of a schema is compiled.
const PER_VALUE: u32 = 20;

/// Of schemas' documents.
const BOUNDS: Bounds = Bounds { depth: 64, steps: 200_000, duplicates: false };

impl Kept {
    /// The first one is what messages are held against. What stands in the configuration is compiled at once.
    pub(crate) fn new(given: Vec<Given>, options: Options, steps: u32, faults: &mut Faults) -> Self {
        let kept = Self { given, options, steps, copy: RefCell::default() };
        if kept.documents().next().is_none() {
            match kept.compile() {
                Ok(schemas) => kept.copy.borrow_mut().schemas = schemas.map(Rc::new),
                Err(found) => {
                    for fault in found {
                        let place = kept.given.get(fault.document).map_or("", |given| &given.pointer);
                        faults.at(&[place, &fault.pointer].concat(), &fault.message);
                    }
                }
            }
        }
        kept
    }

    fn documents(&self) -> impl Iterator<Item = &Document> {
        self.given.iter().filter_map(|given| match &given.text {
            Text::Kept(document) => Some(document),
            Text::Written(_) => None,
        })
    }

    /// The schemas as they are now: compiled anew when a document has another text, and as they were before if that cannot
    /// be. None if there is no good copy yet.
    pub(crate) fn look(&self) -> Result<Option<Rc<Schemas>>, Refusal> {
        let mut copy = self.copy.borrow_mut();
        let mut is_old = false;
        for (index, document) in self.documents().enumerate() {
            let version = document.version()?;
            if copy.versions.get(index) != Some(&version) {
                is_old = true;
                copy.versions.truncate(index);
                copy.versions.push(version);
            }
        }
        if is_old {
            match self.compile() {
                Ok(Some(schemas)) => copy.schemas = Some(Rc::new(schemas)),
                Ok(None) => {}
                Err(faults) => {
                    let instead =
                        if copy.schemas.is_some() { "what was before counts" } else { "there is none before it" };
                    for Fault { document, pointer, message } in faults {
                        let place = self.given.get(document).map_or("", |given| &given.pointer);
                        weir::error!("the schema of `{place}` cannot be used: at `{pointer}`: {message}; {instead}");
                    }
                }
            }
        }
        Ok(copy.schemas.clone())
    }

    /// A document of which there is no good copy yet.
    pub(crate) fn missing(&self) -> Result<Option<&Document>, Refusal> {
        for document in self.documents() {
            if document.version()? == 0 {
                return Ok(Some(document));
            }
        }
        Ok(None)
    }

    /// None if a document is not there.
    fn compile(&self) -> Result<Option<Schemas>, Vec<Fault>> {
        let mut sources = Vec::new();
        // What stands in the configuration alone is compiled while that is read, for which there is more time.
        let mut left = if self.documents().next().is_some() { self.steps / PER_VALUE } else { u32::MAX };
        for (document, given) in self.given.iter().enumerate() {
            let text = match &given.text {
                Text::Written(text) => text.clone().into_bytes(),
                Text::Kept(kept) => match kept.read() {
                    Ok(Some(text)) => text.bytes,
                    _ => return Ok(None),
                },
            };
            let bounds = Bounds { steps: left.min(BOUNDS.steps), ..BOUNDS };
            let json = read(text, &bounds).map_err(|why| vec![unreadable(document, why)])?;
            left = left.saturating_sub(json.steps());
            sources.push(Source { uri: given.uri.clone(), json });
        }
        compile(sources, self.options).map(Some)
    }
}

fn unreadable(document: usize, why: Unreadable) -> Fault {
    let (pointer, message) = match why {
        Unreadable::Encoding(byte) => (String::new(), format!("it is not UTF-8 from byte {byte} on")),
        Unreadable::Syntax(what, byte) => (String::new(), format!("it is not JSON: {what}, before byte {byte}")),
        Unreadable::Deep => (String::new(), "it is nested more than 64 levels deep".to_owned()),
        Unreadable::Large => (
            String::new(),
            "it is too large, with those before it: of documents one value is read for each 20 `steps`; raise them, and \
             the plugin's `limits.cpu` with them"
                .to_owned(),
        ),
        Unreadable::Duplicate(pointer) => (pointer, "this stands in its object more than once".to_owned()),
    };
    Fault { document, pointer, message }
}
