//! Stores in memory.

use crate::backend::Backend;

struct Memory;

impl Backend for Memory {
    const IS_KEPT: bool = false;

    fn start() -> Self {
        Self
    }

    fn declaration(&self) -> String {
        "{ memory: 4MiB }".to_owned()
    }
}

crate::conforms!(conformance, Memory);
