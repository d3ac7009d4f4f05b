//! The sections of the file that are about plugins, and filters in chains.
//!
//! The comments here are what an editor shows beside a key, as in `file`.

use std::rc::Rc;

use serde_json::{Value, json};

use super::entries::Alternative;
use super::file::PATH;
use super::json::Settings;
use super::read::{Count, OneOrMore, Read, Reader, section, words};
use super::schema::{Definitions, not_empty, text_like, word_like};
use super::tree::{Kind, Node};
use super::units::{Share, Size, Time};
use super::{Isolation, Located, OnFailure, Wasi};

const DIGEST: &str = r"[0-9A-Fa-f]{64}";
const PREFIX: &str = r"([a-z0-9_-]+\.)+";

words! { "a rule for failures", OnFailure { "closed" => OnFailure::Closed, "open" => OnFailure::Open, } }

words! { "a kind of isolation", Isolation { "pooled" => Isolation::Pooled, "fresh" => Isolation::Fresh, } }

words! { "a kind of WASI", Wasi { "stub" => Wasi::Stub, } }

section! {
    /// A plugin.
    struct Plugin {
        /// The component. Relative to this file. Default: the bundled plugin of this name.
        file: Option<Located<String>>,
        /// The SHA-256 digest that the component must have, in hexadecimal; or a list, of which it must have one.
        sha256: Option<Located<OneOrMore<Located<String>>>> => word_like(DIGEST),
        /// What one instance may use.
        limits: Option<Limits>,
        /// Whether calls share instances: `pooled` (the default), or `fresh`, a new instance for each call.
        isolation: Option<Isolation>,
        /// What its configuration cannot grant.
        grants: Option<Grants>,
        /// What a component that imports WASI finds there: `stub`, no files, sockets or environment. Default: such a
        /// component is refused.
        wasi: Option<Wasi>,
        /// When it is put aside because it fails too often, or `off`. Default: as below.
        quarantine: Option<Quarantine>,
        /// How a new version is watched that takes the place of another, or `off`. Default: as below.
        probation: Option<Probation>,
    }
}

section! {
    /// What the instances of a filter may use.
    struct Limits {
        /// CPU time of one hook, 1ms to 60s. Default: 10ms.
        cpu: Option<Located<Time>>,
        /// Memory of one instance, 64KiB to 1GiB. Default: 32MiB.
        memory: Option<Located<Size>>,
        /// Time that one hook may take with all that it waits for, 1ms to 5m. Default: 5s.
        wait: Option<Located<Time>>,
        /// CPU time of reading its configuration, 1ms to 60s. Default: 1s.
        configure: Option<Located<Time>>,
        /// Time of compiling it where that was not done before, 1ms to 1h. Default: 2m.
        compile: Option<Located<Time>>,
        /// Instances per worker of a filter that waits. Default: 16.
        instances: Option<Located<Count<1, 1000>>>,
        /// Exchanges per worker that wait in a hook or for an instance. Default: 1024.
        waiting: Option<Located<Count<0, 100_000>>>,
        /// How long an exchange waits for an instance, up to 60s. Default: 1s.
        queue: Option<Located<Time>>,
        /// Bodies per worker that keep an instance to themselves. Default: 16.
        pins: Option<Located<Count<0, 1000>>>,
        /// Files per worker that are open for its answers; beyond it, 503. Default: 1024.
        files: Option<Located<Count<1, 100_000>>>,
        /// Requests of its own for one exchange. Default: 16.
        calls: Option<Located<Count<0, 1000>>>,
        /// What it may buffer of one body, up to 64MiB. Default: 1MiB.
        body: Option<Located<Size>>,
        /// Label sets of one of its metrics; what is beyond counts as `other`. Default: 256.
        series: Option<Located<Count<1, 10_000>>>,
        /// Calls after which an instance is replaced. Default: 1000000.
        recycle_calls: Option<Located<Count<1, { u64::MAX }>>>,
        /// Memory from which on an idle instance is replaced. Default: half of `memory`.
        recycle_memory: Option<Located<Size>>,
    }
}

section! {
    /// What the configuration of a filter cannot grant.
    struct Grants {
        /// Prefixes of variables that it may write besides its own, as in `user.`: what other filters believe.
        vars: Option<Vec<Located<String>>> => text_like(PREFIX),
    }
}

/// `off`, or when.
#[derive(Debug)]
pub(super) enum Quarantine {
    Off,
    When(QuarantineRule),
}

section! {
    /// When a filter that fails too often is put aside. Then it is not called, and `on_failure` says what that means.
    struct QuarantineRule {
        /// The share of calls that fail, from which on it is put aside, 1% to 100%. Default: 50%.
        share: Option<Located<Share>>,
        /// Fewer calls in the window tell nothing. Default: 20.
        calls: Option<Located<Count<1, 1_000_000>>>,
        /// How long a call counts, 100ms to 1h. Default: 10s.
        window: Option<Located<Time>>,
        /// How long it is put aside at first, 10ms to 24h; longer each time it fails again. Default: 10s.
        first: Option<Located<Time>>,
        /// How long at most, up to 24h. Default: 10m, or `first` if that is longer.
        longest: Option<Located<Time>>,
    }
}

