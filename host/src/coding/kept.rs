//! Encoders whose stream has ended, for the next one of the same coding and level: what a small body costs is largely
//! its encoder's memory, which has to be got from the system and cleared. (16 KiB of JSON by zstd at level 3 took 70 us
//! with a new context and 41 with a kept one, at level 9 it was 627 and 208. Brotli's cannot be used again.)

use std::cell::RefCell;

use super::Coding;
use super::context::Context;

/// Contexts that a thread keeps; the largest have some MiB.
const MOST: usize = 8;

thread_local! {
    /// The one that was used last is the last.
    static KEPT: RefCell<Vec<Context>> = const { RefCell::new(Vec::new()) };
}

/// A context at the beginning of a stream.
pub(super) fn take(coding: Coding, level: u8) -> Context {
    let kept = KEPT.with_borrow_mut(|kept| {
        let fits = kept.iter().rposition(|context| context.coding == coding && context.level == level)?;
        Some(kept.remove(fits))
    });
    kept.and_then(|mut context| context.begin_again().then_some(context)).unwrap_or_else(|| Context::new(coding, level))
}

/// Keeps a context whose stream has ended; the one that was not used for longest makes room.
pub(super) fn give_back(context: Context) {
    if context.coding == Coding::Brotli {
        return;
    }
    // A thread that ends keeps nothing.
    let _ = KEPT.try_with(|kept| {
        let mut kept = kept.borrow_mut();
        if kept.len() == MOST {
            kept.remove(0);
        }
        kept.push(context);
    });
}
