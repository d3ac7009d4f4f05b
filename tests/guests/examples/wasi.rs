//! Imports a clock of WASI, and reads it when the request has `x-clock`.

use weir::Request;

#[derive(Default)]
struct Wasi;

mod wasi {
    #![allow(unsafe_code, missing_docs, clippy::all, clippy::pedantic)]
    wit_bindgen::generate!({
        inline: "package wasi:clocks@0.2.0; interface monotonic-clock { now: func() -> u64; } world w { import monotonic-clock; }",
    });
}

#[weir::filter]
impl Wasi {
    fn on_request(&self, request: &Request) {
        if request.header("x-clock").is_some() {
            std::hint::black_box(wasi::wasi::clocks::monotonic_clock::now());
        }
    }
}
