//! A file of cases as it is written. What the values mean is said beside.

use super::super::Located;
use super::super::read::{Count, Read, section, words};
use super::super::units::Time;
use super::forms::{AnyBody, AnyDocument, AnyJson, AnyTls, Lines, Moment, OneBody, Raw, Table};
use super::wanted::{AnyMatch, AnyReason, AnySent, AnyTotal, Line};
use super::{Failure, Flow};

words! { "a way to go on", Flow { "next" => Flow::Next, "answer" => Flow::Answer, "failed" => Flow::Failed, } }

words! { "a way to fail", Failure {
    "unreachable" => Failure::Unreachable,
    "closed" => Failure::Closed,
    "timeout" => Failure::Timeout,
} }

section! {
    /// What holds for the exchanges of one case.
    struct Case {
        /// What the case shows, as one reads it in the report.
        name: Located<String>,
        /// The plugin's declaration: `limits`, `isolation`, `grants`, `wasi`, `quarantine`, as in the configuration.
        plugin: Option<Raw>,
        /// The filter's configuration.
        config: Option<Raw>,
        /// What becomes of an exchange whose filter fails: `closed` (the default) or `open`.
        on_failure: Option<Raw>,
        /// The site's name, as the filter is told it. Default: site.
        site: Option<Located<String>>,
        /// The route that leads to the upstream.
        route: Option<Route>,
        /// Names of upstreams that the configuration may name, besides those of `http`.
        upstreams: Option<Vec<Located<String>>>,
        /// Names of stores that it may name, besides `local`.
        stores: Option<Vec<Located<String>>>,
        /// Values of secrets, by the environment variable or file that the configuration names.
        secrets: Table<String>,
        /// Texts of documents, by the file, or by upstream and path together (`auth/keys.json`); `null` cannot be
        /// fetched. A file that is not named here is read.
        documents: Table<AnyDocument>,
        /// What stores hold at first: by store, key and value.
        kv: Table<Table<OneBody>>,
        /// The time at which it begins. Default: 2026-01-01T00:00:00Z.
        clock: Option<Moment>,
        /// What random bits follow from. Default: 0.
        seed: Option<Count<0, { u64::MAX }>>,
        /// The first random bytes, in hexadecimal; behind them come those of the seed.
        random: Option<Located<String>>,
    }
}

section! {
    /// The route that leads to the upstream.
    struct Route {
        /// Default: `/*`.
        path: Option<Raw>,
        /// As the filter is told it. Default: its path.
        name: Option<Raw>,
        /// What is taken off the path that the upstream gets.
        strip_prefix: Option<Raw>,
    }
}

section! {
    /// One exchange.
    struct Step {
        /// What the step shows.
        name: Option<String>,
        /// How much time passes before it.
        advance: Option<Located<Time>>,
        /// Documents whose texts have changed before it.
        documents: Table<AnyDocument>,
        /// Variables that filters before this one have set.
        vars: Table<String>,
        /// What the client asks.
        request: Option<Request>,
        /// What the upstream answers.
        upstream: Option<Upstream>,
        /// What upstreams answer to the filter's own requests; of several that fit the first.
        http: Option<Vec<Answer>>,
        /// What is to come of it. What is not mentioned is not compared; an unexpected failure or error is.
        expect: Option<Expect>,
    }
}

section! {
    /// What the client asks.
    struct Request {
        /// Default: GET.
        method: Option<Located<String>>,
        /// Path and query. Default: `/`.
        path: Option<Located<String>>,
        /// The host that it names. Default: example.com.
        host: Option<Located<String>>,
        /// Its fields: a value or a list each.
        headers: Table<Lines>,
        /// Its body.
        body: Option<AnyBody>,
        /// The address that the connection comes from. Default: that of `client`, or 192.0.2.1.
        peer: Option<Located<String>>,
        /// Who asks. Another one than the peer is what a trusted peer says.
        client: Option<Located<String>>,
        /// Whether the operator trusts the peer to speak for others.
        trusted: Option<bool>,
        /// How the connection is protected: `true`, or a map.
        tls: Option<AnyTls>,
        /// The listener's name. Default: public.
        listener: Option<Located<String>>,
        /// The exchange's id, 32 hexadecimal digits. Default: the number of the step.
        id: Option<Located<String>>,
    }
}

