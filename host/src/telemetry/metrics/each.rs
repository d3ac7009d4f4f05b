//! One set of counters for each worker.

use std::sync::{Arc, OnceLock};

use super::worker;

/// Counters of one thing, such as a route: a set for each worker, made when that worker first counts.
#[derive(Debug)]
pub struct EachWorker<T> {
    /// The last is for threads that are no workers.
    sets: Box<[OnceLock<Arc<T>>]>,
}

impl<T> Default for EachWorker<T> {
    fn default() -> Self {
        Self::new(0)
    }
}

impl<T> EachWorker<T> {
    /// For so many workers.
    pub fn new(workers: usize) -> Self {
        Self { sets: (0..=workers).map(|_| OnceLock::new()).collect() }
    }

    /// All sets that are there.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        self.sets.iter().filter_map(|set| set.get().map(|set| &**set))
    }

    /// A sum over all of them.
    pub fn sum(&self, of: impl Fn(&T) -> u64) -> u64 {
        self.all().map(of).sum()
    }
}

impl<T: Default> EachWorker<T> {
    /// This worker's set.
    pub fn here(&self) -> &T {
        self.mine()
    }

    /// This worker's set, to keep.
    pub fn keep(&self) -> Arc<T> {
        Arc::clone(self.mine())
    }

    fn mine(&self) -> &Arc<T> {
        let last = self.sets.len() - 1;
        self.sets[worker().index().min(last)].get_or_init(Arc::default)
    }
}
