//! `weir validate`.

use std::path::Path;
use std::sync::Arc;

use super::run::engine;
use crate::config;
use crate::server::State;

pub(super) fn validate(path: &Path) -> anyhow::Result<()> {
    let config = config::load(path);
    State::build(&config, &Arc::new(engine()?), None)?;
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let routes = config.sites.iter().map(|site| site.routes.len()).sum();
    println!(
        "{} is sound: {}, {}, {}",
        path.display(),
        count(config.sites.len(), "site"),
        count(routes, "route"),
        count(config.entries.len(), "filter")
    );
    Ok(())
}
