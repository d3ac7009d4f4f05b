//! How long files may be kept, by their paths.

use weir::{Faults, fields};

use crate::written::Pairs;

/// What is said of which files; the first that fits.
pub(crate) struct CacheControl(Vec<(Pattern, String)>);

const MOST: usize = 64;

enum Pattern {
    All,
    /// What ends so: `*.html`.
    Ending(String),
    /// What is below this folder, which ends with a slash.
    Below(String),
    Exact(String),
}

impl CacheControl {
    /// Reads what is written; what is wrong is noted.
    pub(crate) fn new(written: Pairs<String>, faults: &mut Faults) -> Self {
        if written.0.len() > MOST {
            faults.at("/cache_control", "there are more than 64 patterns here");
        }
        let mut rules = Vec::with_capacity(written.0.len());
        for (pattern, value) in written.0 {
            let pointer = ["/cache_control/", &pattern.replace('~', "~0").replace('/', "~1")].concat();
            fields::check_value(faults, &pointer, &value);
            match Pattern::parse(&pattern) {
                Some(pattern) => rules.push((pattern, value)),
                None => faults.at(&pointer, "a pattern is `*`, `*.html`, `/assets/*` or `/index.html`"),
            }
        }
        Self(rules)
    }

    /// What is said of a file, if something is.
    pub(crate) fn of(&self, path: &str) -> Option<&str> {
        self.0.iter().find(|(pattern, _)| pattern.fits(path)).map(|(_, value)| value.as_str())
    }
}

impl Pattern {
    fn parse(text: &str) -> Option<Self> {
        let is_plain = |text: &str| !text.contains('*');
        if text == "*" || text == "/*" {
            return Some(Self::All);
        }
        if let Some(ending) = text.strip_prefix("*.") {
            return (is_plain(ending) && !ending.is_empty() && !ending.contains('/'))
                .then(|| Self::Ending([".", ending].concat()));
        }
        let path = text.strip_prefix('/')?;
        match path.strip_suffix('*') {
            Some(folder) => (is_plain(folder) && folder.ends_with('/')).then(|| Self::Below(folder.to_owned())),
            None => (is_plain(path) && !path.is_empty()).then(|| Self::Exact(path.to_owned())),
        }
    }

    fn fits(&self, path: &str) -> bool {
        match self {
            Self::All => true,
            Self::Ending(ending) => path.ends_with(ending.as_str()),
            Self::Below(folder) => path.starts_with(folder.as_str()),
            Self::Exact(exact) => path == exact,
        }
    }
}
