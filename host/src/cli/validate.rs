//! `weir validate`.

use std::path::Path;
use std::sync::Arc;

use super::count;
use super::run::engine;
use crate::config;
use crate::server::State;

pub(super) fn validate(path: &Path) -> anyhow::Result<()> {
    let config = config::load(path);
    State::build(&config, &Arc::new(engine()?), None)?;
    let routes: usize = config.sites.iter().map(|site| site.routes.len()).sum();
    println!(
        "{} is sound: {}, {}, {}",
        path.display(),
        count(config.sites.len() as u64, "site"),
        count(routes as u64, "route"),
        count(config.entries.len() as u64, "filter")
    );
    Ok(())
}
