//! What is said of values that do not fit, and what looking at them may cost.

use proptest::prelude::*;

use super::{Misfit, Verdict, check};
use crate::json::{Bounds, Json, read};
use crate::schema::{Draft, Fault, Options, Schemas, Source, compile};
use crate::steps::TooComplex;

const BOUNDS: Bounds = Bounds { depth: 64, steps: 1_000_000, duplicates: false };

fn json(text: &str) -> Json {
    read(text.as_bytes().to_vec(), &BOUNDS).unwrap_or_else(|why| panic!("{text}: {why:?}"))
}

fn compiled(schemas: &[(&str, &str)]) -> Result<Schemas, Vec<Fault>> {
    let sources = schemas.iter().map(|(uri, text)| Source { uri: (*uri).to_owned(), json: json(text) });
    compile(sources.collect(), Options { draft: Draft::TwentyTwenty, formats: Some(true) })
}

fn schema(text: &str) -> Schemas {
    compiled(&[("schema:///", text)]).unwrap_or_else(|faults| panic!("{text}: {faults:?}"))
}

fn misfits(schema: &Schemas, value: &str) -> Vec<(String, &'static str, String)> {
    match check(schema, &json(value), 1_000_000, 100).unwrap() {
        Verdict::Fits => Vec::new(),
        Verdict::Misfits(misfits) => {
            misfits.into_iter().map(|Misfit { pointer, keyword, detail }| (pointer, keyword, detail)).collect()
        }
    }
}

