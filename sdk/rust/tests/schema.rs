//! What `#[derive(weir::Config)]` says about a type, to the letter: editors, `weir validate` and grants rest on it.

#![allow(dead_code, reason = "these types are described, not read")]

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::{Value, json};
use weir::Config;
use weir::testing::schema;

fn parsed<T: weir::schema::Schema>() -> Value {
    let text = schema::<T>();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Limits how often
/// a client may ask.
///
/// One entry counts "alone".
#[derive(Deserialize, Config)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Limits {
    /// Requests in one window.
    max_requests: u32,
    /// How long a window is.
    #[serde(default = "minute")]
    #[weir(default = "1m")]
    window: Window,
    /// Where counters are.
    #[serde(default)]
    store: weir::Store,
    #[serde(rename = "type")]
    kind: Option<Kind>,
    /// Asked before a client is refused.
    policy: Option<weir::Upstream>,
    keys: Option<weir::Document>,
    tokens: Vec<weir::Secret>,
    #[serde(default)]
    burst: bool,
    #[serde(default)]
    names: BTreeMap<String, HashMap<String, f32>>,
    #[serde(skip)]
    counted: u64,
    #[serde(deserialize_with = "anything")]
    #[weir(like = Option<i8>)]
    offset: u8,
    rules: Vec<Rule>,
    r#else: Answer,
}

fn minute() -> Window {
    Window(60)
}

fn anything<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    u8::deserialize(deserializer)
}

#[derive(Deserialize, Config)]
#[serde(try_from = "String")]
struct Window(u64);

impl TryFrom<String> for Window {
    type Error = &'static str;

    fn try_from(_: String) -> Result<Self, Self::Error> {
        Err("not now")
    }
}

/// How requests are counted.
#[derive(Deserialize, Config)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// In windows that do not move.
    FixedWindow,
    TokenBucket,
    #[serde(skip)]
    Unheard,
}

#[derive(Deserialize, Config)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Rule {
    Everything,
    /// Paths that begin so.
    Path(String),
    #[serde(rename = "by-header", rename_all = "UPPERCASE")]
    Header {
        name: String,
    },
}

#[derive(Deserialize, Config)]
#[serde(tag = "do")]
enum Answer {
    #[serde(rename = "reject")]
    Reject,
    #[serde(rename = "redirect")]
    Redirect(Redirect),
}

#[derive(Deserialize, Config)]
struct Redirect {
    to: String,
}

#[test]
fn a_rich_type() {
    assert_eq!(
        parsed::<Limits>(),
        json!({
            "description": "Limits how often a client may ask.\nOne entry counts \"alone\".",
            "type": "object",
            "properties": {
                "max-requests": {
                    "description": "Requests in one window.", "type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32
                },
                "window": {"description": "How long a window is.", "type": "string", "default": "1m"},
                "store": {"description": "Where counters are.", "type": "string", "x-weir": "store", "default": "local"},
                "type": {
                    "description": "How requests are counted.\n`fixed_window`: In windows that do not move.",
                    "enum": ["fixed_window", "token_bucket", null]
                },
                "policy": {"description": "Asked before a client is refused.", "type": "string", "x-weir": "upstream"},
                "keys": {"x-weir": "document", "oneOf": [
                    {
                        "type": "object",
                        "properties": {
                            "upstream": {"type": "string"}, "path": {"type": "string"},
                            "follow": {"oneOf": [{"type": "string"}, {
                                "type": "object",
                                "properties": {"pointer": {"type": "string"}, "upstream": {"type": "string"}},
                                "required": ["pointer"], "additionalProperties": false
                            }]}
                        },
                        "required": ["upstream", "path"], "additionalProperties": false
                    },
                    {
                        "type": "object", "properties": {"file": {"type": "string"}},
                        "required": ["file"], "additionalProperties": false
                    }
                ]},
                "tokens": {"type": "array", "items": {"x-weir": "secret", "oneOf": [
                    {
                        "type": "object", "properties": {"env": {"type": "string"}},
                        "required": ["env"], "additionalProperties": false
                    },
                    {
                        "type": "object", "properties": {"file": {"type": "string"}},
                        "required": ["file"], "additionalProperties": false
                    }
                ]}},
                "burst": {"type": "boolean", "default": false},
                "names": {
                    "type": "object",
                    "additionalProperties": {"type": "object", "additionalProperties": {"type": "number"}},
                    "default": {}
                },
                "offset": {"type": ["integer", "null"], "minimum": -128, "maximum": 127},
                "rules": {"type": "array", "items": {"oneOf": [
                    {"enum": ["everything"]},
                    {
                        "description": "Paths that begin so.",
                        "type": "object", "properties": {"path": {"type": "string"}},
                        "required": ["path"], "additionalProperties": false
                    },
                    {
                        "type": "object",
                        "properties": {"by-header": {
                            "type": "object", "properties": {"NAME": {"type": "string"}},
                            "required": ["NAME"], "additionalProperties": false
                        }},
                        "required": ["by-header"], "additionalProperties": false
                    }
                ]}},
                "else": {"oneOf": [
                    {"type": "object", "properties": {"do": {"const": "reject"}}, "required": ["do"]},
                    {
                        "type": "object", "properties": {"do": {"const": "redirect"}, "to": {"type": "string"}},
                        "required": ["do", "to"]
                    }
                ]}
            },
            "required": ["max-requests", "tokens", "offset", "rules", "else"],
            "additionalProperties": false
        })
    );
}

