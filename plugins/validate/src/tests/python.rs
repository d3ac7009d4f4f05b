//! Another's opinion: random schemas and values, held against Python's `jsonschema`.

use std::io::Write;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use super::suite::suite;
use crate::check::{Verdict, check};
use crate::json::{Bounds, read};
use crate::schema::{Draft, Options, Source, compile};

const BOUNDS: Bounds = Bounds { depth: 64, steps: 1_000_000, duplicates: false };

/// Says of each line `[draft, schema, value]` whether the value fits.
const PROGRAM: &str = "
import json, sys
from jsonschema import Draft7Validator, Draft202012Validator
for line in sys.stdin:
    draft, schema, value = json.loads(line)
    validator = Draft7Validator if draft == 7 else Draft202012Validator
    print('fits' if validator(schema).is_valid(value) else 'misfits')
";

fn any_value() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        prop::sample::select(vec![json!(null), json!(true), json!(false)]),
        prop::sample::select(vec![json!(0), json!(1), json!(1.0), json!(2), json!(3), json!(-1), json!(1.5), json!(6)]),
        prop::sample::select(vec![json!(""), json!("a"), json!("b"), json!("ab"), json!("aaa"), json!("\u{1F600}")]),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            map_of(inner).prop_map(Value::from),
        ]
    })
    .boxed()
}

