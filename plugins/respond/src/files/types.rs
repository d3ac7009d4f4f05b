//! What files are, by the endings of their names.

use weir::{Faults, fields};

use crate::written::Pairs;

/// Endings of the operator's, before those that are known.
pub(crate) struct Types(Vec<(String, String)>);

const MOST: usize = 256;

const UNKNOWN: &str = "application/octet-stream";

const KNOWN: [(&str, &str); 49] = [
    ("html", "text/html; charset=utf-8"),
    ("htm", "text/html; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("map", "application/json"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
    ("avif", "image/avif"),
    ("ico", "image/vnd.microsoft.icon"),
    ("bmp", "image/bmp"),
    ("woff2", "font/woff2"),
    ("woff", "font/woff"),
    ("ttf", "font/ttf"),
    ("otf", "font/otf"),
    ("txt", "text/plain; charset=utf-8"),
    ("md", "text/markdown; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("ics", "text/calendar; charset=utf-8"),
    ("vtt", "text/vtt; charset=utf-8"),
    ("xml", "application/xml"),
    ("xhtml", "application/xhtml+xml"),
    ("rss", "application/rss+xml"),
    ("atom", "application/atom+xml"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("wasm", "application/wasm"),
    ("webmanifest", "application/manifest+json"),
    ("jsonld", "application/ld+json"),
    ("pdf", "application/pdf"),
    ("zip", "application/zip"),
    ("gz", "application/gzip"),
    ("tar", "application/x-tar"),
    ("epub", "application/epub+zip"),
    ("mp4", "video/mp4"),
    ("webm", "video/webm"),
    ("mpeg", "video/mpeg"),
    ("mp3", "audio/mpeg"),
    ("m4a", "audio/mp4"),
    ("ogg", "audio/ogg"),
    ("opus", "audio/ogg"),
    ("wav", "audio/wav"),
    ("flac", "audio/flac"),
    ("doc", "application/msword"),
];

impl Types {
    /// The endings that are written, with or without their dot.
    pub(crate) fn new(written: Pairs<String>, faults: &mut Faults) -> Self {
        if written.0.len() > MOST {
            faults.at("/types", "there are more than 256 endings here");
        }
        let mut types = Vec::with_capacity(written.0.len());
        for (ending, kind) in written.0 {
            let pointer = ["/types/", &ending.replace('~', "~0").replace('/', "~1")].concat();
            let name = ending.strip_prefix('.').unwrap_or(&ending);
            if name.is_empty() || name.contains(['.', '/']) {
                faults.at(&pointer, "this is the end of a name behind its last dot, as in `wasm`");
            }
            let is_type = kind.split_once('/').is_some_and(|(kind, rest)| !kind.is_empty() && !rest.is_empty());
            if !is_type {
                faults.at(&pointer, "a type is written as in `application/wasm`");
            }
            fields::check_value(faults, &pointer, &kind);
            types.push((name.to_ascii_lowercase(), kind));
        }
        Self(types)
    }

    /// The type of a file.
    pub(crate) fn of(&self, path: &str) -> &str {
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        let Some((_, ending)) = name.rsplit_once('.') else { return UNKNOWN };
        let own = self.0.iter().map(|(known, kind)| (known.as_str(), kind.as_str()));
        own.chain(KNOWN).find(|(known, _)| ending.eq_ignore_ascii_case(known)).map_or(UNKNOWN, |(_, kind)| kind)
    }
}
