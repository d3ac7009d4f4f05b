//! What the contract holds, as a table: reading `wit/` would take time at every start. A test holds it to `wit/`.

/// The package's name.
pub(super) const PACKAGE: &str = "weir:filter";

/// The contract that this host speaks.
pub const VERSION: &str = "0.1.1";

/// The interfaces that a filter may export; each has one function, of the same name.
pub(super) const HOOKS: [&str; 10] = [
    "configure",
    "on-request",
    "on-response",
    "on-resume",
    "on-request-chunk",
    "on-response-chunk",
    "observe-request-chunk",
    "observe-response-chunk",
    "on-complete",
    "on-tick",
];

/// The interfaces that a filter may import, with their functions.
pub const CAPABILITIES: [(&str, &[&str]); 20] = [
    (
        "request",
        &[
            "method",
            "scheme",
            "authority",
            "path",
            "query",
            "upstream-path",
            "upstream-query",
            "set-path",
            "set-query",
            "conceal-parameter",
            "header",
            "header-text",
            "sole-header",
            "header-values",
            "headers",
            "set-header",
            "set-header-text",
            "append-header",
            "remove-header",
        ],
    ),
    (
        "response",
        &[
            "source",
            "status",
            "set-status",
            "header",
            "header-text",
            "sole-header",
            "header-values",
            "headers",
            "set-header",
            "set-header-text",
            "append-header",
            "remove-header",
        ],
    ),
    ("reply", &["send", "send-text", "add-trailer"]),
    (
        "exchange",
        &[
            "id",
            "site",
            "route",
            "listener",
            "client-address",
            "peer-address",
            "is-peer-trusted",
            "tls",
            "elapsed",
            "slot",
            "set-slot",
            "var",
            "set-var",
            "remove-var",
            "set-vars",
            "note",
        ],
    ),
    ("resumption", &["outcome", "about", "waited-for"]),
    ("completion", &["read"]),
    ("log", &["write"]),
    ("body", &["buffer", "size", "read", "replace", "encode", "decode", "decode-within"]),
    ("chunks", &["rewrite", "observe", "pin"]),
    ("setup", &["skip", "tick", "document", "own-header", "counter", "gauge", "histogram"]),
    ("metrics", &["add", "set", "observe"]),
    ("clock", &["now", "monotonic"]),
    ("random", &["bytes", "number"]),
    ("crypto", &["digest", "hmac", "equal", "import-key", "release-key", "verify"]),
    ("secrets", &["equals", "reveal"]),
    ("kv", &["get", "set", "set-durable", "remove", "increment", "decrement", "compare-and-swap", "batch", "advance"]),
    ("documents", &["version", "read", "refresh"]),
    ("files", &["send"]),
    ("http-client", &["send", "send-shared", "send-all"]),
    ("password", &["verify"]),
];

/// The capabilities that wait: a component that imports one runs on a fiber.
pub(super) const WAITING: [&str; 2] = ["http-client", "password"];

/// What versions must have in common to fit: of 0.1.7 that is 0.1, of 2.3.0 it is 2.
pub(super) fn line(version: &str) -> &str {
    let parts = if version.starts_with("0.") { 2 } else { 1 };
    version.match_indices('.').nth(parts - 1).map_or(version, |(dot, _)| &version[..dot])
}

#[cfg(test)]
mod tests {
    use wit_parser::{InterfaceId, Resolve, WorldItem};

    use super::*;

    #[test]
    fn the_table_is_what_wit_says() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(&folder).unwrap();
        assert_eq!(resolve.packages[package].name.to_string(), format!("{PACKAGE}@{VERSION}"));
        let interface = |id: InterfaceId| {
            let interface = &resolve.interfaces[id];
            let functions: Vec<&str> = interface.functions.keys().map(String::as_str).collect();
            (interface.name.as_deref().unwrap(), functions)
        };
        let of = |item: &WorldItem| match item {
            WorldItem::Interface { id, .. } => interface(*id),
            other => panic!("{other:?}"),
        };
        let worlds = || resolve.worlds.iter().map(|(_, world)| world);
        let mut hooks: Vec<_> = worlds().flat_map(|world| world.exports.values().map(of)).collect();
        hooks.sort();
        let mut table = HOOKS.map(|hook| (hook, vec![hook]));
        table.sort();
        assert_eq!(hooks, table);
        let all = worlds().find(|world| world.name == "capabilities").unwrap();
        let mut capabilities: Vec<_> = all.imports.values().map(of).filter(|(name, _)| *name != "types").collect();
        capabilities.sort();
        let mut table = CAPABILITIES.map(|(name, functions)| (name, functions.to_vec()));
        table.sort();
        assert_eq!(capabilities, table);
        assert!(WAITING.iter().all(|name| CAPABILITIES.iter().any(|(known, _)| known == name)));
    }

    #[test]
    fn versions_fit_as_their_numbers_say() {
        for (version, wanted) in [("0.1.0", "0.1"), ("0.12.3", "0.12"), ("1.2.3", "1"), ("0.1", "0.1"), ("", "")] {
            assert_eq!(line(version), wanted);
        }
    }
}
