use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Duration, Size, read};

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    name: String,
    #[serde(default)]
    limit: u16,
    #[serde(default)]
    ratio: f64,
    #[serde(default)]
    offset: i8,
    #[serde(default)]
    on: bool,
    #[serde(default)]
    rules: Vec<Rule>,
    #[serde(default)]
    by_name: BTreeMap<String, Option<u8>>,
    #[serde(default)]
    window: Window,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Rule {
    Everything,
    Path(String),
    Pair(u8, u8),
    Named { key: String },
}

/// Read by way of another type, as durations are.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(try_from = "String")]
struct Window(u64);

impl TryFrom<String> for Window {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.trim_end_matches('s').parse().map(Self).map_err(|_| format!("`{text}` is no time"))
    }
}

#[test]
fn every_kind_of_value_is_read() {
    let config: Config = read(
        r#" { "name" : "a \"quoted\" \u00e4\ud83d\ude00\n\/", "limit": 65535, "ratio": -1.5e3, "offset": -128, "on": true,
              "rules": ["everything", {"path": "/x"}, {"pair": [1, 2]}, {"named": {"key": "k"}}],
              "by_name": {"a": 1, "b": null}, "window": "10s" } "#,
    )
    .unwrap();
    assert_eq!(
        config,
        Config {
            name: "a \"quoted\" ä😀\n/".into(),
            limit: 65535,
            ratio: -1500.0,
            offset: -128,
            on: true,
            rules: vec![Rule::Everything, Rule::Path("/x".into()), Rule::Pair(1, 2), Rule::Named { key: "k".into() }],
            by_name: BTreeMap::from([("a".into(), Some(1)), ("b".into(), None)]),
            window: Window(10),
        }
    );
}

