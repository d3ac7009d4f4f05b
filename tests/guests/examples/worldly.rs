//! Imports a function of WASI, and calls it when the request has `x-world`.

use weir::Request;

#[derive(Default)]
struct Worldly;

mod world {
    #![allow(unsafe_code, missing_docs, clippy::all, clippy::pedantic)]
    wit_bindgen::generate!({
        inline: "package wasi:clocks@0.2.0; interface wall-clock { resolution: func() -> u64; } \
                 world worldly { import wall-clock; }",
    });
}

#[weir::filter]
impl Worldly {
    fn on_request(&self, request: &Request) {
        if request.header("x-world").is_some() {
            weir::info!("the clock says {}", world::wasi::clocks::wall_clock::resolution());
        }
    }
}
