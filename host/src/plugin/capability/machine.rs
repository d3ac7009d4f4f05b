//! Time and chance.

use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use wasmtime::component::LinkerInstance;
use wasmtime::{Result, ensure};

use super::{Store, configured};
use crate::crypto;
use crate::plugin::instance::Guest;

const MOST_BYTES: u32 = 64 << 10;

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

pub(super) fn link_clock(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("now", |store: Store<'_>, (): ()| {
        configured(store.data())?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok((u64::try_from(now.as_nanos()).unwrap_or(u64::MAX),))
    })?;
    linker.func_wrap("monotonic", |store: Store<'_>, (): ()| {
        configured(store.data())?;
        Ok((u64::try_from(BEGAN.elapsed().as_nanos()).unwrap_or(u64::MAX),))
    })
}

pub(super) fn link_random(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("bytes", |store: Store<'_>, (length,): (u32,)| {
        configured(store.data())?;
        ensure!(length <= MOST_BYTES, "more than 64 KiB of random bytes in one call");
        let mut bytes = vec![0; usize::try_from(length)?];
        fill(&mut bytes)?;
        Ok((bytes,))
    })?;
    linker.func_wrap("number", |store: Store<'_>, (): ()| {
        configured(store.data())?;
        let mut bytes = [0; 8];
        fill(&mut bytes)?;
        Ok((u64::from_le_bytes(bytes),))
    })
}

fn fill(bytes: &mut [u8]) -> Result<()> {
    Ok(crypto::fill(bytes)?)
}