section! {
    /// How a connection is protected.
    struct Tls {
        /// Default: TLSv1.3.
        version: Option<String>,
        /// Default: `TLS13_AES_128_GCM_SHA256`.
        cipher: Option<String>,
        /// The name that the client asked for in its handshake. Default: none.
        server_name: Option<String>,
    }
}

section! {
    /// What the upstream answers.
    struct Upstream {
        /// Default: 200.
        status: Option<Count<200, 599>>,
        /// Its fields.
        headers: Table<Lines>,
        /// Its body.
        body: Option<AnyBody>,
        /// How long it takes.
        delay: Option<Time>,
        /// It does not answer: nobody listens (`unreachable`), the connection is closed, or nothing comes (`timeout`).
        failure: Option<Failure>,
    }
}

section! {
    /// What an upstream answers to a request of the filter's own.
    struct Answer {
        /// The upstream's name.
        upstream: Located<String>,
        /// Only to this method.
        method: Option<String>,
        /// Only to this path and query; `*` stands for anything.
        path: Option<String>,
        /// How often; then the next one that fits answers.
        times: Option<Count<1, { u64::MAX }>>,
        /// Default: 200.
        status: Option<Count<100, 599>>,
        /// Its fields.
        headers: Table<Lines>,
        /// Its body.
        body: Option<AnyBody>,
        /// How long it takes. More than the filter waits is a time-out.
        delay: Option<Time>,
        /// It does not answer.
        failure: Option<Failure>,
    }
}

section! {
    /// A body that is not just a text: one of these.
    struct Body {
        /// A text.
        text: Option<String>,
        /// A value, written as JSON.
        json: Option<AnyJson>,
        /// Bytes in hexadecimal.
        hex: Option<Located<String>>,
        /// It comes in these pieces, and its length is not told.
        chunks: Option<Vec<String>>,
        /// It breaks off behind what stands here.
        breaks: Option<bool>,
    }
}

section! {
    /// What is to come of an exchange.
    struct Expect {
        /// What the filter does: `next` lets it go on, `answer`, or `failed`.
        flow: Option<Located<Flow>>,
        /// How it fails: `trap`, `cpu-limit`, `memory-limit`, ...
        failure: Option<Located<String>>,
        /// The status that the client gets.
        status: Option<Located<Count<100, 599>>>,
        /// The fields that the client gets.
        headers: Table<AnyMatch>,
        /// The fields behind the body.
        trailers: Table<AnyMatch>,
        /// The body that the client gets.
        body: Option<Located<AnyMatch>>,
        /// Why the filter answers: the code, or a map with `code` and `detail`.
        reason: Option<AnyReason>,
        /// How it ends, as the access record says: `complete`, `filter-cut`, `upstream-broke`, ...
        ended: Option<Located<String>>,
        /// What the upstream gets; `none` if it is not asked.
        upstream: Option<Located<AnySent>>,
        /// Variables at the end.
        vars: Table<AnyMatch>,
        /// What stores hold at the end: by store and key.
        kv: Table<Table<AnyMatch>>,
        /// Lines that the filter logs, among others; in this order.
        log: Option<Vec<Line>>,
        /// What the filter counted so far, by name.
        metrics: Table<AnyTotal>,
        /// All notes, in order.
        notes: Option<Located<Vec<String>>>,
        /// All requests of the filter's own, in order.
        calls: Option<Located<Vec<Sent>>>,
        /// The configuration is refused, for these reasons and no others: each a part of what is said.
        faults: Option<Located<Vec<Located<String>>>>,
    }
}

section! {
    /// A request, as its receiver sees it.
    struct Sent {
        /// The upstream's name; for the filter's own requests.
        upstream: Option<Located<AnyMatch>>,
        /// The method.
        method: Option<Located<AnyMatch>>,
        /// Path and query.
        path: Option<Located<AnyMatch>>,
        /// Its fields.
        headers: Table<AnyMatch>,
        /// Its body.
        body: Option<Located<AnyMatch>>,
    }
}