#[derive(Deserialize, Config)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
    Detailed { names: Vec<String> },
}

#[derive(Deserialize, Config)]
#[serde(tag = "kind", content = "value", rename_all = "camelCase", rename_all_fields = "PascalCase")]
enum Beside {
    NoValue,
    WithFields { max_age: Option<Box<OneOrMany>> },
}

#[derive(Default, Deserialize, Config)]
#[serde(default)]
struct AllDefault {
    #[weir(default = -1.5)]
    ratio: f64,
    #[weir(default = ["GET", "HEAD"])]
    methods: Vec<String>,
    anything: Value,
}

#[derive(Deserialize, Config)]
#[serde(transparent)]
struct Wrapper {
    inner: Option<AllDefault>,
}

#[derive(Deserialize, Config)]
struct WithUnits {
    #[serde(default = "a_second")]
    #[weir(default = "1s")]
    window: weir::config::Duration,
    /// The largest body.
    largest: Option<weir::config::Size>,
}

fn a_second() -> weir::config::Duration {
    std::time::Duration::from_secs(1).into()
}

#[test]
fn units_are_told() {
    assert_eq!(
        parsed::<WithUnits>(),
        json!({
            "type": "object",
            "properties": {
                "window": {"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$", "default": "1s"},
                "largest": {
                    "description": "The largest body.",
                    "type": ["string", "null"], "pattern": "^[0-9]+(B|KiB|MiB|GiB)$"
                }
            }
        })
    );
}

#[test]
fn the_other_forms_of_enums_and_structs() {
    let one_or_many = json!([
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}},
        {
            "type": "object", "properties": {"names": {"type": "array", "items": {"type": "string"}}},
            "required": ["names"]
        }
    ]);
    assert_eq!(parsed::<OneOrMany>(), json!({ "anyOf": one_or_many }));
    let mut or_nothing = one_or_many;
    or_nothing.as_array_mut().unwrap().push(json!({"type": "null"}));
    assert_eq!(
        parsed::<Beside>(),
        json!({"oneOf": [
            {"type": "object", "properties": {"kind": {"enum": ["noValue"]}}, "required": ["kind"]},
            {
                "type": "object",
                "properties": {
                    "kind": {"enum": ["withFields"]},
                    "value": {"type": "object", "properties": {"MaxAge": {"anyOf": or_nothing}}}
                },
                "required": ["kind", "value"]
            }
        ]})
    );
    assert_eq!(
        parsed::<Wrapper>(),
        json!({
            "type": ["object", "null"],
            "properties": {
                "ratio": {"type": "number", "default": -1.5},
                "methods": {"type": "array", "items": {"type": "string"}, "default": ["GET", "HEAD"]},
                "anything": {}
            }
        })
    );
}

/// What is shipped is made by the compiler; what tests see is made at run time. Both by the same functions.
#[test]
fn the_text_is_known_at_compile_time() {
    const NODE: &weir::schema::Node = <Limits as weir::schema::Schema>::SCHEMA;
    static TEXT: [u8; weir::schema::length(NODE)] = weir::schema::render(NODE);
    const DESCRIPTION: &str = "Says \"hello\"\n\u{1}";
    static PACKAGE: [u8; weir::schema::package_length("hello", "1.0.0", DESCRIPTION)] =
        weir::schema::package("hello", "1.0.0", DESCRIPTION);
    assert_eq!(std::str::from_utf8(&TEXT).unwrap(), schema::<Limits>());
    let package: Value = serde_json::from_slice(&PACKAGE).unwrap();
    assert_eq!(package, json!({"name": "hello", "version": "1.0.0", "description": DESCRIPTION}));
}

#[test]
fn what_the_schema_calls_optional_can_be_left_out() {
    let read: Limits = serde_json::from_value(json!({
        "max-requests": 1, "tokens": ["handle"], "offset": 2, "rules": ["everything", {"path": "/"}, {"by-header": {"NAME": "x"}}],
        "else": {"do": "redirect", "to": "/"}
    }))
    .unwrap();
    assert_eq!(read.store.name(), "local");
}
