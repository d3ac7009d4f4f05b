//! Time and chance.

use wasmtime::component::LinkerInstance;
use wasmtime::{Result, ensure};

use super::{Store, configured};
use crate::clock;
use crate::plugin::instance::Guest;

const MOST_BYTES: u32 = 64 << 10;

pub(super) fn link_clock(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("now", |store: Store<'_>, (): ()| {
        configured(store.data())?;
        Ok((u64::try_from(clock::since_1970().as_nanos()).unwrap_or(u64::MAX),))
    })?;
    linker.func_wrap("monotonic", |store: Store<'_>, (): ()| {
        configured(store.data())?;
        Ok((u64::try_from(clock::uptime().as_nanos()).unwrap_or(u64::MAX),))
    })
}

pub(super) fn link_random(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("bytes", |store: Store<'_>, (length,): (u32,)| {
        configured(store.data())?;
        ensure!(length <= MOST_BYTES, "more than 64 KiB of random bytes in one call");
        let mut bytes = vec![0; usize::try_from(length)?];
        store.data().chance.fill(&mut bytes)?;
        Ok((bytes,))
    })?;
    linker.func_wrap("number", |store: Store<'_>, (): ()| {
        configured(store.data())?;
        let mut bytes = [0; 8];
        store.data().chance.fill(&mut bytes)?;
        Ok((u64::from_le_bytes(bytes),))
    })
}
