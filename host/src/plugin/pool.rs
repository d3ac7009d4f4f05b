//! One worker's instances of one entry.
//!
//! A filter that cannot wait needs one: a hook is a short call on one thread. One that waits needs as many as hooks wait
//! at a time, up to its limit; beyond it exchanges wait for an instance, in bounded number and for a bounded time.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::Notify;

use super::calls::Outbound;
use super::engine::Engine;
use super::error::Failure;
use super::instance::{Instance, Refused};
use super::metrics::Counts;
use super::pins::Pins;
use super::quarantine::Record;
use super::registry::Entry;
use super::tally::Sheet;
use super::warm::Beginning;
use crate::clock::within;
use crate::config::Isolation;

/// Instances of an entry.
pub(super) struct Pool {
    pub(super) entry: Arc<Entry>,
    engine: Arc<Engine>,
    outbound: Arc<dyn Outbound>,
    counts: Arc<Counts>,
    idle: RefCell<Vec<Instance>>,
    /// The most that were in use since the last sweep.
    peak: Cell<usize>,
    freed: Notify,
    /// Files that are open for answers of the filter's.
    pub(super) files: Pins,
    /// What this worker counts; in use are those that are not pinned.
    pub(super) sheet: Arc<Sheet>,
    pub(super) record: Record,
}

/// An instance in use. It goes back when its hook is done; dropped before, it is thrown away.
pub(super) struct Taken {
    instance: Option<Instance>,
    pool: Rc<Pool>,
    is_pinned: bool,
}

/// An exchange among those that wait.
pub(super) struct Waiting(Rc<Pool>);

impl Pool {
    /// An empty pool, or one with the instance that was made for it.
    pub(super) fn new(
        engine: &Arc<Engine>,
        entry: &Arc<Entry>,
        outbound: &Arc<dyn Outbound>,
        beginning: Option<Beginning>,
    ) -> Rc<Self> {
        let (counts, sheet, instance) = match beginning {
            Some(Beginning { counts, sheet, instance }) => (counts, sheet, Some(instance)),
            None => (entry.metrics.share(), Arc::default(), None),
        };
        entry.open_sheet(&sheet);
        let idle: Vec<_> = instance.map(|instance| instance.on(&sheet)).into_iter().collect();
        // What was made for it counts as needed until the sweep after the next.
        let peak = Cell::new(idle.len());
        Rc::new(Self {
            entry: Arc::clone(entry),
            engine: Arc::clone(engine),
            outbound: Arc::clone(outbound),
            counts,
            idle: RefCell::new(idle),
            peak,
            freed: Notify::new(),
            files: Pins::default(),
            sheet,
            record: Record::default(),
        })
    }

    /// Runs a hook of a filter that cannot wait, on the instance where it stands: most calls are such, and moving an
    /// instance out and back costs a tenth of a small one.
    pub(super) fn with<T>(
        self: &Rc<Self>,
        run: impl FnOnce(&mut Instance) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if self.entry.isolation == Isolation::Fresh {
            return run(&mut self.make()?);
        }
        let mut idle = self.idle.borrow_mut();
        if idle.is_empty() {
            idle.push(self.make()?);
        }
        self.peak.set(self.peak.get().max(1));
        let place = idle.len() - 1;
        let result = run(&mut idle[place]);
        if result.is_err() || idle[place].is_worn() {
            idle.pop();
        }
        result
    }

    /// An instance, if there is one or may be one more.
    pub(super) fn take(self: &Rc<Self>) -> Result<Taken, Failure> {
        let idle = self.idle.borrow_mut().pop();
        let instance = match idle {
            Some(instance) => instance,
            // In the sandbox of a filter that cannot wait, only those that hold a body are in use now.
            None if self.entry.waits() && self.busy() >= self.entry.limits.instances => {
                return Err(Failure::Overload);
            }
            None => self.make()?,
        };
        self.sheet.busy.add(1);
        self.peak.set(self.peak.get().max(self.busy()));
        Ok(Taken { instance: Some(instance), pool: Rc::clone(self), is_pinned: false })
    }

    /// The same, waiting for one if need be.
    pub(super) async fn wait(self: &Rc<Self>) -> Result<Taken, Failure> {
        let freed = async {
            loop {
                // Before looking, so that no notice is missed.
                let freed = self.freed.notified();
                match self.take() {
                    Err(Failure::Overload) => freed.await,
                    taken => return taken,
                }
            }
        };
        match self.take() {
            Err(Failure::Overload) => within(self.entry.limits.queue, freed).await.unwrap_or(Err(Failure::Overload)),
            taken => taken,
        }
    }

    /// A place among those that wait, if there is one.
    pub(super) fn enter(self: &Rc<Self>) -> Result<Waiting, Failure> {
        if self.sheet.waiting.get() >= self.entry.limits.waiting as u64 {
            return Err(Failure::Overload);
        }
        self.sheet.waiting.add(1);
        Ok(Waiting(Rc::clone(self)))
    }

    /// What is idle, for who frees it elsewhere.
    pub(super) fn empty(&self) -> Vec<Instance> {
        let mut idle = self.idle.take();
        // Elsewhere nobody may write on this worker's sheet.
        idle.iter_mut().for_each(Instance::leave);
        idle
    }

    /// Drops instances that nobody needed since the sweep before.
    pub(super) fn sweep(&self) {
        let needed = self.peak.replace(self.busy()).saturating_sub(self.busy());
        self.idle.borrow_mut().truncate(needed);
    }

    fn busy(&self) -> usize {
        usize::try_from(self.sheet.busy.get()).unwrap_or(usize::MAX)
    }

    fn make(&self) -> Result<Instance, Failure> {
        let made = Instance::new(&self.engine, &self.entry, &self.counts, &self.sheet.pins, &self.outbound);
        made.map(|instance| instance.on(&self.sheet)).map_err(|refused| match refused {
            Refused::Failed(failure) => failure,
            Refused::Config(faults) => {
                let faults: Vec<_> = faults.into_iter().map(|fault| fault.message).collect();
                Failure::Instance(format!(
                    "it took its configuration before and refuses it now: {}",
                    super::capability::cut(faults.join("; "), 1 << 10)
                ))
            }
        })
    }
}

impl Taken {
    /// The instance.
    pub(super) fn instance(&mut self) -> &mut Instance {
        self.instance.as_mut().expect("it is there until it is put back")
    }

    /// It stays with a body, which is counted elsewhere.
    #[must_use]
    pub(super) fn pinned(mut self) -> Self {
        self.is_pinned = true;
        self.pool.sheet.busy.take(1);
        // Another one may be made.
        self.pool.freed.notify_one();
        self
    }

    /// The hook is done and did not fail.
    pub(super) fn put_back(mut self) {
        let instance = self.instance.take().expect("it is there until it is put back");
        if self.pool.entry.isolation == Isolation::Pooled && !instance.is_worn() {
            self.pool.idle.borrow_mut().push(instance);
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if !self.is_pinned {
            self.pool.sheet.busy.take(1);
        }
        if self.pool.entry.waits() {
            self.pool.freed.notify_one();
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.sheet.waiting.take(1);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // Instances count their end.
        self.idle.borrow_mut().clear();
        self.entry.close_sheet(&self.sheet);
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} ({} busy)", self.entry.name, self.busy())
    }
}
