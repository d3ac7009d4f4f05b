//! Hooks beside the messages: the end of an exchange, and ticks.

use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};

use super::chain::{Chain, Pools, report};
use super::exchange::{Held, Summary};
use super::hook::Hook;
use super::pool::Pool;
use super::trail::{Did, Said, Took};

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

    /// Tells those whom the request reached, one after the other, and gives the exchange back. Done when it is first
    /// polled, unless one of them waits.
    pub async fn run(self, mut held: Held, summary: Summary) -> Held {
        held.summary = Some(Box::new(summary));
        for (position, pool) in self.0 {
            if !held.has_part(position) || !pool.entry.ward.admits(&pool.record) {
                continue;
            }
            call(&pool, Hook::Complete, position, &mut held).await;
        }
        held
    }
}

/// Calls a hook that decides nothing.
async fn call(pool: &Rc<Pool>, hook: Hook, position: usize, held: &mut Held) {
    let exchange = held.0.as_ref().map(|exchange| exchange.id);
    let began = held.0.as_ref().map_or_else(|| Some(Instant::now()), |exchange| exchange.look_at_clock());
    let mut polled = began.map(|_| Duration::ZERO);
    let called = async {
        let _waiting = pool.entry.waits().then(|| pool.enter()).transpose()?;
        let mut taken = pool.wait().await?;
        taken.instance().call::<(), ()>(hook, position, held, (), &mut polled).await?;
        taken.put_back();
        Ok(())
    };
    let result = called.await;
    let took = began.map(|began| Took { began, ended: Instant::now(), polled });
    let (did, said) = match &result {
        Ok(()) => (Did::Next, None),
        Err(failure) => {
            report(pool, hook, exchange, failure);
            (Did::Failed(failure.kind()), Some(Said { code: failure.code().to_owned(), detail: failure.to_string() }))
        }
    };
    pool.sheet.count(hook, did, took.as_ref());
    if let Some(exchange) = held.0.as_deref_mut() {
        exchange.mark(position, hook, did, took.as_ref(), said);
    }
}

/// If its entry ticks and does not do so yet, it does from now on.
pub(super) fn start_ticks(pool: &Rc<Pool>) {
    if let Some(interval) = pool.entry.claim_ticks() {
        tokio::task::spawn_local(tick(Rc::downgrade(pool), interval));
    }
}

/// Until the pool goes.
async fn tick(pool: Weak<Pool>, interval: Duration) {
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + interval, interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(pool) = pool.upgrade() else { return };
        if !pool.entry.has(Hook::Tick) || !pool.entry.ward.admits(&pool.record) {
            continue;
        }
        // There is no exchange to lend.
        let mut nothing = Held(None);
        call(&pool, Hook::Tick, 0, &mut nothing).await;
    }
}
