//! What capabilities mean for those who are to decide whether a filter may run.

use crate::plugin::{Interface, Manifest};

/// What some functions of a capability let a filter do.
struct Power {
    capability: &'static str,
    functions: &'static [&'static str],
    words: &'static str,
    /// Worth saying also of a filter that cannot do it.
    is_notable: bool,
}

const fn power(
    capability: &'static str,
    functions: &'static [&'static str],
    words: &'static str,
    is_notable: bool,
) -> Power {
    Power { capability, functions, words, is_notable }
}

const EDIT: &[&str] = &["set-header", "set-header-text", "append-header", "remove-header"];

const POWERS: &[Power] = &[
    power(
        "request",
        &[
            "method",
            "scheme",
            "authority",
            "path",
            "query",
            "upstream-path",
            "upstream-query",
            "header",
            "header-text",
            "sole-header",
            "header-values",
            "headers",
        ],
        "read the heads of requests, credentials in them included",
        true,
    ),
    power("request", EDIT, "change the fields of requests", true),
    power("request", &["set-path", "set-query"], "change the path and query that upstreams get", true),
    power("request", &["conceal-parameter"], "keep parameters of queries from upstreams and out of records", true),
    power(
        "response",
        &["source", "status", "header", "header-text", "sole-header", "header-values", "headers"],
        "read the heads of responses, cookies in them included",
        true,
    ),
    power("response", EDIT, "change the fields of responses", true),
    power("response", &["set-status"], "change the status of responses", true),
    power("reply", &["send", "send-text", "add-trailer"], "answer in the upstream's place", true),
    power("body", &["buffer", "size", "read"], "read whole bodies, up to `limits.body`", true),
    power("body", &["replace"], "replace bodies", true),
    power("body", &["encode", "decode"], "have bodies compressed and decompressed, without seeing them", false),
    power("chunks", &["observe"], "see bodies as they pass", true),
    power("chunks", &["rewrite"], "change bodies as they pass", true),
    power("chunks", &["pin"], "keep an instance for as long as a body passes, up to `limits.pins`", false),
    power(
        "http-client",
        &["send", "send-shared", "send-all"],
        "send requests to upstreams that its configuration names",
        true,
    ),
    power("kv", &["get", "batch"], "read from stores that its configuration names", true),
    power(
        "kv",
        &["set", "set-durable", "remove", "increment", "decrement", "compare-and-swap", "batch"],
        "write to stores that its configuration names",
        true,
    ),
    power("secrets", &["reveal"], "read the secrets that its configuration names", true),
    power("secrets", &["equals"], "compare with secrets that its configuration names, without reading them", false),
    power(
        "crypto",
        &["hmac"],
        "make HMACs, also with secrets that its configuration names, without reading them",
        false,
    ),
    power("crypto", &["digest", "equal", "import-key", "release-key", "verify"], "hash, and check signatures", false),
    power("password", &["verify"], "check passwords against their hashes", false),
    power("documents", &["version", "read", "refresh"], "read the documents that its configuration names", false),
    power(
        "exchange",
        &["id", "site", "route", "listener", "client-address", "peer-address", "is-peer-trusted", "tls", "elapsed"],
        "see the client's address, and by which listener, site and route it came",
        true,
    ),
    power("exchange", &["var"], "read what the filters before it found out, as who the user is", false),
    power(
        "exchange",
        &["set-var", "set-vars", "remove-var"],
        "tell the filters behind it, in variables of its own name",
        false,
    ),
    power("exchange", &["slot", "set-slot"], "remember something from one hook of an exchange to the next", false),
    power("exchange", &["note"], "say why it decided as it did", false),
    power("resumption", &["outcome", "about", "waited-for"], "learn what came of what it waited for", false),
    power("completion", &["read"], "learn how an exchange ended", false),
    power("log", &["write"], "write to the proxy's log", false),
    power("setup", &["counter", "gauge", "histogram"], "declare metrics", false),
    power("setup", &["tick"], "run beside exchanges, at an interval", false),
    power("setup", &["document"], "choose how often its documents are fetched", false),
    power("setup", &["own-header"], "have fields that clients send removed, on all routes of a site", true),
    power("setup", &["skip"], "do without hooks that its configuration does not need", false),
    power("metrics", &["add", "set", "observe"], "count in its metrics", false),
    power("clock", &["now", "monotonic"], "read the time", false),
    power("random", &["bytes", "number"], "get random numbers", false),
];

impl Power {
    fn is_in(&self, manifest: &Manifest) -> bool {
        let has = |interface: &Interface| {
            interface.name == self.capability
                && interface.functions.iter().any(|function| self.functions.contains(&function.as_str()))
        };
        manifest.capabilities().any(has)
    }
}

/// What the component can do.
pub(super) fn granted(manifest: &Manifest) -> impl Iterator<Item = &'static str> {
    POWERS.iter().filter(|power| power.is_in(manifest)).map(|power| power.words)
}

/// What it cannot do and others can.
pub(super) fn withheld(manifest: &Manifest) -> impl Iterator<Item = &'static str> {
    POWERS.iter().filter(|power| power.is_notable && !power.is_in(manifest)).map(|power| power.words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::CAPABILITIES;

    #[test]
    fn every_function_of_the_contract_stands_for_a_power() {
        for (capability, functions) in CAPABILITIES {
            for function in functions {
                let is_there =
                    POWERS.iter().any(|power| power.capability == capability && power.functions.contains(function));
                assert!(is_there, "{capability}.{function} is told to nobody");
            }
        }
    }

    #[test]
    fn every_power_is_of_the_contract() {
        for power in POWERS {
            let (_, known) = CAPABILITIES.iter().find(|(name, _)| *name == power.capability).unwrap();
            assert!(power.functions.iter().all(|function| known.contains(function)), "{}", power.words);
        }
    }
}