#[test]
fn a_fault_names_its_place() {
    for (json, pointer, message) in [
        (r#"{"limit": 1}"#, "", "`name` is missing"),
        (r#"{"name": 7}"#, "/name", "expected a string, found 7"),
        (r#"{"name": "", "limit": 65536}"#, "/limit", "expected u16, found 65536"),
        (r#"{"name": "", "limit": -1}"#, "/limit", "expected u16, found -1"),
        (r#"{"name": "", "limit": 1.5}"#, "/limit", "expected u16, found a number with a fraction"),
        (r#"{"name": "", "limit": "1"}"#, "/limit", "expected u16, found a text"),
        (r#"{"name": "", "on": null}"#, "/on", "expected a boolean, found nothing"),
        (r#"{"name": "", "rules": {}}"#, "/rules", "expected a sequence, found a group of keys"),
        (r#"{"name": "", "rules": [{"path": []}]}"#, "/rules/0/path", "expected a string, found a list"),
        (r#"{"name": "", "rules": ["everything", {"pair": [1, 300]}]}"#, "/rules/1/pair/1", "expected u8, found 300"),
        (
            r#"{"name": "", "rules": [{"pair": [1, 2, 3]}]}"#,
            "/rules/0/pair",
            "there are more values here than expected",
        ),
        (
            r#"{"name": "", "rules": [{"everything": {}}]}"#,
            "/rules/0",
            "`everything` has no value: write the name alone",
        ),
        (r#"{"name": "", "by_name": {"a/b~c": "x"}}"#, "/by_name/a~1b~0c", "expected u8, found a text"),
        (r#"{"name": "", "window": "soon"}"#, "/window", "`soon` is no time"),
        (
            r#"{"name": "", "rules": [{"named": {"kay": "k"}}]}"#,
            "/rules/0/named/kay",
            "unknown key `kay`; the keys here are `key`",
        ),
        (
            r#"{"name": "", "rules": ["nothing"]}"#,
            "/rules/0",
            "`nothing` is none of the words that can stand here: `everything`, `path`, `pair`, `named`",
        ),
        (r#"{"name": "a", "name": "b"}"#, "", "`name` stands here twice"),
        ("[]", "", "expected struct Config, found a list"),
    ] {
        let fault = read::<Config>(json).unwrap_err();
        assert_eq!((fault.pointer.as_str(), fault.message.as_str()), (pointer, message), "{json}");
    }
}

#[derive(Debug, Deserialize)]
struct Units {
    #[serde(default)]
    times: Vec<Duration>,
    #[serde(default)]
    largest: Option<Size>,
}

#[test]
fn units_are_read_and_nothing_else_is_one() {
    let units: Units = read(r#"{"times": ["0ms", "1500ms", "60s", "1m", "0024h"], "largest": "3MiB"}"#).unwrap();
    let seconds: Vec<f64> = units.times.iter().map(|time| time.get().as_secs_f64()).collect();
    assert_eq!(seconds, [0.0, 1.5, 60.0, 60.0, 86_400.0]);
    assert_eq!(units.largest.unwrap().bytes(), 3 << 20);
    assert_eq!(read::<Units>(r#"{"largest": null}"#).unwrap().largest, None);

    let how = "write a whole number and ms, s, m or h, as in 500ms";
    for text in ["soon", "", "s", "5", "5 s", "-5s", "1.5s", "5S", "5sec", "99999999999999999999s", "9999999999999999h"]
    {
        let fault = read::<Units>(&format!(r#"{{"times": ["1s", "{text}"]}}"#)).unwrap_err();
        assert_eq!((fault.pointer.as_str(), fault.message), ("/times/1", format!("`{text}` is not a duration: {how}")));
    }
    for (json, message) in [
        (r#"{"largest": "64k"}"#, "`64k` is not a size: write a whole number and B, KiB, MiB or GiB, as in 64KiB"),
        (r#"{"largest": 64}"#, "expected a size, found 64"),
        (r#"{"largest": {}}"#, "expected a size, found a group of keys"),
    ] {
        let fault = read::<Units>(json).unwrap_err();
        assert_eq!((fault.pointer.as_str(), fault.message.as_str()), ("/largest", message));
    }
}

#[test]
fn what_nobody_asks_for_is_read_over() {
    #[derive(Debug, Deserialize)]
    struct Loose {
        wanted: u8,
    }
    let json = r#"{"a": {"b": [1, "}", {"c": null}], "d": true}, "e": [], "f": -2.5e1, "wanted": 3, "g": "\\\""}"#;
    assert_eq!(read::<Loose>(json).unwrap().wanted, 3);
}

#[test]
fn what_is_cut_off_or_damaged_is_a_fault() {
    let whole = r#"{"name": "a\u00e4\n", "rules": [{"pair": [1, 2]}, "everything"], "ratio": 1.5, "on": false}"#;
    assert!(read::<Config>(whole).is_ok());
    for end in 0..whole.len() {
        assert!(read::<Config>(&whole[..end]).is_err(), "{}", &whole[..end]);
    }
    for broken in
        [r#"{"name": "\q"}"#, r#"{"name": "\ud800"}"#, r#"{"name": "a"} x"#, r#"{"name" "a"}"#, r#"{"name": "é\u00é"}"#]
    {
        assert!(read::<Config>(broken).is_err(), "{broken}");
    }
}

#[test]
fn nesting_has_an_end() {
    #[derive(Debug, Deserialize)]
    struct Nothing {}
    let deep = "[".repeat(1000) + &"]".repeat(1000);
    assert!(read::<serde_json::Value>(&deep).unwrap_err().message.contains("nested too deeply"));
    // What is read over takes no stack.
    read::<Nothing>(&format!(r#"{{"a": {deep}}}"#)).unwrap();
}

#[test]
fn fractions_are_what_rust_reads() {
    for text in [
        "0.0",
        "0.1",
        "0.3",
        "1.5",
        "-1.5e3",
        "2.5E-1",
        "123456.789012345",
        "1e22",
        "1e-22",
        "-0.001",
        "9007199254740991.0",
        "1E+2",
        "0e999",
        "0.000001",
        "3.14159265358979",
    ] {
        assert_eq!(super::read::<f64>(text).unwrap(), text.parse::<f64>().unwrap(), "{text}");
    }
    for text in ["1.7976931348623157e308", "4.9e-300", "0.12345678901234567890123", "1e-308"] {
        let (read, wanted) = (super::read::<f64>(text).unwrap(), text.parse::<f64>().unwrap());
        assert!((read - wanted).abs() <= wanted.abs() * 1e-14, "{text}: {read}");
    }
    assert_eq!(super::read::<f64>("1e-999").unwrap(), 0.0);
    for text in ["1e", "1e5e5", "1.2.3", "1e99999999999", "1-2.0"] {
        assert!(super::read::<f64>(text).is_err(), "{text}");
    }
}
