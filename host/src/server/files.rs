//! Which files matter to a server, and what a change of one leads to.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::reload::Change;
use super::swap::Swap;
use super::watch::Item;
use super::{Server, State};
use crate::config::{Config, Origin};

impl Server {
    /// Watches what matters now, as it was read `since` then.
    pub(super) fn watch(&self, since: SystemTime) {
        let mut items: HashSet<Item> = named(&self.state).into_iter().map(Item::File).collect();
        items.extend(documents(&self.state).map(|path| Item::File(path.to_owned())));
        items.extend(self.configuration());
        self.files.over(items, since);
    }

    /// Of the configuration, if it is to be reloaded when it changes: that in force, and that which was refused and waits to
    /// be mended.
    fn configuration(&self) -> HashSet<Item> {
        if !self.source.is_watched {
            return HashSet::new();
        }
        let of = |Origin { files, patterns }: &Origin| {
            let files = files.iter().cloned().map(Item::File);
            files.chain(patterns.iter().cloned().map(Item::Matches)).collect::<Vec<_>>()
        };
        let refused = self.refused.as_deref();
        let mut items: HashSet<Item> = of(&self.state.config.origin).into_iter().collect();
        items.extend(refused.map(|config| of(&config.origin)).into_iter().flatten());
        items.extend(refused.map(Config::named_files).into_iter().flatten().map(Item::File));
        items
    }

    /// Does what changes of these lead to.
    pub(super) fn changed(&mut self, changed: Vec<Item>) {
        let configuration = self.configuration();
        let named: HashSet<PathBuf> = named(&self.state).into_iter().collect();
        let (mut files, mut swaps) = (Vec::new(), Vec::new());
        let mut is_configuration = false;
        for item in changed {
            is_configuration |= configuration.contains(&item);
            let Item::File(path) = item else { continue };
            for document in self.state.snapshot.documents().filter(|document| document.file() == Some(&path)) {
                document.fetch_again();
            }
            let plugins = self.state.config.plugins.iter().filter(|plugin| plugin.component.file() == Some(&path));
            let plugins: Vec<String> = plugins.map(|plugin| plugin.component.plugin.clone()).collect();
            if plugins.is_empty() && named.contains(&path) {
                files.push(path);
            }
            swaps.extend(plugins);
        }
        // Before the files: if it goes well, they have been read with it.
        if is_configuration {
            self.change(Change::Configuration, None);
        }
        if !files.is_empty() {
            files.sort_unstable();
            self.change(Change::Files(files), None);
        }
        for plugin in swaps {
            self.swap(Swap::from_file(plugin));
        }
    }
}

/// The files that make a state, without those of documents.
fn named(state: &State) -> Vec<PathBuf> {
    let mut files = state.config.named_files();
    files.extend(state.snapshot.secret_files().map(Path::to_owned));
    files
}

fn documents(state: &State) -> impl Iterator<Item = &Path> {
    state.snapshot.documents().filter_map(|document| document.file())
}
