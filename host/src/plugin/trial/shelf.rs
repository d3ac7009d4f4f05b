//! Documents of a trial: what a fetch of each brings.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;

use crate::plugin::calls::{Nowhere, Outbound};
use crate::plugin::documents::{Document, Source};

/// What fetches bring, by the document's name: its file's path, or its upstream's name and the path there.
#[derive(Clone, Debug, Default)]
pub struct Shelf(Rc<RefCell<HashMap<String, Option<Bytes>>>>);

impl Shelf {
    /// The next fetch brings this; none fails.
    pub fn put(&self, name: &str, text: Option<Bytes>) {
        self.0.borrow_mut().insert(name.to_owned(), text);
    }

    /// Fetches a document now.
    pub async fn fetch(&self, document: &Document) {
        let name = document.name();
        let given = self.0.borrow().get(&name).cloned();
        let fetched = match given {
            Some(Some(text)) => Ok(text),
            Some(None) => Err(format!("the case says that `{name}` cannot be fetched")),
            // A file that the case does not speak of is read as the proxy would.
            None => document.fetch(&(Arc::new(Nowhere) as Arc<dyn Outbound>)).await,
        };
        document.arrived(fetched);
    }

    /// Fetches a document whenever a filter wants it anew.
    pub async fn keep(self, document: Arc<Document>) {
        loop {
            document.wanted.notified().await;
            self.fetch(&document).await;
        }
    }
}

impl Document {
    /// Its file's path, or its upstream's name and the path there.
    pub fn name(&self) -> String {
        match &self.source {
            Source::File(path) => path.display().to_string(),
            Source::Upstream { upstream, path, .. } => format!("{upstream}{path}"),
        }
    }

    /// Whether it is what an author calls so: a path may be written relative to a folder.
    pub fn is_called(&self, name: &str, folder: &Path) -> bool {
        match &self.source {
            Source::File(path) => *path == folder.join(name),
            Source::Upstream { .. } => self.name() == name,
        }
    }
}
