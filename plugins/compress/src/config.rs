//! The entry's `config`, and what becomes of it.

use serde::Deserialize;
use weir::config::Size;
use weir::{Coding, Faults};

use crate::Compress;
use crate::breach::Breach;
use crate::media::{Types, USUAL};
use crate::requests::Requests;

/// The entry's `config`.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Media types that are compressed: `text/html`, `text/*` or `*+json`.
    #[serde(default = "types")]
    #[weir(default = [
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
    ])]
    types: Vec<String>,
    /// Bodies that are known to be shorter stay as they are.
    #[serde(default = "min_size")]
    #[weir(default = "1KiB")]
    min_size: Size,
    /// Codings that are used; where a client likes several as much, the first of them.
    #[serde(default = "codings")]
    #[weir(default = ["zstd", "gzip", "br"])]
    codings: Vec<Name>,
    /// How hard each coding tries: higher ones are slower, and make a little less of it.
    #[serde(default)]
    level: Level,
    /// What upstreams are told of what the client takes.
    #[serde(default)]
    #[weir(default = "pass")]
    upstream: Upstream,
    /// Which answers to requests with credentials stay as they are, so that their length tells nothing of secrets.
    #[serde(default)]
    #[weir(default = "cross-site")]
    breach: Breach,
    /// Requests whose bodies are compressed.
    #[serde(default)]
    request: Request,
}

/// A coding, as in `Accept-Encoding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, weir::Config)]
#[serde(rename_all = "lowercase")]
enum Name {
    Gzip,
    Br,
    Zstd,
}

/// Levels are the codings' own.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Level {
    /// 1 to 9.
    #[serde(default = "five")]
    #[weir(default = 5)]
    gzip: u8,
    /// 0 to 6.
    #[serde(default = "four")]
    #[weir(default = 4)]
    br: u8,
    /// 1 to 9.
    #[serde(default = "three")]
    #[weir(default = 3)]
    zstd: u8,
}

/// What upstreams are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, weir::Config)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Upstream {
    /// `Accept-Encoding` goes on; what an upstream has compressed stays as it is.
    #[default]
    Pass,
    /// `Accept-Encoding` is taken away: upstreams do not compress, and filters between see bodies that can be read.
    Identity,
}

/// Requests.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Request {
    /// Decode bodies before they go to the upstream.
    #[serde(default)]
    decode: bool,
    /// The most decoded bytes.
    #[serde(default = "max")]
    #[weir(default = "10MiB")]
    max: Size,
    /// The most decoded bytes for each byte that was sent; the first 64 KiB are free.
    #[serde(default = "hundred")]
    #[weir(default = 100)]
    ratio: u32,
    /// So much is decoded before the upstream is asked: what is found wrong in it never reaches it. At most `1MiB`.
    #[serde(default = "buffer")]
    #[weir(default = "64KiB")]
    buffer: Size,
}

impl Default for Level {
    fn default() -> Self {
        Self { gzip: five(), br: four(), zstd: three() }
    }
}

impl Default for Request {
    fn default() -> Self {
        Self { decode: false, max: max(), ratio: hundred(), buffer: buffer() }
    }
}

fn types() -> Vec<String> {
    USUAL.map(str::to_owned).to_vec()
}

fn min_size() -> Size {
    Size::from(1 << 10)
}

fn codings() -> Vec<Name> {
    vec![Name::Zstd, Name::Gzip, Name::Br]
}

fn five() -> u8 {
    5
}

fn four() -> u8 {
    4
}

fn three() -> u8 {
    3
}

fn max() -> Size {
    Size::from(10 << 20)
}

fn hundred() -> u32 {
    100
}

fn buffer() -> Size {
    Size::from(64 << 10)
}

/// What the host lets a filter wait for unless the operator says other.
const MOST_BUFFERED: u64 = 1 << 20;

impl Config {
    /// What is to be done; what is wrong is noted.
    pub(crate) fn into_filter(self, faults: &mut Faults) -> Compress {
        let level = self.level;
        for (pointer, level, least, most, words) in [
            ("/level/gzip", level.gzip, 1, 9, "gzip has levels 1 to 9"),
            (
                "/level/br",
                level.br,
                0,
                6,
                "br has levels 0 to 6 here: those above are too slow for answers on their way",
            ),
            (
                "/level/zstd",
                level.zstd,
                1,
                9,
                "zstd has levels 1 to 9 here: those above are too slow for answers on their way",
            ),
        ] {
            if !(least..=most).contains(&level) {
                faults.at(pointer, words);
            }
        }
        if self.codings.is_empty() {
            faults.at("/codings", "no coding is left to compress with; name `gzip`, `br` or `zstd`");
        }
        for (index, name) in self.codings.iter().enumerate() {
            if self.codings[..index].contains(name) {
                faults.at(&["/codings/", &index.to_string()].concat(), "this coding stands here twice");
            }
        }
        let codings = self.codings.iter().map(|name| match name {
            Name::Gzip => (Coding::Gzip, level.gzip),
            Name::Br => (Coding::Brotli, level.br),
            Name::Zstd => (Coding::Zstd, level.zstd),
        });
        Compress {
            types: Types::of(&self.types, faults),
            least: self.min_size.bytes(),
            codings: codings.collect(),
            upstream: self.upstream,
            breach: self.breach,
            requests: self.request.settle(faults),
        }
    }
}

impl Request {
    fn settle(self, faults: &mut Faults) -> Option<Requests> {
        if self.max.bytes() == 0 {
            faults.at("/request/max", "nothing could be decoded; write at least `1B`");
        }
        if self.ratio == 0 {
            faults.at("/request/ratio", "nothing could be decoded; a ratio is at least 1");
        }
        let first = u32::try_from(self.buffer.bytes()).ok().filter(|first| u64::from(*first) <= MOST_BUFFERED);
        if first.is_none() {
            faults.at("/request/buffer", "at most `1MiB` can be decoded before the upstream is asked");
        }
        let requests = Requests { most: self.max.bytes(), ratio: self.ratio, first: first.unwrap_or_default() };
        self.decode.then_some(requests)
    }
}
