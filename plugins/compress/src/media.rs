//! Which media types are worth it.

use weir::Faults;

/// More would be a mistake, and cost every response.
const MOST: usize = 128;

/// What shrinks: texts, and formats of bytes that are not compressed by themselves.
pub(crate) const USUAL: [&str; 18] = [
    "text/*",
    "*+json",
    "*+xml",
    "*+text",
    "application/graphql",
    "application/javascript",
    "application/json",
    "application/toml",
    "application/vnd.ms-fontobject",
    "application/wasm",
    "application/x-javascript",
    "application/x-ndjson",
    "application/xml",
    "application/yaml",
    "font/otf",
    "font/ttf",
    "image/bmp",
    "image/x-icon",
];

/// Media types, `type/*` and `*+suffix`, in small letters.
#[derive(Debug, Default)]
pub(crate) struct Types(Vec<Pattern>);

#[derive(Debug)]
enum Pattern {
    Is(String),
    /// `text/`.
    Begins(String),
    /// `+json`.
    Ends(String),
}

impl Types {
    /// Of what is written; what is wrong is noted at `/types`.
    pub(crate) fn of(written: &[String], faults: &mut Faults) -> Self {
        if written.len() > MOST {
            faults.at("/types", "there are more than 128 types here");
        }
        let mut patterns = Vec::new();
        for (index, text) in written.iter().enumerate() {
            match Pattern::of(text) {
                Some(pattern) => patterns.push(pattern),
                None => {
                    let words = "` is no media type; write one as `text/html`, `text/*` or `*+json`";
                    faults.at(&["/types/", &index.to_string()].concat(), &["`", text, words].concat());
                }
            }
        }
        Self(patterns)
    }

    /// Whether this `Content-Type` is one of them. What belongs to gRPC never is: its messages are compressed one by one,
    /// if at all, and its peers know no content codings.
    pub(crate) fn has(&self, content_type: &str) -> bool {
        let kind = content_type.split(';').next().unwrap_or_default().trim_ascii();
        let begins = |with: &str| kind.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
        let ends = |with: &str| {
            let start = kind.len().checked_sub(with.len()).and_then(|start| kind.get(start..));
            start.is_some_and(|end| end.eq_ignore_ascii_case(with))
        };
        let fits = |pattern: &Pattern| match pattern {
            Pattern::Is(name) => kind.eq_ignore_ascii_case(name),
            Pattern::Begins(with) => begins(with),
            Pattern::Ends(with) => ends(with),
        };
        self.0.iter().any(fits) && !begins("application/grpc")
    }
}

impl Pattern {
    fn of(text: &str) -> Option<Self> {
        let is_token = |part: &str| {
            let is_of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte);
            !part.is_empty() && part.bytes().all(is_of_token)
        };
        let small = text.to_ascii_lowercase();
        if let Some(suffix) = small.strip_prefix("*+") {
            return is_token(suffix).then(|| Self::Ends(["+", suffix].concat()));
        }
        match small.split_once('/')? {
            (kind, "*") => is_token(kind).then(|| Self::Begins([kind, "/"].concat())),
            (kind, name) => (is_token(kind) && is_token(name)).then_some(Self::Is(small)),
        }
    }
}
