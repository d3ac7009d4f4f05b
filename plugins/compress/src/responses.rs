//! Which responses are compressed, and what their fields say then.

use weir::{Coding, Refusal, Request, Response, Result, exchange};

use crate::told::Told;
use crate::{Compress, etag, lists};

impl Compress {
    /// Compresses the response, if it may be and is worth it.
    pub(crate) fn encode(&self, request: &Request, response: &mut Response) -> Result<()> {
        let Some(kind) = response.header_str("content-type") else { return Ok(()) };
        if !self.types.has(&kind) || response.header("content-encoding").is_some_and(|coding| coding != b"identity") {
            return Ok(());
        }
        let caching = response.header_values("cache-control");
        if lists::has(&caching, "no-transform") {
            return Ok(());
        }
        let told = Told::kept();
        let is_small = length(response).is_some_and(|length| length < self.least);
        if is_small && !told.as_ref().is_some_and(|told| told.refuses_identity) {
            return Ok(());
        }
        vary(response)?;
        let Some(told) = told else { return Ok(()) };
        if lists::has(&request.header_values("cache-control"), "no-transform") {
            return Ok(());
        }
        // What is public holds nobody's secret.
        if told.is_foreign && !lists::has(&caching, "public") {
            exchange::note("breach");
            return Ok(());
        }
        self.with_the_first(&told.codings, response);
        Ok(())
    }

    /// Another coding may need less memory than the one that there is no room for.
    fn with_the_first(&self, codings: &[Coding], response: &mut Response) {
        for coding in codings {
            let level = self.codings.iter().find(|(known, _)| known == coding).map(|(_, level)| *level);
            match response.encode(*coding, level) {
                Ok(()) => {
                    exchange::note(name(*coding));
                    return;
                }
                Err(Refusal::TooLarge) => {}
                // A coding stands there that this filter did not look for.
                Err(_) => return,
            }
        }
        exchange::note("no-room");
    }

    /// The fields that a 200 would have had, as far as a 304 can tell.
    pub(crate) fn not_modified(&self, request: &Request, response: &mut Response) -> Result<()> {
        if response.header_str("content-type").is_some_and(|kind| !self.types.has(&kind))
            || lists::has(&response.header_values("cache-control"), "no-transform")
        {
            return Ok(());
        }
        vary(response)?;
        if let Some(tag) = response.header("etag")
            && etag::is_held_weakly(&request.header_values("if-none-match"), &tag)
        {
            response.set_header("etag", [b"W/", tag.as_slice()].concat())?;
        }
        Ok(())
    }
}

/// How the coding is called in fields.
fn name(coding: Coding) -> &'static str {
    match coding {
        Coding::Gzip => "gzip",
        Coding::Brotli => "br",
        Coding::Zstd => "zstd",
        Coding::Deflate => "deflate",
    }
}

fn length(response: &Response) -> Option<u64> {
    response.header_str("content-length")?.parse().ok()
}

/// Says that the response depends on what the client takes, once.
fn vary(response: &mut Response) -> Result<()> {
    let is_there = response.header("vary").is_some() && {
        let values = response.header_values("vary");
        lists::has(&values, "accept-encoding") || lists::has(&values, "*")
    };
    if !is_there {
        response.append_header("vary", "Accept-Encoding")?;
    }
    Ok(())
}
