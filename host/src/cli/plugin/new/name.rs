//! Names that a new filter may have: its crate, its folder and its plugin are called so.

use crate::plugin::bundled;

const LONGEST: usize = 64;

/// Names that cargo gives other things, or that the filter's own code uses.
const TAKEN: [&str; 14] = [
    "alloc",
    "build",
    "core",
    "deps",
    "examples",
    "incremental",
    "proc-macro",
    "serde",
    "serde-json",
    "std",
    "test",
    "weir",
    "weir-macros",
    "weir-sdk",
];

/// Rust's keywords: a crate of such a name cannot be named in code.
const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Whether it can be the name of a filter; else what to do.
pub(super) fn check(name: &str) -> Result<(), String> {
    let is_word =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let shown = name.escape_debug();
    if !name.split('-').all(is_word) || name.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(format!("`{shown}` is not a name for a filter: write words of a-z and 0-9, as in `my-filter`"));
    }
    if name.len() > LONGEST {
        return Err(format!("`{shown}` is longer than {LONGEST} characters"));
    }
    if TAKEN.contains(&name) || KEYWORDS.contains(&name) {
        return Err(format!("`{name}` means something to Rust or to this project; choose another, as `my-{name}`"));
    }
    if bundled(name).is_some() {
        return Err(format!("a plugin `{name}` is bundled with weir; choose another name, as `my-{name}`"));
    }
    Ok(())
}
