//! The stores: those that are declared, and the one that is always there.

use super::Check;
use crate::config::Store;
use crate::config::file::File;

impl Check {
    pub(super) fn stores(&mut self, file: &File) -> Vec<Store> {
        let mut stores = Vec::new();
        for (name, store) in file.stores.sound() {
            let memory = &store.0.memory;
            if !(1 << 20..=64 << 30).contains(&memory.value.0) {
                self.fault(memory.place, "a store's memory is from 1MiB to 64GiB");
            }
            stores.push(Store { name: name.value.clone(), memory: memory.value.0 });
        }
        if !stores.iter().any(|store| store.name == Store::LOCAL) {
            stores.push(Store { name: Store::LOCAL.to_owned(), memory: Store::LOCAL_MEMORY });
        }
        stores
    }
}