fn map_of(inner: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Map<String, Value>> {
    let map = prop::collection::btree_map("[a-c]", inner, 0..4);
    map.prop_map(|map| map.into_iter().collect()).boxed()
}

fn names() -> BoxedStrategy<Value> {
    prop::collection::btree_set("[a-c]", 0..3).prop_map(|names| json!(names)).boxed()
}

/// A schema of this draft; references lead to the root, and stand where they go deeper into the value.
fn any_schema(draft: u32) -> BoxedStrategy<Value> {
    let number = || prop::sample::select(vec![json!(0), json!(1), json!(1.5), json!(2), json!(3)]);
    let count = || prop::sample::select(vec![json!(0), json!(1), json!(2), json!(3.0)]);
    let kind = || prop::sample::select(vec!["null", "boolean", "integer", "number", "string", "array", "object"]);
    let word =
        move |name: &'static str, value: BoxedStrategy<Value>| value.prop_map(move |value| (name, value)).boxed();
    let simple = prop_oneof![
        kind().prop_map(|kind| ("type", json!(kind))),
        prop::collection::btree_set(kind(), 1..3).prop_map(|kinds| ("type", json!(kinds))),
        prop::collection::vec(any_value(), 1..4).prop_map(|values| ("enum", json!(values))),
        word("const", any_value()),
        prop::sample::select(vec!["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"])
            .prop_flat_map(move |name| number().prop_map(move |number| (name, number))),
        prop::sample::select(vec![json!(0.5), json!(1), json!(1.5), json!(2)]).prop_map(|of| ("multipleOf", of)),
        prop::sample::select(vec!["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"])
            .prop_flat_map(move |name| count().prop_map(move |count| (name, count))),
        prop::sample::select(vec!["a", "^a*$", "b|aa", "^[^a]$", "^.{2}"]).prop_map(|text| ("pattern", json!(text))),
        names().prop_map(|names| ("required", names)),
        any::<bool>().prop_map(|is| ("uniqueItems", json!(is))),
    ]
    .boxed();
    let leaf = prop_oneof![
        6 => prop::collection::vec(simple.clone(), 0..3).prop_map(|words| json!(words.into_iter().collect::<Vec<_>>().into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())),
        1 => any::<bool>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        let list = prop::collection::vec(inner.clone(), 1..4).prop_map(Value::from).boxed();
        let deeper = prop_oneof![5 => inner.clone(), 1 => Just(json!({ "$ref": "#" }))].boxed();
        let map = map_of(deeper.clone()).prop_map(Value::from).boxed();
        let patterns =
            prop::collection::btree_map(prop::sample::select(vec!["a", "^[ab]$", "c|b"]), deeper.clone(), 0..3);
        let one = inner.clone().boxed();
        let mut words = vec![
            simple.clone(),
            word("properties", map.clone()),
            patterns
                .prop_map(|map| map.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect::<Map<_, _>>())
                .prop_map(|map| ("patternProperties", Value::from(map)))
                .boxed(),
            word("additionalProperties", deeper.clone()),
            word("propertyNames", one.clone()),
            word("items", deeper.clone()),
            word("contains", deeper.clone()),
            word("allOf", list.clone()),
            word("anyOf", list.clone()),
            word("oneOf", list.clone()),
            word("not", one.clone()),
            word("if", one.clone()),
            word("then", one.clone()),
            word("else", one.clone()),
        ];
        if draft == 7 {
            words.extend([
                word("items", prop::collection::vec(deeper.clone(), 0..3).prop_map(Value::from).boxed()),
                word("additionalItems", deeper.clone()),
                word(
                    "dependencies",
                    prop_oneof![map_of(one.clone()).prop_map(Value::from), map_of(names()).prop_map(Value::from)]
                        .boxed(),
                ),
            ]);
        } else {
            words.extend([
                word("prefixItems", prop::collection::vec(deeper.clone(), 1..3).prop_map(Value::from).boxed()),
                word("minContains", prop::sample::select(vec![json!(0), json!(1), json!(2)]).boxed()),
                word("maxContains", prop::sample::select(vec![json!(1), json!(2)]).boxed()),
                word("dependentSchemas", map_of(one.clone()).prop_map(Value::from).boxed()),
                word("dependentRequired", map_of(names()).prop_map(Value::from).boxed()),
                word("unevaluatedItems", deeper.clone()),
                word("unevaluatedProperties", deeper.clone()),
            ]);
        }
        let word = prop::sample::select(words).prop_flat_map(|word| word);
        prop::collection::vec(word, 1..5)
            .prop_map(|words| words.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
            .prop_map(Value::from)
    })
    .boxed()
}

fn fits(draft: u32, schema: &Value, value: &Value) -> bool {
    let json = |value: &Value| read(value.to_string().into_bytes(), &BOUNDS).unwrap();
    let source = Source { uri: "schema:///".into(), json: json(schema) };
    let options = Options { draft: if draft == 7 { Draft::Seven } else { Draft::TwentyTwenty }, formats: Some(false) };
    let schemas = compile(vec![source], options).unwrap_or_else(|faults| panic!("{schema}: {faults:?}"));
    check(&schemas, &json(value), 1_000_000, 10).unwrap_or_else(|_| panic!("{schema} {value}")) == Verdict::Fits
}

#[test]
fn another_implementation_says_the_same() {
    let mut runner = TestRunner::deterministic();
    let mut cases = Vec::new();
    for draft in [7, 2020] {
        let strategy = (any_schema(draft), any_value(), any_value(), any_value());
        for _ in 0..1_500 {
            let (schema, one, two, three) = strategy.new_tree(&mut runner).unwrap().current();
            cases.extend([one, two, three].map(|value| (draft, schema.clone(), value)));
        }
    }
    let mut python = Command::new(suite().join("bin/python3"))
        .args(["-c", PROGRAM])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = python.stdin.take().unwrap();
    let lines: String = cases.iter().map(|case| json!(case).to_string() + "\n").collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let said: Vec<bool> = said.lines().map(|line| line == "fits").collect();
    assert_eq!(said.len(), cases.len());
    let fitting = said.iter().filter(|fits| **fits).count();
    assert!(fitting > cases.len() / 10 && fitting < cases.len() * 9 / 10, "{fitting} of {}", cases.len());
    for ((draft, schema, value), theirs) in cases.iter().zip(said) {
        assert_eq!(fits(*draft, schema, value), theirs, "{draft}\n{schema}\n{value}");
    }
}
