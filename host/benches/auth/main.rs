//! What proving an identity costs, without a network: `cargo bench -p weir --profile dist --bench auth`.
//!
//! Each row is what a filter adds to an exchange: CPU time of the one thread that a worker is, with the filter less
//! without it, the best of five rounds that take turns. Its requests are many different ones, as far as that matters,
//! and each of them was seen to meet what it is to meet before anything is measured. Behind the rows stand the bars,
//! and a control that must miss its bar: if it does not, nothing here is to be trusted.

mod key;
mod lane;
mod native;
mod others;
mod peers;
mod report;
mod rules;
mod stopwatch;
mod token;
mod tokens;

use std::sync::Arc;

use lane::{Asked, Lane, Meets};
use report::Report;
use stopwatch::ROUNDS;
use tempfile::TempDir;
use tokio::runtime::{Builder, LocalOptions};
use weir_host::plugin::{CompiledCache, Engine, Nowhere, Outbound};

fn main() {
    let engine = Arc::new(Engine::new(CompiledCache::from_environment()).expect("the engine starts"));
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).expect("a runtime");
    let (mut site, mut report) = (Site::new(engine), Report::default());
    runtime.block_on(async {
        token::measure(&site, &mut report).await;
        key::measure(&site, &mut report).await;
        rules::measure(&site, &mut report).await;
        others::measure(&mut site).await;
    });
    report.print();
}

/// Where chains are measured.
struct Site {
    engine: Arc<Engine>,
    outbound: Arc<dyn Outbound>,
    /// What their documents are in.
    folder: TempDir,
}

impl Site {
    fn new(engine: Arc<Engine>) -> Self {
        Self { engine, outbound: Arc::new(Nowhere), folder: tempfile::tempdir().expect("a folder") }
    }

    /// A file, as a configuration names it.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("room for a file");
        format!("{{ file: \"{}\" }}", path.display())
    }

    async fn lane(&self, chain: &str, asked: &Arc<[Asked]>, meets: Meets) -> Lane {
        Lane::new(&self.engine, &self.outbound, chain, asked, meets).await
    }

    /// Nanoseconds that this chain adds to these requests.
    async fn cost(&self, chain: &str, asked: Vec<Asked>, meets: Meets) -> f64 {
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
