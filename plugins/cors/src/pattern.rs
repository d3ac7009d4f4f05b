//! Entries of `origins` that stand for many: with a `*`, or as a regular expression.

use regex_lite::{Regex, RegexBuilder};

use crate::origin::Origin;

/// What is not one origin alone.
#[derive(Debug)]
pub(crate) enum Pattern {
    Wildcard(Wildcard),
    Regex(Regex),
}

/// `https://*.example.com`, `http://localhost:*`.
#[derive(Debug)]
pub(crate) struct Wildcard {
    /// What is written around the stars.
    around: Origin,
    /// Whether a label stands in front of the host.
    is_below: bool,
    is_any_port: bool,
}

/// A text with a star, other than `*` alone.
pub(crate) fn wildcard(written: &str) -> Result<Pattern, &'static str> {
    let (rest, is_any_port) = written.strip_suffix(":*").map_or((written, false), |rest| (rest, true));
    let is_below = rest.contains("://*.");
    let rest = rest.replacen("://*.", "://", 1);
    if rest.contains('*') {
        return Err(
            "`*` stands for every origin alone, for the first label of a host as in `https://*.example.com`, or \
                    for any port as in `http://localhost:*`; what else fits is told by `{ regex: ... }`",
        );
    }
    Ok(Pattern::Wildcard(Wildcard { around: Origin::parse(&rest)?, is_below, is_any_port }))
}

/// Of a regular expression as it is written.
const LONGEST: usize = 512;

/// A program of this many bytes takes an origin of the longest kind well within the time of a hook.
const PROGRAM: usize = 16 << 10;

/// The stack of a component is small.
const DEEPEST: u32 = 16;

/// What whoever owns a few names cannot have meant: `.invalid` is nobody's.
const NOBODYS: [&str; 5] = [
    "https://weir.invalid",
    "http://weir.invalid",
    "https://www.weir.invalid",
    "https://weir-7.invalid:8443",
    "http://a.b.weir7.invalid:3000",
];

/// A regular expression that an origin fits as a whole.
pub(crate) fn regex(written: &str) -> Result<Pattern, String> {
    if written.len() > LONGEST {
        return Err("a regular expression has at most 512 bytes".to_owned());
    }
    if has_bare_dot(written) {
        return Err("`.` stands for any character here: write `\\.` for a dot, or a class as `[a-z0-9-]+`".to_owned());
    }
    let build = |text: &str| {
        let mut builder = RegexBuilder::new(text);
        builder
            .case_insensitive(true)
            .size_limit(PROGRAM)
            .nest_limit(DEEPEST)
            .build()
            .map_err(|error| error.to_string())
    };
    // Alone first: `a)|(b` is one only when something stands around it.
    build(written)?;
    let whole = build(&["^(?:", written, ")$"].concat())?;
    if let Some(nobodys) = NOBODYS.iter().find(|nobodys| whole.is_match(nobodys)) {
        return Err(
            ["it fits origins of everybody, as `", nobodys, "`; write `*` if every page may read responses"].concat()
        );
    }
    Ok(Pattern::Regex(whole))
}

/// Whether there is a dot that is neither escaped nor in a class.
fn has_bare_dot(written: &str) -> bool {
    let (mut depth, mut bytes) = (0_u32, written.bytes());
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => _ = bytes.next(),
            b'[' => depth += 1,
            b']' => depth = depth.saturating_sub(1),
            b'.' if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

impl Pattern {
    pub(crate) fn fits(&self, origin: &Origin) -> bool {
        match self {
            Self::Wildcard(wildcard) => wildcard.fits(origin),
            Self::Regex(regex) => regex.is_match(origin.text()),
        }
    }
}

impl Wildcard {
    fn fits(&self, origin: &Origin) -> bool {
        let is_host = if self.is_below {
            let label = origin.host().strip_suffix(self.around.host()).and_then(|rest| rest.strip_suffix('.'));
            label.is_some_and(|label| !label.is_empty() && !label.contains('.'))
        } else {
            origin.host() == self.around.host()
        };
        is_host && origin.scheme() == self.around.scheme() && (self.is_any_port || origin.port() == self.around.port())
    }
}