/// What is a rule of its own, or `off`.
macro_rules! or_off {
    ($name:ident, $rule:ty, $example:literal) => {
        impl Read for $name {
            fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
                match &node.kind {
                    // Some tools that write YAML know `off` as a truth value, and write that.
                    Kind::Scalar(scalar) if scalar.text == "off" || scalar.text == "false" => Some(Self::Off),
                    Kind::Map(_) => <$rule>::read(node, reader).map(Self::When),
                    _ => reader.expected(concat!("`off`, or a map as `", $example, "`,"), node),
                }
            }

            fn schema(definitions: &mut Definitions) -> Value {
                json!({ "anyOf": [{ "enum": ["off", false] }, <$rule>::schema(definitions)] })
            }
        }
    };
}

or_off! { Quarantine, QuarantineRule, "{ share: 50%, calls: 20, window: 10s }" }
or_off! { Probation, ProbationRule, "{ share: 20%, calls: 20, time: 1m }" }

/// `off`, or how.
#[derive(Debug)]
pub(super) enum Probation {
    Off,
    When(ProbationRule),
}

section! {
    /// How a version of a plugin is watched that takes the place of another: if it fails too often, and clearly more often
    /// than that one, the other comes back.
    struct ProbationRule {
        /// The share of calls that fail, from which on it goes, 1% to 100%. Default: 20%.
        share: Option<Located<Share>>,
        /// Fewer calls tell nothing. Default: 20.
        calls: Option<Located<Count<1, 1_000_000>>>,
        /// How long it lasts, 100ms to 24h. Default: 1m.
        time: Option<Located<Time>>,
    }
}

section! {
    /// A filter of a chain.
    struct LongEntry {
        /// A bundled plugin, or a name under `plugins`.
        plugin: Located<String>,
        /// Unique in the chain. Default: the plugin's name.
        name: Option<Located<String>>,
        /// Paths (`/exact`, `/prefix/*`) for which it is not run.
        except: Option<OneOrMore<Located<String>>> => text_like(PATH),
        /// The filter's own configuration.
        config: Option<Settings>,
        /// When the filter fails: `closed` (the default) answers 500 (503 if it was overload), `open` goes on without it.
        on_failure: Option<OnFailure>,
        /// What one instance may use, instead of what the plugin says.
        limits: Option<Limits>,
    }
}

section! {
    /// A filter besides the site's.
    struct LongAdded {
        /// A bundled plugin, or a name under `plugins`.
        plugin: Located<String>,
        /// Unique in the chain. Default: the plugin's name.
        name: Option<Located<String>>,
        /// Paths (`/exact`, `/prefix/*`) for which it is not run.
        except: Option<OneOrMore<Located<String>>> => text_like(PATH),
        /// The filter's own configuration.
        config: Option<Settings>,
        /// When the filter fails: `closed` (the default) answers 500 (503 if it was overload), `open` goes on without it.
        on_failure: Option<OnFailure>,
        /// What one instance may use, instead of what the plugin says.
        limits: Option<Limits>,
        /// Put it before the entry of this name.
        before: Option<Located<String>>,
        /// Put it behind the entry of this name.
        after: Option<Located<String>>,
        /// Make it the outermost.
        first: Option<Located<bool>>,
    }
}

section! {
    /// Alternatives: the first that lets a request pass is enough, and the rest is not asked. If none does, the first one's
    /// answer is the client's.
    struct Alternatives {
        /// The filters, in the order in which they are asked: plugins' names, or maps as elsewhere in a chain.
        any_of: Located<Vec<Located<Alternative>>> => not_empty,
        /// Unique in the chain, to say `without` and `before` of all of them. Default: none.
        name: Option<Located<String>>,
        /// Paths (`/exact`, `/prefix/*`) for which none of them is run.
        except: Option<OneOrMore<Located<String>>> => text_like(PATH),
    }
}

section! {
    /// Alternatives besides the site's filters.
    struct AddedAlternatives {
        /// The filters, in the order in which they are asked: plugins' names, or maps as elsewhere in a chain.
        any_of: Located<Vec<Located<Alternative>>> => not_empty,
        /// Unique in the chain, to say `without` and `before` of all of them. Default: none.
        name: Option<Located<String>>,
        /// Paths (`/exact`, `/prefix/*`) for which none of them is run.
        except: Option<OneOrMore<Located<String>>> => text_like(PATH),
        /// Put them before the entry of this name.
        before: Option<Located<String>>,
        /// Put them behind the entry of this name.
        after: Option<Located<String>>,
        /// Make them the outermost.
        first: Option<Located<bool>>,
    }
}

section! {
    /// Changes of an entry.
    struct Override {
        /// Merged into the entry's: `null` removes, lists replace.
        config: Option<Settings>,
        /// When the filter fails: `closed` answers 500 (503 if it was overload), `open` goes on without it.
        on_failure: Option<OnFailure>,
        /// What one instance may use.
        limits: Option<Limits>,
    }
}
