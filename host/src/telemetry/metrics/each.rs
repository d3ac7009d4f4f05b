//! One set of counters for each worker.

use std::sync::{Arc, OnceLock};

use super::worker;

/// More workers than there were in the beginning find room for so many more at a time.
const MORE: usize = 16;

/// Counters of one thing, such as a route: a set for each worker, made when that worker first counts.
#[derive(Debug)]
pub struct EachWorker<T> {
    sets: Box<[OnceLock<Arc<T>>]>,
    /// For workers that came later.
    more: OnceLock<Box<EachWorker<T>>>,
    /// For threads that are no workers.
    nobody: OnceLock<Arc<T>>,
}

impl<T> Default for EachWorker<T> {
    fn default() -> Self {
        Self::new(0)
    }
}

impl<T> EachWorker<T> {
    /// For so many workers; more are welcome.
    pub fn new(workers: usize) -> Self {
        let sets = (0..workers).map(|_| OnceLock::new()).collect();
        Self { sets, more: OnceLock::new(), nobody: OnceLock::new() }
    }

    /// The sets that are there.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        let chain = std::iter::successors(Some(self), |each| each.more.get().map(AsRef::as_ref));
        let sets = chain.flat_map(|each| each.sets.iter().chain([&each.nobody]));
        sets.filter_map(|set| set.get().map(AsRef::as_ref))
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
        match worker().seat() {
            Some(seat) => self.at(seat),
            None => self.nobody.get_or_init(Arc::default),
        }
    }

    fn at(&self, seat: usize) -> &Arc<T> {
        match self.sets.get(seat) {
            Some(mine) => mine.get_or_init(Arc::default),
            None => self.more.get_or_init(|| Box::new(Self::new(MORE))).at(seat - self.sets.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Counter, Seat};
    use super::*;

    #[test]
    fn every_worker_has_its_own_and_none_is_lost() {
        let each = Arc::new(EachWorker::<Counter>::new(2));
        each.here().add(1);
        let workers: Vec<_> = (0..40)
            .map(|_| {
                let each = Arc::clone(&each);
                std::thread::spawn(move || {
                    let _seat = Seat::take();
                    (0..1000).for_each(|_| each.here().add(1));
                })
            })
            .collect();
        for worker in workers {
            worker.join().unwrap();
        }
        assert_eq!(each.sum(Counter::get), 40_001);
    }
}
