//! `weir validate`.

use std::path::Path;
use std::sync::Arc;

use super::run::engine;
use super::{count, has_colours};
use crate::config;
use crate::plugin::Substitutes;
use crate::server::State;

pub(super) fn validate(path: &Path) -> anyhow::Result<()> {
    let config = Arc::new(config::load(path));
    let state = State::build(Arc::clone(&config), &Arc::new(engine()?), None, &Substitutes::new())?;
    let routes: usize = config.sites.iter().map(|site| site.routes.len()).sum();
    let warned = state.warnings.as_ref().map(|warnings| format!(", {}", count(warnings.count() as u64, "warning")));
    println!(
        "{} is sound: {}, {}, {}{}",
        path.display(),
        count(config.sites.len() as u64, "site"),
        count(routes as u64, "route"),
        count(config.entries.len() as u64, "filter"),
        warned.unwrap_or_default()
    );
    if let Some(warnings) = &state.warnings {
        eprintln!("{}", warnings.render(has_colours()));
    }
    Ok(())
}
