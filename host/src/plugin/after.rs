//! Hooks beside the messages: the end of an exchange, and ticks.

use std::rc::{Rc, Weak};
use std::time::Duration;

use super::chain::{Chain, Pools, report};
use super::error::Failure;
use super::exchange::{Held, Summary};
use super::hook::Hook;
use super::pool::Pool;
use crate::clock;

/// The filters that are told when an exchange is over.
#[derive(Debug, Default)]
pub struct Completion(Vec<(usize, Rc<Pool>)>);

impl Completion {
    /// Those of this chain. Which of them take part is known in the end, which may come at any time.
    pub fn of(pools: &Pools, chain: &Chain) -> Self {
        Self(pools.completing(chain))
    }

    /// Nobody.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells those whom the request reached, one after the other. Done when it is first polled, unless one of them waits.
    pub async fn run(self, mut held: Held, summary: Summary) {
        held.summary = Some(Box::new(summary));
        for (position, pool) in self.0 {
            if !held.has_part(position) || !pool.entry.ward.admits(&pool.record) {
                continue;
            }
            if let Err(failure) = call(&pool, Hook::Complete, position, &mut held).await {
                report(&pool, Hook::Complete, Some(held.id), &failure);
            }
        }
    }
}

async fn call(pool: &Rc<Pool>, hook: Hook, position: usize, held: &mut Held) -> Result<(), Failure> {
    let _waiting = pool.entry.waits().then(|| pool.enter()).transpose()?;
    let mut taken = pool.wait().await?;
    taken.instance().call::<(), ()>(hook, position, held, ()).await?;
    taken.put_back();
    Ok(())
}

/// The pool; and if its entry ticks, and nobody else does it, this worker will.
pub(super) fn started(pool: Rc<Pool>) -> Rc<Pool> {
    // Where the time is given, so are the ticks.
    if !clock::is_given()
        && let Some(interval) = pool.entry.claim_ticks()
    {
        tokio::task::spawn_local(tick(Rc::downgrade(&pool), interval));
    }
    pool
}

/// Until the pool goes.
async fn tick(pool: Weak<Pool>, interval: Duration) {
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + interval, interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(pool) = pool.upgrade() else { return };
        tick_once(&pool).await;
    }
}

/// One tick, unless the filter is put aside.
pub(super) async fn tick_once(pool: &Rc<Pool>) {
    if !pool.entry.has(Hook::Tick) || !pool.entry.ward.admits(&pool.record) {
        return;
    }
    // There is no exchange to lend.
    let mut nothing = Held(None);
    if let Err(failure) = call(pool, Hook::Tick, 0, &mut nothing).await {
        report(pool, Hook::Tick, None, &failure);
    }
}
