//! What is wrong with a configuration.

use super::hash;
use crate::AuthKey;
use weir::testing::Host;

fn faults(config: &str) -> Vec<(String, String)> {
    let mut host = Host::new();
    host.document("/file", None);
    let faults = host.configure::<AuthKey>(config).err().expect("it is refused");
    faults.iter().map(|fault| (fault.pointer.clone(), fault.message.clone())).collect()
}

fn places(config: &str) -> Vec<String> {
    faults(config).into_iter().map(|(pointer, _)| pointer).collect()
}

#[test]
fn faults_are_told_all_at_once_where_they_are() {
    assert_eq!(places("{}"), [""]);
    assert_eq!(
        places(
            r#"{"file": "/file", "refresh": "500ms", "realm": "a\"b", "from": ["header:x-a", "body:x", "header:x-a"],
                "vars": {"User": "id", "user.id": "a b"}, "headers": {"host": "id", "X_A": "id"}}"#
        ),
        ["/refresh", "/realm", "/from/1", "/from/2", "/headers/X_A", "/vars/user.id", "/vars/User", "/headers/host"]
    );
    for from in [r"[]", r#"["a:b"]"#, r#"["path"]"#, r#"["user.id"]"#, r#"["query:k Bearer"]"#, r#"["bearer x"]"#] {
        assert!(faults(&format!(r#"{{"file": "/file", "from": {from}}}"#))[0].0.starts_with("/from"), "{from}");
    }
    assert_eq!(places(r#"{"file": "/file", "frm": []}"#), ["/frm"]);
    assert_eq!(places(r#"{"file": "/file", "refresh": "soon"}"#), ["/refresh"]);
}

#[test]
fn a_key_that_cannot_be_one_is_told_with_its_place_and_never_repeated() {
    let good = hash("good");
    let config = format!(
        r#"{{"keys": [
            {{"hash": "sesame", "id": "ada"}},
            {{"hash": "{good}", "id": ""}},
            {{"hash": "{}", "id": "bob smith", "metadata": {{"id": 1, "expires": "x", "a b": 1, "ok": "\u0000"}}}},
            {{"hash": "{}", "id": "eve", "expires": "2027"}},
            {{"hash": "{}", "id": "eve", "metadata": {{"note": "{}"}}}},
            {{"hash": "{good}", "id": "ada"}},
            {{"hash": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "id": "ada"}}
        ]}}"#,
        hash("b"),
        hash("c"),
        hash("d"),
        "x".repeat(5000)
    );
    let told = faults(&config);
    let places: Vec<&str> = told.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(
        places,
        [
            "/keys/0/hash",
            "/keys/1/id",
            "/keys/2/id",
            "/keys/2/metadata/a b",
            "/keys/2/metadata/expires",
            "/keys/2/metadata/id",
            "/keys/3/expires",
            "/keys/4/metadata",
            "/keys/6/hash",
            "/keys/5/hash",
        ]
    );
    assert!(told.iter().all(|(_, message)| !message.contains("sesame") && !message.contains(&good[..8])), "{told:?}");
    assert!(told[9].1.contains("`/keys/1`"), "{told:?}");
    let many = format!(
        r#"{{"keys": [{}{{"hash": "{good}", "id": "a"}}]}}"#,
        (0..1000).map(|number| format!(r#"{{"hash": "{number:064x}", "id": "a"}},"#)).collect::<String>()
    );
    assert_eq!(self::places(&many), ["/keys"]);
}

#[test]
fn what_is_written_is_marked_as_not_to_be_shown() {
    let schema: serde_json::Value = serde_json::from_str(&weir::testing::schema::<crate::Config>()).unwrap();
    let hash = &schema["properties"]["keys"]["items"]["properties"]["hash"];
    assert_eq!(hash["writeOnly"], true, "{schema}");
    assert_eq!(schema["properties"]["vars"]["default"]["user.id"], "id");
    assert_eq!(schema["properties"]["file"]["x-weir"], "document", "{schema}");
}
