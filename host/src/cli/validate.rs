//! `weir validate`.

use std::path::Path;
use std::sync::Arc;

use super::run::engine;
use crate::config;
use crate::server::State;

pub(super) fn validate(path: &Path) -> anyhow::Result<()> {
    let config = config::load(path)?;
    State::build(&config, &Arc::new(engine()?), None)?;
    let filters = if config.chain.len() == 1 { "filter" } else { "filters" };
    let routes = if config.routes.len() == 1 { "route" } else { "routes" };
    println!("{} is sound: {} {routes}, {} {filters}", path.display(), config.routes.len(), config.chain.len());
    Ok(())
}
