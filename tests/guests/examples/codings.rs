//! Encodes or decodes a body as it streams, as its configuration says.

use serde::Deserialize;
use weir::{Coding, Fault, Refusal, Request, Response, Result};

#[derive(Clone, Copy, Deserialize, weir::Config)]
#[serde(rename_all = "lowercase")]
enum Name {
    Gzip,
    Brotli,
    Zstd,
    Deflate,
}

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Of the request; otherwise of the response.
    #[serde(default)]
    request: bool,
    decode: Option<Name>,
    /// The most bytes that may come of decoding.
    #[serde(default = "mebibyte")]
    max: u64,
    encode: Option<Name>,
    level: Option<u8>,
}

fn mebibyte() -> u64 {
    1 << 20
}

struct Codings(Config);

#[weir::filter]
impl Codings {
    fn configure(config: Config) -> std::result::Result<Self, Fault> {
        Ok(Self(config))
    }

    fn on_request(&self, request: &mut Request) -> Result<()> {
        if self.0.request {
            let decoded = self.0.decode.map(|name| request.decode(coding(name), self.0.max));
            let encoded = self.0.encode.map(|name| request.encode(coding(name), self.0.level));
            request.set_header("x-coded", said([decoded, encoded]))?;
        }
        Ok(())
    }

    fn on_response(&self, response: &mut Response) -> Result<()> {
        if !self.0.request {
            let decoded = self.0.decode.map(|name| response.decode(coding(name), self.0.max));
            let encoded = self.0.encode.map(|name| response.encode(coding(name), self.0.level));
            response.append_header("x-coded", said([decoded, encoded]))?;
        }
        Ok(())
    }
}

fn coding(name: Name) -> Coding {
    match name {
        Name::Gzip => Coding::Gzip,
        Name::Brotli => Coding::Brotli,
        Name::Zstd => Coding::Zstd,
        Name::Deflate => Coding::Deflate,
    }
}

fn said(results: [Option<std::result::Result<(), Refusal>>; 2]) -> String {
    let words = results.into_iter().flatten().map(|result| result.map_or_else(|refusal| refusal.name(), |()| "done"));
    words.collect::<Vec<_>>().join(" ")
}
