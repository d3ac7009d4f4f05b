//! What is generated from `wit/`. Nothing else in this crate knows the generator.

// One world per hook, because the section that tells the component's exports is written where the
// hook is exported: in the filter's crate, for just the hooks that it has.

#[allow(missing_docs, unsafe_code, unreachable_pub, missing_debug_implementations, clippy::pedantic)]
mod capabilities {
    wit_bindgen::generate!({ path: "../../wit", world: "capabilities" });
}

pub(crate) use capabilities::weir::filter::*;

// The exchange again, for a call whose records hold borrowed texts: those above own theirs.
#[allow(missing_docs, unsafe_code, unreachable_pub, missing_debug_implementations, dead_code, clippy::pedantic)]
mod borrowing {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package weir:sdk; world borrowing { import weir:filter/exchange@0.1.1; }",
        world: "weir:sdk/borrowing",
        ownership: Borrowing { duplicate_if_necessary: true },
        with: { "weir:filter/types@0.1.1": crate::bindings::types, "weir:filter/exchange@0.1.1": generate },
    });
}

pub(crate) use borrowing::weir::filter::exchange as variables;

macro_rules! hooks {
    ($($module:ident, $world:tt, $export:tt, $types:tt;)*) => {$(
        #[allow(missing_docs, unsafe_code, unreachable_pub, missing_debug_implementations, clippy::pedantic)]
        pub mod $module {
            wit_bindgen::generate!({
                path: "../../wit",
                world: $world,
                with: $types,
                pub_export_macro: true,
                export_macro_name: $export,
            });
        }
    )*};
}

hooks! {
    configure, "configure-hook", "export_configure", { "weir:filter/types@0.1.1": crate::bindings::types };
    on_request, "request-hook", "export_on_request", { "weir:filter/types@0.1.1": crate::bindings::types };
    on_response, "response-hook", "export_on_response", { "weir:filter/types@0.1.1": crate::bindings::types };
    on_resume, "resume-hook", "export_on_resume", { "weir:filter/types@0.1.1": crate::bindings::types };
    on_request_chunk, "request-chunk-hook", "export_on_request_chunk",
        { "weir:filter/types@0.1.1": crate::bindings::types };
    on_response_chunk, "response-chunk-hook", "export_on_response_chunk",
        { "weir:filter/types@0.1.1": crate::bindings::types };
    observe_request_chunk, "observe-request-hook", "export_observe_request_chunk", {};
    observe_response_chunk, "observe-response-hook", "export_observe_response_chunk", {};
    on_complete, "complete-hook", "export_on_complete", {};
    on_tick, "tick-hook", "export_on_tick", {};
}
