//! Configurations: whatever the text, there is no panic, and what is wrong has words that can be shown.

use std::path::PathBuf;

use weir_host::config::{self, Report, Source};
use weir_host::routing::Router;

/// Panics if something does not hold for this text.
pub fn check(text: &str) {
    // What is read here is the text, not the files of this machine.
    if ["include", "file", "ca", "cert", "key"].iter().any(|key| text.contains(&format!("{key}:"))) {
        return;
    }
    let config = config::parse(Source { path: PathBuf::from("nowhere/weir.yaml"), text: text.to_owned() });
    for fault in config.faults.iter().chain(&config.warnings) {
        assert!(!fault.message.trim().is_empty(), "a fault without words: {text:?}");
        assert!(fault.place.is_some(), "`{}` has no place: {text:?}", fault.message);
        let one = Report::new(&config.sources, vec![fault.clone()]).render(false);
        assert!(one.contains("weir.yaml:"), "`{}` shows no line: {text:?}", fault.message);
        let is_order = |character: char| character.is_control() && character != '\n';
        assert!(!one.contains(is_order), "a terminal would obey {one:?}: {text:?}");
    }
    match config.sound(Vec::new()) {
        Err(report) => assert!(report.render(true).contains("error"), "{text:?}"),
        Ok(()) => {
            assert!(!config.sites.is_empty() && !config.listeners.is_empty(), "{text:?}");
            Router::new(&config);
        }
    }
}