#[test]
fn what_does_not_fit_is_told_with_its_place_and_what_would_be_right() {
    for (text, value, told) in [
        (r#"{"type": "integer"}"#, "1.5", ("", "type", "must be an integer")),
        (r#"{"type": ["string", "null"]}"#, "1", ("", "type", "must be a string or null")),
        (r#"{"items": {"maximum": 9}}"#, "[1, 10]", ("/1", "maximum", "must be at most 9")),
        (r#"{"exclusiveMaximum": 1e3}"#, "1000", ("", "exclusiveMaximum", "must be less than 1e3")),
        (r#"{"minimum": 0}"#, "-0.0000001", ("", "minimum", "must be at least 0")),
        (r#"{"exclusiveMinimum": 0}"#, "0", ("", "exclusiveMinimum", "must be greater than 0")),
        (r#"{"multipleOf": 0.01}"#, "4.355", ("", "multipleOf", "must be a multiple of 0.01")),
        (r#"{"maxLength": 1}"#, r#""ab""#, ("", "maxLength", "must have at most 1 characters")),
        (r#"{"minLength": 2}"#, r#""\ud83d\ude00""#, ("", "minLength", "must have at least 2 characters")),
        (r#"{"pattern": "^a+$"}"#, r#""b""#, ("", "pattern", "must match ^a+$")),
        (r#"{"format": "date"}"#, r#""2027-02-29""#, ("", "format", "must be of the format date")),
        (r#"{"enum": ["a", 1, null]}"#, "2", ("", "enum", r#"must be one of "a", 1, null"#)),
        (r#"{"const": true}"#, "false", ("", "const", "must be true")),
        (r#"{"const": [1]}"#, "[2]", ("", "const", "must be a certain value")),
        (r#"{"required": ["a/b"]}"#, "{}", ("", "required", "the member `a/b` is missing")),
        (
            r#"{"properties": {"a/b": {"additionalProperties": false}}}"#,
            r#"{"a/b": {"c~": 1}}"#,
            ("/a~1b/c~0", "false", "is not allowed here"),
        ),
        (r#"{"maxProperties": 0}"#, r#"{"a": 1}"#, ("", "maxProperties", "must have at most 0 members")),
        (r#"{"minProperties": 1}"#, "{}", ("", "minProperties", "must have at least 1 members")),
        (
            r#"{"dependentRequired": {"a": ["b"]}}"#,
            r#"{"a": 1}"#,
            ("", "dependentRequired", "the member `b` is missing"),
        ),
        (
            r#"{"propertyNames": {"maxLength": 1}}"#,
            r#"{"ab": 1}"#,
            ("/ab", "propertyNames", "the name of this member is not of the right form"),
        ),
        (r#"{"maxItems": 1}"#, "[1, 2]", ("", "maxItems", "must have at most 1 items")),
        (r#"{"minItems": 1}"#, "[]", ("", "minItems", "must have at least 1 items")),
        (
            r#"{"uniqueItems": true}"#,
            r#"[{"a": 1, "b": 2}, 0, {"b": 2.0, "a": 10e-1}]"#,
            ("/2", "uniqueItems", "stands in the array before, and items must differ"),
        ),
        (r#"{"contains": {"const": 1}}"#, "[2]", ("", "contains", "must contain at least 1 items of a certain form")),
        (
            r#"{"contains": {"const": 1}, "maxContains": 1}"#,
            "[1, 1]",
            ("", "maxContains", "must contain at most 1 items of a certain form"),
        ),
        (r#"{"anyOf": [{"type": "null"}, {"type": "string"}]}"#, "1", ("", "anyOf", "fits none of the alternatives")),
        (r#"{"anyOf": [{"type": "null"}]}"#, "1", ("", "type", "must be null")),
        (
            r#"{"oneOf": [{"minimum": 1}, {"minimum": 2}]}"#,
            "3",
            ("", "oneOf", "must fit exactly one of the alternatives, and fits several"),
        ),
        (r#"{"not": {"type": "null"}}"#, "null", ("", "not", "must not be of this form")),
        (
            r#"{"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": false}"#,
            r#"{"a": 1}"#,
            ("", "required", "the member `b` is missing"),
        ),
        (
            r#"{"properties": {"a": true}, "unevaluatedProperties": false}"#,
            r#"{"a": 1, "b": 2}"#,
            ("/b", "false", "is not allowed here"),
        ),
    ] {
        let told = (told.0.to_owned(), told.1, told.2.to_owned());
        assert_eq!(misfits(&schema(text), value), [told], "{text} {value}");
    }
}

#[test]
fn no_value_of_the_message_is_told() {
    let text = r#"{"properties": {
        "a": {"type": "integer", "enum": [1], "const": 1},
        "b": {"maxLength": 1, "pattern": "^x$", "format": "uuid", "not": {"type": "string"}}
    }, "additionalProperties": false}"#;
    let told = misfits(&schema(text), r#"{"a": "hush-1", "b": "hush-2", "c": "hush-3"}"#);
    assert_eq!(told.len(), 8, "{told:?}");
    assert!(told.iter().all(|(_, _, detail)| !detail.contains("hush")), "{told:?}");
}

#[test]
fn as_much_is_told_as_is_asked_for() {
    let schema = schema(r#"{"items": {"type": "string"}}"#);
    let value = json("[1, 2, 3, 4, 5]");
    for (most, told) in [(0, 0), (1, 1), (3, 3), (100, 5)] {
        match check(&schema, &value, 1_000, most) {
            Ok(Verdict::Misfits(misfits)) => assert_eq!(misfits.len(), told),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn numbers_are_compared_as_they_are_written_and_not_as_floats() {
    for (text, fits, misfit) in [
        (r#"{"maximum": 9007199254740992}"#, "9007199254740992", "9007199254740993"),
        (r#"{"maximum": 1e400}"#, "1e400", "1.0000000000000000001e400"),
        (r#"{"const": 0.1}"#, "1e-1", "0.1000000000000000000001"),
        (r#"{"type": "integer"}"#, "1e400", "1e-400"),
        (r#"{"multipleOf": 0.1}"#, "0.3", "0.30000000000000004"),
        (r#"{"uniqueItems": true}"#, "[9007199254740992, 9007199254740993]", "[1e2, 100]"),
    ] {
        let schema = schema(text);
        assert_eq!(misfits(&schema, fits), [], "{text} {fits}");
        assert_eq!(misfits(&schema, misfit).len(), 1, "{text} {misfit}");
    }
}

#[test]
fn a_schema_that_is_none_is_refused_where_it_is_wrong() {
    for (text, pointer, words) in [
        ("1", "", "this is no schema"),
        (r#"{"type": "int"}"#, "/type", "a type is one of"),
        (r#"{"properties": {"a/b": {"minimum": "0"}}}"#, "/properties/a~1b/minimum", "this is a number"),
        (r#"{"allOf": []}"#, "/allOf", "not empty"),
        (r#"{"maxLength": -1}"#, "/maxLength", "whole number"),
        (r#"{"multipleOf": 0}"#, "/multipleOf", "above 0"),
        (r#"{"required": "a"}"#, "/required", "list of names"),
        (r#"{"pattern": "(?=a)"}"#, "/pattern", "look-ahead"),
        (r#"{"patternProperties": {"(": true}}"#, "/patternProperties/(", "not closed"),
        (r##"{"$ref": "#/$defs/a"}"##, "/$ref", "leads nowhere"),
        (r#"{"$ref": "https://schemas.example/a"}"#, "/$ref", "nothing is fetched"),
        (r#"{"$schema": "http://json-schema.org/draft-04/schema#"}"#, "/$schema", "no draft that is known"),
        (r##"{"$ref": "#"}"##, "", "leads back to itself"),
        (r##"{"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"}"##, "/$defs/a", "itself"),
    ] {
        let faults = compiled(&[("schema:///", text)]).map(|_| text).unwrap_err();
        assert_eq!(faults.len(), 1, "{text}: {faults:?}");
        assert_eq!(faults[0].pointer, pointer, "{text}");
        assert!(faults[0].message.contains(words), "{text}: {}", faults[0].message);
    }
    // All of them at once.
    let faults = compiled(&[("schema:///", r#"{"type": 1, "items": {"minimum": null}}"#)]).map(|_| ()).unwrap_err();
    assert_eq!(faults.len(), 2, "{faults:?}");
}

#[test]
fn schemas_refer_to_one_another_by_name_and_by_identifier() {
    let schemas = compiled(&[
        ("schema:///", r#"{"properties": {"a": {"$ref": "address"}, "b": {"$ref": "https://example.com/town#name"}}}"#),
        ("schema:///address", r#"{"type": "object", "properties": {"town": {"$ref": "https://example.com/town"}}}"#),
        (
            "schema:///town",
            r##"{"$id": "https://example.com/town", "$defs": {"n": {"$anchor": "name", "type": "string"}},
                "properties": {"name": {"$ref": "#name"}}}"##,
        ),
    ]);
    let schemas = schemas.unwrap();
    assert_eq!(misfits(&schemas, r#"{"a": {"town": {"name": "Ulm"}}, "b": "Ulm"}"#), []);
    let places: Vec<_> = misfits(&schemas, r#"{"a": {"town": {"name": 1}}, "b": 2}"#);
    assert_eq!(places.iter().map(|(place, _, _)| place.as_str()).collect::<Vec<_>>(), ["/a/town/name", "/b"]);
}

/// The outcome within so many steps.
fn within(schema: &Schemas, value: &str, steps: u32) -> Result<Verdict, TooComplex> {
    check(schema, &json(value), steps, 10)
}

#[test]
fn what_takes_too_long_is_given_up() {
    // Two ways at each level, neither of which leads anywhere: 2^60 looks without a bound.
    let tree = schema(
        r##"{"$defs": {"n": {"anyOf": [
            {"allOf": [{"properties": {"a": {"$ref": "#/$defs/n"}}}, {"required": ["x"]}]},
            {"allOf": [{"properties": {"a": {"$ref": "#/$defs/n"}}}, {"required": ["y"]}]}
        ]}}, "$ref": "#/$defs/n"}"##,
    );
    let deep = format!("{}1{}", "{\"a\":".repeat(60), "}".repeat(60));
    assert_eq!(within(&tree, &deep, 100_000), Err(TooComplex));
    // Many schemas that look at one value.
    let row = (0..3_000).map(|number| format!("{{\"not\":{{\"const\":{number}}}}}")).collect::<Vec<_>>().join(",");
    let row = schema(&format!("{{\"items\": {{\"allOf\": [{row}]}}}}"));
    let list = format!("[{}-1]", "-1,".repeat(100));
    assert_eq!(within(&row, &list, 100_000), Err(TooComplex));
    assert_eq!(within(&row, "[-1]", 100_000), Ok(Verdict::Fits));
}

#[test]
fn long_arrays_are_told_apart_without_comparing_each_with_each() {
    let schema = schema(r#"{"uniqueItems": true}"#);
    let list = |count: usize| (0..count).map(|item| format!("{{\"id\":{item}}}")).collect::<Vec<_>>().join(",");
    assert_eq!(within(&schema, &format!("[{}]", list(20_000)), 200_000), Ok(Verdict::Fits));
    let twice = format!("[{},{{\"id\":7.0}}]", list(20_000));
    match within(&schema, &twice, 200_000) {
        Ok(Verdict::Misfits(misfits)) => assert_eq!(misfits[0].pointer, "/20000"),
        other => panic!("{other:?}"),
    }
}

/// Any JSON, small.
fn any_value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::json!(null)),
        any::<bool>().prop_map(Into::into),
        (-3_i32..4).prop_map(Into::into),
        prop_oneof![Just(0.5), Just(1.0), Just(-1.5)].prop_map(Into::into),
        "[ab]{0,3}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map("[a-c]", inner, 0..4)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// Keywords with values of their own or not.
fn any_schema() -> impl Strategy<Value = serde_json::Value> {
    const WORDS: [&str; 40] = [
        "type",
        "enum",
        "const",
        "minimum",
        "maximum",
        "multipleOf",
        "minLength",
        "pattern",
        "format",
        "required",
        "properties",
        "patternProperties",
        "additionalProperties",
        "propertyNames",
        "dependentRequired",
        "dependentSchemas",
        "dependencies",
        "items",
        "prefixItems",
        "contains",
        "minContains",
        "maxContains",
        "uniqueItems",
        "unevaluatedItems",
        "unevaluatedProperties",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "if",
        "then",
        "else",
        "$ref",
        "$dynamicRef",
        "$anchor",
        "$dynamicAnchor",
        "$id",
        "$schema",
        "$defs",
        "definitions",
    ];
    let texts = prop_oneof![Just("#"), Just("#/$defs/a"), Just("#a"), Just("a"), Just("object"), Just("^[a-c]+$")];
    let leaf = prop_oneof![any_value(), texts.prop_map(Into::into)];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let word = prop::sample::select(&WORDS[..]).prop_map(str::to_owned);
        prop_oneof![
            4 => prop::collection::btree_map(word, inner.clone(), 0..5)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            1 => prop::collection::btree_map("[a-c]", inner, 0..4)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_schema_and_the_value_an_end_is_reached(text in any_schema(), value in any_value()) {
        if let Ok(schemas) = compiled(&[("schema:///", &text.to_string())]) {
            let value = json(&value.to_string());
            let all = check(&schemas, &value, 50_000, 100);
            // What is told changes nothing about whether it fits.
            let nothing = check(&schemas, &value, 50_000, 0);
            match (all, nothing) {
                (Ok(Verdict::Misfits(told)), Ok(Verdict::Misfits(none))) => {
                    prop_assert!(!told.is_empty() && none.is_empty());
                    for misfit in told {
                        prop_assert!(value.way_from(crate::json::ROOT, &misfit.pointer).is_some(), "{misfit:?}");
                    }
                }
                (all, nothing) => prop_assert!(all == nothing || all.is_err(), "{all:?} {nothing:?}"),
            }
        }
    }
}
