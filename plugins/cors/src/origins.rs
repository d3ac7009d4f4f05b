//! Which origins are allowed.

use weir::Faults;

use crate::config::Entry;
use crate::origin::Origin;
use crate::pattern::{self, Pattern};

/// Those that may read responses.
#[derive(Debug)]
pub(crate) enum Origins {
    /// Every page, without credentials.
    Any,
    These(These),
}

#[derive(Debug, Default)]
pub(crate) struct These {
    /// In order, each as browsers write it.
    exact: Vec<String>,
    patterns: Vec<Pattern>,
    /// Whether `null` is written: pages without an origin of their own, as those in sandboxed frames.
    null: bool,
}

/// More would be a mistake.
const MOST: usize = 1_000;

/// Each of them may be compared with an origin.
const MOST_PATTERNS: usize = 32;

impl Origins {
    /// What is written; what is wrong is noted.
    pub(crate) fn of(written: &[Entry], credentials: bool, faults: &mut Faults) -> Self {
        if written.is_empty() {
            faults.at("/origins", "no origin could read a response; write those that may, as `https://app.example`");
        }
        if written.len() > MOST {
            faults.at("/origins", "there are more than 1000 origins here");
        }
        let (mut these, mut is_any) = (These::default(), false);
        for (index, entry) in written.iter().take(MOST).enumerate() {
            let mut fault = |words: &str| faults.at(&["/origins/", &index.to_string()].concat(), words);
            let read = match entry {
                Entry::Text(text) => match text.as_str() {
                    "*" if credentials => Err(ANY_WITH_CREDENTIALS.to_owned()),
                    "*" if written.len() > 1 => Err("`*` is every origin; nothing can stand beside it".to_owned()),
                    "*" => {
                        is_any = true;
                        Ok(())
                    }
                    "null" if credentials => Err(NULL_WITH_CREDENTIALS.to_owned()),
                    "null" => {
                        these.null = true;
                        Ok(())
                    }
                    text if text.contains('*') => pattern::wildcard(text)
                        .map(|pattern| these.patterns.push(pattern))
                        .map_err(|words| about(text, words)),
                    text => Origin::parse(text)
                        .map(|origin| these.exact.push(origin.into_text()))
                        .map_err(|words| about(text, words)),
                },
                Entry::Regex(regex) => pattern::regex(regex)
                    .map(|pattern| these.patterns.push(pattern))
                    .map_err(|words| about(regex, &words)),
            };
            if let Err(words) = read {
                fault(&words);
            }
        }
        if these.patterns.len() > MOST_PATTERNS {
            faults.at("/origins", "there are more than 32 patterns here; origins without one may be many more");
        }
        these.exact.sort_unstable();
        if is_any { Self::Any } else { Self::These(these) }
    }

    pub(crate) fn is_any(&self) -> bool {
        matches!(self, Self::Any)
    }

    /// Whether this is allowed, as it came.
    pub(crate) fn has(&self, origin: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::These(these) => these.has(origin),
        }
    }
}

const ANY_WITH_CREDENTIALS: &str = "with `credentials: true`, `*` would let every page on the web act as its visitor, and browsers refuse it; write \
     the origins that may";

const NULL_WITH_CREDENTIALS: &str = "with `credentials: true`, `null` would let every page on the web act as its visitor, because any page can make \
     itself a frame whose origin is `null`";

fn about(written: &str, words: &str) -> String {
    ["`", written, "`: ", words].concat()
}

impl These {
    fn has(&self, origin: &[u8]) -> bool {
        // As browsers send it.
        if self.exact.binary_search_by(|known| known.as_bytes().cmp(origin)).is_ok() {
            return true;
        }
        if origin == b"null" {
            return self.null;
        }
        let Some(origin) = str::from_utf8(origin).ok().and_then(|text| Origin::parse(text).ok()) else { return false };
        self.exact.binary_search_by(|known| known.as_str().cmp(origin.text())).is_ok()
            || self.patterns.iter().any(|pattern| pattern.fits(&origin))
    }
}
