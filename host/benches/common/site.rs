//! Where chains are measured.

use std::sync::Arc;

use tempfile::TempDir;
use weir_host::plugin::{CompiledCache, Engine, Nowhere, Outbound};

use super::lane::{Asked, Lane, Meets};
use super::stopwatch::ROUNDS;

pub(crate) struct Site {
    engine: Arc<Engine>,
    /// What filters' own requests go to: nowhere, if nobody says other.
    pub(crate) outbound: Arc<dyn Outbound>,
    /// What their documents are in.
    folder: TempDir,
    /// Stores, as the configuration has them: `shared: { memory: 1MiB }`.
    pub(crate) stores: String,
}

impl Site {
    pub(crate) fn new() -> Self {
        let engine = Arc::new(Engine::new(CompiledCache::from_environment()).expect("the engine starts"));
        let folder = tempfile::tempdir().expect("a folder");
        Self { engine, outbound: Arc::new(Nowhere), folder, stores: String::new() }
    }

    /// A file, as a configuration names it.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("room for a file");
        format!("{{ file: \"{}\" }}", path.display())
    }

    pub(crate) async fn lane(&self, chain: &str, asked: &Arc<[Asked]>, meets: Meets) -> Lane {
        Lane::new(&self.engine, &self.outbound, &self.stores, chain, asked, meets).await
    }

    /// Nanoseconds that this chain adds to these requests.
    pub(crate) async fn cost(&self, chain: &str, asked: Vec<Asked>, meets: Meets) -> f64 {
        let asked: Arc<[Asked]> = asked.into();
        let (bare, with) = (self.lane("", &asked, meets).await, self.lane(chain, &asked, meets).await);
        let (mut least, mut most) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..ROUNDS {
            least = least.min(bare.round().await);
            most = most.min(with.round().await);
        }
        most - least
    }
}
