//! What filters count. Each worker counts on its own; whoever shows the figures adds them up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use wasmtime::{Result, bail, ensure};

/// Stands in every label of what is beyond the limit.
const OTHER: &str = "other";

const LONGEST_LABEL: usize = 128;

/// A metric that a filter declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its name, without what the host puts before it.
    pub name: String,
    /// What it counts.
    pub help: String,
    /// The names of its labels.
    pub labels: Vec<String>,
    /// What kind it is.
    pub kind: Kind,
}

/// What kind of a metric.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It is what it was last.
    Gauge,
    /// Upper bounds.
    Histogram(Vec<f64>),
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// The sum.
    Counter(u64),
    /// The last.
    Gauge(f64),
    /// How many were in each bucket, above all of them too; and their sum.
    Histogram(Vec<u64>, f64),
}

/// A metric with its values by label set, in a stable order.
pub type Counted = (Metric, Vec<(Vec<String>, Value)>);

/// What happened to a metric.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Add(u64),
    Set(f64),
    Observe(f64),
}

type Series = HashMap<Vec<String>, Value>;

/// An entry's metrics, and who counts them.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    declared: Arc<[Metric]>,
    series: usize,
    workers: Mutex<Vec<Weak<Counts>>>,
}

/// What one worker counted.
#[derive(Debug)]
pub(super) struct Counts {
    declared: Arc<[Metric]>,
    most: usize,
    /// By the metric's number. The lock is this worker's, but for the moments in which somebody reads.
    series: Mutex<Vec<Series>>,
}

impl Metrics {
    pub(super) fn new(declared: Vec<Metric>, series: usize) -> Self {
        Self { declared: declared.into(), series, workers: Mutex::default() }
    }

    /// The counts of one more worker.
    pub(super) fn share(&self) -> Arc<Counts> {
        let series = Mutex::new(vec![Series::new(); self.declared.len()]);
        let counts = Arc::new(Counts { declared: Arc::clone(&self.declared), most: self.series, series });
        lock(&self.workers).push(Arc::downgrade(&counts));
        counts
    }

    /// All values, summed over the workers, in a stable order. A gauge is the largest of them.
    pub(super) fn read(&self) -> Vec<Counted> {
        let mut sums = vec![Series::new(); self.declared.len()];
        for counts in lock(&self.workers).iter().filter_map(Weak::upgrade) {
            for (sum, series) in sums.iter_mut().zip(lock(&counts.series).iter()) {
                for (labels, value) in series {
                    match sum.get_mut(labels) {
                        Some(sum) => sum.join(value),
                        None => _ = sum.insert(labels.clone(), value.clone()),
                    }
                }
            }
        }
        let sorted = |series: Series| {
            let mut series: Vec<_> = series.into_iter().collect();
            series.sort_by(|(one, _), (other, _)| one.cmp(other));
            series
        };
        self.declared.iter().cloned().zip(sums.into_iter().map(sorted)).collect()
    }
}

impl Counts {
    /// Takes an event into account; a filter that names what it did not declare fails.
    pub(super) fn record(&self, metric: u32, labels: Vec<String>, event: Event) -> Result<()> {
        let index = usize::try_from(metric).unwrap_or(usize::MAX);
        let Some(declared) = self.declared.get(index) else { bail!("no metric {metric} was declared") };
        ensure!(
            labels.len() == declared.labels.len(),
            "the metric `{}` has {} labels, not {}",
            declared.name,
            declared.labels.len(),
            labels.len()
        );
        let is_known = labels.iter().all(|label| label.len() <= LONGEST_LABEL);
        let mut all = lock(&self.series);
        let series = &mut all[index];
        let has_room = series.len() < self.most;
        let labels = if is_known && (has_room || series.contains_key(&labels)) {
            labels
        } else {
            vec![OTHER.to_owned(); declared.labels.len()]
        };
        let value = series.entry(labels).or_insert_with(|| declared.kind.zero());
        if !value.apply(event, &declared.kind) {
            bail!("the metric `{}` is of another kind", declared.name);
        }
        Ok(())
    }
}

impl Kind {
    fn zero(&self) -> Value {
        match self {
            Self::Counter => Value::Counter(0),
            Self::Gauge => Value::Gauge(0.0),
            Self::Histogram(bounds) => Value::Histogram(vec![0; bounds.len() + 1], 0.0),
        }
    }
}

impl Value {
    /// Whether the event is one of this kind.
    fn apply(&mut self, event: Event, kind: &Kind) -> bool {
        match (self, event, kind) {
            (Self::Counter(sum), Event::Add(amount), _) => *sum = sum.wrapping_add(amount),
            (Self::Gauge(value), Event::Set(new), _) => *value = new,
            (Self::Histogram(buckets, sum), Event::Observe(value), Kind::Histogram(bounds)) => {
                buckets[bounds.iter().take_while(|bound| value > **bound).count()] += 1;
                *sum += value;
            }
            _ => return false,
        }
        true
    }

    fn join(&mut self, other: &Self) {
        match (self, other) {
            (Self::Counter(sum), Self::Counter(more)) => *sum = sum.wrapping_add(*more),
            (Self::Gauge(value), Self::Gauge(other)) => *value = value.max(*other),
            (Self::Histogram(buckets, sum), Self::Histogram(more, other)) => {
                buckets.iter_mut().zip(more).for_each(|(bucket, more)| *bucket += more);
                *sum += other;
            }
            _ => {}
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
