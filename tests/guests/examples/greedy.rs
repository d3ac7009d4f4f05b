//! Imports what no host offers, beside a hook that does nothing.

#[derive(Default)]
struct Greedy;

mod greedy {
    #![allow(unsafe_code, missing_docs, clippy::all, clippy::pedantic)]
    wit_bindgen::generate!({
        inline: "package weir:filter@0.1.0; interface everything { grab: func(); } world greedy { import everything; }",
    });
}

#[weir::filter]
impl Greedy {
    fn on_request(&self) {
        greedy::weir::filter::everything::grab();
    }
}
