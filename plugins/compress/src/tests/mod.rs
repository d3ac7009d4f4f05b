//! What is compressed, how, and what is said of it, under the host of a test.

mod accept;
mod breach;
mod faults;
mod requests;
mod responses;
mod validators;

use super::Compress;
use weir::Coding;
use weir::testing::Host;

/// A host with a request that takes these codings, and a JSON response of this length.
fn exchange(takes: Option<&str>, length: u64) -> Host {
    let mut host = Host::new();
    if let Some(takes) = takes {
        host.request.header("accept-encoding", takes);
    }
    host.response.header("content-type", "application/json").header("content-length", length.to_string());
    host
}

/// Both hooks.
fn pass(host: &mut Host, config: &str) {
    let filter: Compress = host.configure(config).unwrap();
    host.on_request(&filter);
    host.on_response(&filter);
}

/// In which coding the response goes on.
fn encoded(host: &Host) -> Option<Coding> {
    host.response.encoded.map(|(coding, _)| coding)
}
