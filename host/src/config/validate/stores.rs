//! The stores: those that are declared, and the one that is always there.

mod redis;

use std::collections::HashMap;

use super::Check;
use crate::config::file::File;
use crate::config::forms::AnyStore;
use crate::config::units::Size;
use crate::config::{Kept, Located, Place, Store};

/// Bytes of a file unless the configuration says other.
const FILE_SIZE: u64 = 1 << 30;

impl Check {
    pub(super) fn stores(&mut self, file: &File) -> Vec<Store> {
        let mut stores = Vec::new();
        let mut paths = HashMap::new();
        for (name, store) in file.stores.sound() {
            let kept = match store {
                AnyStore::Memory(store) => Kept::Memory { size: self.room(&store.memory, "memory") },
                AnyStore::File(store) => {
                    let path = self.path(&store.file);
                    if let Some(other) = paths.insert(path.clone(), &name.value) {
                        let message = format!("the store `{other}` is in this file already");
                        self.fault(store.file.place, message).help = Some("write another path".into());
                    }
                    let size = store.size.as_ref().map_or(FILE_SIZE, |size| self.room(size, "file"));
                    Kept::File { path: Located { value: path, place: store.file.place }, size }
                }
                AnyStore::Redis(store) => match self.redis(store) {
                    Some(redis) => Kept::Redis(Box::new(redis)),
                    None => continue,
                },
            };
            stores.push(Store { name: name.clone(), kept });
        }
        if !stores.iter().any(|store| store.name.value == Store::LOCAL) {
            let name = Located { value: Store::LOCAL.to_owned(), place: Place::default() };
            stores.push(Store { name, kept: Kept::Memory { size: Store::LOCAL_MEMORY } });
        }
        stores
    }

    fn room(&mut self, size: &Located<Size>, what: &str) -> u64 {
        if !(1 << 20..=64 << 30).contains(&size.value.0) {
            self.fault(size.place, format!("a store's {what} is from 1MiB to 64GiB"));
        }
        size.value.0
    }
}
