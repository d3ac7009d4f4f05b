//! What is wrong with a configuration is told all at once, where it is.

use super::Cors;
use weir::testing::Host;

fn faults(config: &str) -> Vec<(String, String)> {
    let faults = Host::new().configure::<Cors>(config).err().unwrap_or_else(|| panic!("{config} is taken"));
    faults.iter().map(|fault| (fault.pointer.clone(), fault.message.clone())).collect()
}

/// The only fault is at this place and has these words.
fn is_told(config: &str, pointer: &str, words: &str) {
    let faults = faults(config);
    assert_eq!(faults.len(), 1, "{config}: {faults:?}");
    assert!(faults[0].0 == pointer && faults[0].1.contains(words), "{config}: {faults:?}");
}

#[test]
fn what_is_no_origin_is_a_fault_that_says_what_one_is() {
    for (origin, words) in [
        ("app.example", "a scheme and a host"),
        ("", "a scheme and a host"),
        ("NULL", "a scheme and a host"),
        ("https://app.example/", "no `/` at its end"),
        ("https://app.example/path", "no `/` at its end"),
        ("https://app.example?x", "no query"),
        ("https://user@app.example", "not a host"),
        ("https://", "not a host"),
        ("https://[app]", "not a host"),
        ("https://app.example:", "not a port"),
        ("https://app.example:70000", "not a port"),
        ("https://app.example:+1", "not a port"),
        ("1s://app.example", "not a scheme"),
        ("https://b\u{fc}cher.example", "xn--"),
        ("https://app.*.example", "the first label"),
        ("https://app*.example", "the first label"),
        ("https://*", "the first label"),
        ("*://app.example", "the first label"),
        ("https://*.*.example", "the first label"),
        ("https://*.", "not a host"),
        ("*.example.com", "the first label"),
    ] {
        is_told(&format!(r#"{{"origins": ["https://ok.example", "{origin}"]}}"#), "/origins/1", words);
    }
    is_told(r#"{"origins": []}"#, "/origins", "no origin");
    is_told("{}", "", "`origins` is missing");
    is_told(r#"{"origins": [7]}"#, "/origins/0", "an origin, or `{ regex: ... }`");
    is_told(r#"{"origins": [{"regexp": "a"}]}"#, "/origins/0/regexp", "unknown key `regexp`");
    let many = vec![r#""https://a.example""#; 1001].join(",");
    is_told(&format!(r#"{{"origins": [{many}]}}"#), "/origins", "more than 1000");
    let patterns = vec![r#""https://*.a.example""#; 33].join(",");
    is_told(&format!(r#"{{"origins": [{patterns}]}}"#), "/origins", "more than 32");
}

#[test]
fn letting_everybody_in_with_credentials_is_a_fault_that_says_why() {
    is_told(r#"{"origins": ["*"], "credentials": true}"#, "/origins/0", "every page on the web act as its visitor");
    is_told(
        r#"{"origins": ["https://a.example", "null"], "credentials": true}"#,
        "/origins/1",
        "frame whose origin is `null`",
    );
    is_told(
        r#"{"origins": ["https://a.example"], "credentials": true, "expose": ["*"]}"#,
        "/expose",
        "write the names",
    );
    for everybody in ["https?://[a-z0-9.:-]+", "[^ ]*", "https://.{1,}", "(?s:.+)", "https://[a-z]+\\\\.[a-z]+"] {
        for credentials in [true, false] {
            let config = format!(r#"{{"origins": [{{"regex": "{everybody}"}}], "credentials": {credentials}}}"#);
            let told = faults(&config);
            assert_eq!((told.len(), told[0].0.as_str()), (1, "/origins/0"), "{config}");
            assert!(told[0].1.contains("origins of everybody") || told[0].1.contains("`\\.`"), "{told:?}");
        }
    }
}

#[test]
fn an_expression_that_cannot_be_meant_is_a_fault() {
    for (regex, words) in [
        ("https://(app", "without closing"),
        ("https://a)|(b", "without matching"),
        ("https://app.example", "write `\\.` for a dot"),
        ("https://[a-z]+.example", "write `\\.` for a dot"),
        ("a{1000}{1000}", ""),
        ("((((((((((((((((((a))))))))))))))))))", ""),
    ] {
        is_told(&format!(r#"{{"origins": [{{"regex": "{regex}"}}]}}"#), "/origins/0", words);
    }
    is_told(&format!(r#"{{"origins": [{{"regex": "{}"}}]}}"#, "a".repeat(513)), "/origins/0", "512");
    // Dots in a class, and escaped ones, are dots.
    let fine = r#"{"origins": [{"regex": "https://[[:alnum:].-]+\\.example[.]com"}]}"#;
    assert!(Host::new().configure::<Cors>(fine).is_ok());
}

#[test]
fn faults_of_all_keys_are_told_at_once() {
    let config = r#"{"origins": ["x"], "methods": ["get", "P UT"], "headers": ["x-a", "x b", "*"], "expose": [""],
        "max_age": "48h", "upstream": "keep"}"#;
    let pointers: Vec<String> = faults(config).into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(
        pointers,
        ["/origins/0", "/methods/0", "/methods/1", "/headers/1", "/headers/2", "/expose/0", "/max_age"]
    );
    is_told(r#"{"origins": ["*", "https://a.example"]}"#, "/origins/0", "nothing can stand beside it");
    is_told(r#"{"origins": ["*"], "max_age": "1500ms"}"#, "/max_age", "whole seconds");
    is_told(r#"{"origins": ["*"], "max_age": 600}"#, "/max_age", "duration");
    is_told(r#"{"origins": ["*"], "upstream": "merge"}"#, "/upstream", "`replace`, `keep`");
    is_told(r#"{"origins": ["*"], "origin": ["*"]}"#, "/origin", "unknown key `origin`");
    let many = vec![r#""x-a""#; 129].join(",");
    is_told(&format!(r#"{{"origins": ["*"], "headers": [{many}]}}"#), "/headers", "more than 128");
}
