//! What a message says of its body: type, charset and codings.

use weir::Coding;

/// Types of bodies, in which a `*` may stand for anything.
#[derive(Debug, Default)]
pub(crate) struct Types(Vec<String>);

impl Types {
    /// The patterns, or the place of one that is none.
    pub(crate) fn new(patterns: &[String]) -> Result<Self, usize> {
        let is_pattern = |pattern: &String| {
            let is_token = |text: &str| {
                !text.is_empty()
                    && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-*".contains(&byte))
            };
            pattern.split_once('/').is_some_and(|(kind, name)| is_token(kind) && is_token(name))
                && pattern.matches('*').count() < 2
        };
        match patterns.iter().position(|pattern| !is_pattern(pattern)) {
            Some(index) => Err(index),
            None => Ok(Self(patterns.iter().map(|pattern| pattern.to_ascii_lowercase()).collect())),
        }
    }

    /// Whether one of them is this type.
    fn have(&self, kind: &str) -> bool {
        self.0.iter().any(|pattern| match pattern.split_once('*') {
            None => pattern == kind,
            Some((start, end)) => {
                kind.len() >= start.len() + end.len() && kind.starts_with(start) && kind.ends_with(end)
            }
        })
    }

    /// As `Accept` has them: what has no form there is left out.
    pub(crate) fn accept(&self) -> String {
        let whole = |pattern: &&String| !pattern.contains('*') || pattern.ends_with("/*");
        self.0.iter().filter(whole).map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

/// What `Content-Type` comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Right,
    None,
    Other,
    /// The right type in a charset that JSON does not have.
    Charset,
}

/// Reads `Content-Type`.
pub(crate) fn kind(types: &Types, fields: &[Vec<u8>]) -> Kind {
    let field = match fields {
        [] => return Kind::None,
        [field] => field,
        _ => return Kind::Other,
    };
    let Ok(field) = std::str::from_utf8(field) else { return Kind::Other };
    let mut parts = field.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
    if !types.have(&kind) {
        return Kind::Other;
    }
    for part in parts {
        if let Some((name, value)) = part.split_once('=')
            && name.trim().eq_ignore_ascii_case("charset")
            && !value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        {
            return Kind::Charset;
        }
    }
    Kind::Right
}

/// What `Content-Encoding` comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coded {
    Not,
    With(Coding),
    /// In several, or in one that nobody here knows.
    Unknown,
}

/// Reads `Content-Encoding`.
pub(crate) fn coded(fields: &[Vec<u8>]) -> Coded {
    let field = match fields {
        [] => return Coded::Not,
        [field] => field,
        _ => return Coded::Unknown,
    };
    match field.trim_ascii().to_ascii_lowercase().as_slice() {
        b"" | b"identity" => Coded::Not,
        b"gzip" | b"x-gzip" => Coded::With(Coding::Gzip),
        b"br" => Coded::With(Coding::Brotli),
        b"zstd" => Coded::With(Coding::Zstd),
        b"deflate" => Coded::With(Coding::Deflate),
        _ => Coded::Unknown,
    }
}