section! {
    /// What a text, a field or a body must be, if it is not just equal to something: one of these.
    struct Match {
        /// A pattern in which `*` stands for anything.
        like: Option<String>,
        /// A part of it, or several.
        contains: Option<Lines>,
        /// The same JSON, whatever its spaces and the order of its keys.
        json: Option<AnyJson>,
        /// These bytes, in hexadecimal.
        hex: Option<Located<String>>,
        /// All but this.
        not: Option<String>,
    }
}

section! {
    /// Why a filter answers.
    struct Reason {
        /// Its code.
        code: Option<Located<AnyMatch>>,
        /// Its detail.
        detail: Option<Located<AnyMatch>>,
    }
}

section! {
    /// A line of the log.
    struct LongLine {
        /// Its level.
        level: Option<Located<String>>,
        /// What it says.
        text: Option<Located<AnyMatch>>,
    }
}

section! {
    /// A count under certain labels.
    struct Labelled {
        /// The labels, by name.
        labels: Table<String>,
        /// The value; of a histogram, how many.
        value: Located<String>,
    }
}

section! {
    /// The file.
    struct Whole {
        /// What holds for every case that does not say otherwise.
        defaults: Option<Raw>,
        /// The cases.
        cases: Located<Vec<Raw>>,
    }
}

/// The JSON Schema of the file.
pub(super) fn schema() -> serde_json::Value {
    let mut definitions = super::super::schema::Definitions::default();
    for read in [Case::schema, Step::schema] {
        read(&mut definitions);
    }
    let keys = |name: &str| definitions.0[name]["properties"].as_object().cloned().unwrap_or_default();
    let (case, step) = (keys("Case"), keys("Step"));
    let mut properties = step.clone();
    properties.remove("advance");
    properties.extend(case);
    properties.insert(
        "steps".into(),
        serde_json::json!({
            "type": "array",
            "description": "Exchanges one after the other, which share the filter's instance and stores.",
            "items": { "$ref": "#/$defs/Step" },
        }),
    );
    let own = serde_json::json!({ "^x-": {} });
    let case = serde_json::json!({
        "type": "object", "properties": properties, "patternProperties": own, "additionalProperties": false,
    });
    let mut named = case.clone();
    named["required"] = serde_json::json!(["name"]);
    definitions.0.insert("Case".into(), named);
    definitions.0.insert("Defaults".into(), case);
    for section in definitions.0.values_mut() {
        may_be_taken_away(section);
    }
    serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Cases of a Weir filter",
        "type": "object",
        "properties": {
            "defaults": {
                "description": "What holds for every case that does not say otherwise.",
                "$ref": "#/$defs/Defaults",
            },
            "cases": { "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/Case" } },
        },
        "patternProperties": own,
        "additionalProperties": false,
        "required": ["cases"],
        "$defs": definitions.0,
    })
}

/// A `null` takes away what the part below says, so what may be left out may be `null`.
fn may_be_taken_away(section: &mut serde_json::Value) {
    let required = section["required"].clone();
    let is_required = |key: &str| required.as_array().is_some_and(|keys| keys.iter().any(|name| name == key));
    let Some(properties) = section["properties"].as_object_mut() else { return };
    for (_, schema) in properties.iter_mut().filter(|(key, _)| !is_required(key)) {
        if let Some(fields) = schema.get_mut("additionalProperties").filter(|fields| fields.is_object()) {
            *fields = or_null(fields);
        }
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        *schema = or_null(schema);
        schema["description"] = description.unwrap_or_default();
    }
}

fn or_null(schema: &serde_json::Value) -> serde_json::Value {
    serde_json::json!({ "anyOf": [schema, { "type": "null" }] })
}

/// Keys that stand in a case, and those that stand in a step.
pub(super) const CASE: [&str; 14] = [
    "name",
    "plugin",
    "config",
    "on_failure",
    "site",
    "route",
    "upstreams",
    "stores",
    "secrets",
    "documents",
    "kv",
    "clock",
    "seed",
    "random",
];

/// What a step takes over from its case.
pub(super) const SHARED: [&str; 5] = ["vars", "request", "upstream", "http", "expect"];
