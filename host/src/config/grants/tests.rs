use std::fs;
use std::path::Path;

use super::{Document, Follow, Resolved, Schema, resolve};
use crate::config::{Report, Source, parse};

/// The schema of a filter with one field of each kind, and some more.
const SCHEMA: &str = r##"{
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "endpoint": { "type": "string", "x-weir": "upstream" },
    "store": { "type": "string", "x-weir": "store" },
    "keys": { "$ref": "#/$defs/Keys" },
    "tokens": { "type": "array", "items": { "$ref": "#/$defs/Token" } },
    "by_name": { "type": "object", "additionalProperties": { "$ref": "#/$defs/Token" } },
    "a/b~c": { "$ref": "#/$defs/Token" },
    "ttl": { "type": "integer" }
  },
  "$defs": {
    "Keys": { "type": "object", "x-weir": "document" },
    "Token": { "type": "object", "x-weir": "secret" }
  }
}"##;

/// What the config of a filter comes to; faults as they are shown. `folder` is the file's.
fn resolved_in(folder: &Path, schema: Option<&str>, written: &str) -> Result<Resolved, String> {
    let text = format!(
        "version: 1\nlisteners: {{ public: {{ address: 127.0.0.1:8080 }} }}\nstores: {{ limits: {{ memory: 1MiB }} }}\n\
         upstreams:\n  auth: {{ endpoints: [http://127.0.0.1:9000] }}\n  policy: {{ endpoints: [http://127.0.0.1:9001] }}\n\
         sites:\n  - routes: [{{ path: /*, upstream: http://127.0.0.1:9002 }}]\n    chain:\n      - plugin: request-id\n        \
         config:\n{written}\n"
    );
    let config = parse(Source { path: folder.join("weir.yaml"), text });
    assert_eq!(config.faults, []);
    let schema = schema.map(|schema| Schema::parse(schema).unwrap());
    let resolved = resolve(&config.entries[0].config, schema.as_ref(), &config.known());
    resolved.map_err(|faults| Report::new(&config.sources, faults).render(false))
}

fn resolved(schema: &str, written: &str) -> Result<Resolved, String> {
    resolved_in(Path::new("conf"), Some(schema), written)
}

fn names(grants: &[super::Grant<String>]) -> Vec<(&str, &str)> {
    grants.iter().map(|grant| (grant.pointer.as_str(), grant.value.as_str())).collect()
}

/// The lines of a report that say what, where and what to do.
fn told(said: Result<Resolved, String>) -> Vec<String> {
    let said = said.expect_err("something is wrong");
    let is_told = |line: &&str| ["error:", "-->", "= help:"].iter().any(|mark| line.trim_start().starts_with(mark));
    said.lines().filter(is_told).map(|line| line.trim().to_owned()).collect()
}

#[test]
fn marked_fields_grant_what_stands_in_them() {
    let resolved = resolved(SCHEMA, "          endpoint: policy\n          store: limits\n          ttl: 5").unwrap();
    assert_eq!(names(&resolved.upstreams), [("/endpoint", "policy")]);
    assert_eq!(names(&resolved.stores), [("/store", "limits")]);
    assert_eq!(resolved.documents.len(), 0);
    assert_eq!(resolved.secrets.len(), 0);
    // Names reach the filter as they are.
    assert_eq!(resolved.config.to_string(), r#"{"endpoint":"policy","store":"limits","ttl":5}"#);
}

#[test]
fn documents_and_secrets_reach_the_filter_as_pointers() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("token"), "hunter2\n").unwrap();
    let written = "          keys: { upstream: auth, path: '/jwks?v=1' }\n          tokens: [{ env: CARGO_MANIFEST_DIR }, { file: token }]\n          \
                   by_name: { ann: { file: token } }\n          a/b~c: { file: ./token }";
    let resolved = resolved_in(folder.path(), Some(SCHEMA), written).unwrap();
    assert_eq!(
        resolved.config.to_string(),
        r#"{"keys":"/keys","tokens":["/tokens/0","/tokens/1"],"by_name":{"ann":"/by_name/ann"},"a/b~c":"/a~1b~0c"}"#
    );
    let document = Document::Upstream { upstream: "auth".into(), path: "/jwks?v=1".into(), follow: None };
    assert_eq!((&*resolved.documents[0].pointer, &resolved.documents[0].value), ("/keys", &document));
    // What is fetched from an upstream is no grant to send requests to it.
    assert_eq!(resolved.upstreams.len(), 0);
    let secrets: Vec<_> =
        resolved.secrets.iter().map(|secret| (secret.pointer.as_str(), secret.value.reveal())).collect();
    let folder = env!("CARGO_MANIFEST_DIR");
    let wanted =
        [("/tokens/0", folder), ("/tokens/1", "hunter2"), ("/by_name/ann", "hunter2"), ("/a~1b~0c", "hunter2")];
    assert_eq!(secrets, wanted);
    assert!(!format!("{resolved:?}").contains("hunter2"));
}

#[test]
fn a_document_may_be_what_another_one_leads_to() {
    for (follow, upstream, origin) in [
        ("/jwks_uri", "auth", "http://127.0.0.1:9000"),
        ("{ pointer: /jwks_uri, upstream: policy }", "policy", "http://127.0.0.1:9001"),
    ] {
        let written = format!("          keys: {{ upstream: auth, path: /oidc, follow: {follow} }}");
        let wanted = Document::Upstream {
            upstream: "auth".into(),
            path: "/oidc".into(),
            follow: Some(Follow {
                pointer: "/jwks_uri".into(),
                upstream: upstream.into(),
                origins: vec![origin.into()],
            }),
        };
        assert_eq!(resolved(SCHEMA, &written).unwrap().documents[0].value, wanted);
    }
    let form = "write `follow: /POINTER` or `follow: { pointer: /POINTER, upstream: NAME }`";
    let place = "write where the URL stands in the text, as in `/jwks_uri`";
    for (written, message, help) in [
        ("upstream: auth, path: /x, follow: jwks_uri", "`jwks_uri` is not a JSON Pointer", place),
        ("upstream: auth, path: /x, follow: \"\"", "an empty text is not a JSON Pointer", place),
        ("upstream: auth, path: /x, follow: /a~2", "`/a~2` is not a JSON Pointer", place),
        ("upstream: auth, path: /x, follow: { upstream: policy }", "the key `pointer` is missing here", form),
        (
            "upstream: auth, path: /x, follow: { pointer: /x, upstream: police }",
            "there is no upstream `police`",
            "did you mean `policy`?",
        ),
        (
            "file: x, follow: /jwks_uri",
            "what a file holds leads nowhere",
            "remove `follow`, or write `upstream` and `path`",
        ),
    ] {
        let told = told(resolved(SCHEMA, &format!("          keys: {{ {written} }}")));
        assert_eq!(told[0], format!("error: {message}"), "{written}");
        assert_eq!(told[2], format!("= help: {help}"), "{written}");
    }
}

#[test]
fn a_document_may_be_a_file_beside_the_configuration() {
    let resolved = resolved(SCHEMA, "          keys: { file: keys/all.json }").unwrap();
    assert_eq!(resolved.documents[0].value, Document::File("conf/keys/all.json".into()));
}

#[test]
fn without_a_schema_or_a_mark_nothing_is_granted() {
    let written = "          endpoint: policy\n          token: { env: NO_SUCH_VARIABLE }";
    for schema in [None, Some(r#"{ "properties": { "endpoint": { "type": "string" } } }"#)] {
        let resolved = resolved_in(Path::new("conf"), schema, written).unwrap();
        assert_eq!(resolved.upstreams.len(), 0);
        assert_eq!(resolved.secrets.len(), 0);
        assert_eq!(resolved.config.to_string(), r#"{"endpoint":"policy","token":{"env":"NO_SUCH_VARIABLE"}}"#);
    }
}

#[test]
fn the_default_of_a_store_grants_and_other_defaults_do_not() {
    let schema = r##"{ "properties": {
        "store": { "$ref": "#/$defs/Store", "default": "local" },
        "inside": { "default": { "more": [1] }, "properties": { "store": { "$ref": "#/$defs/Store", "default": "limits" } } },
        "endpoint": { "x-weir": "upstream", "default": "policy" },
        "keys": { "x-weir": "document", "default": { "file": "/etc/passwd" } },
        "token": { "x-weir": "secret", "default": { "env": "CARGO_MANIFEST_DIR" } }
      }, "$defs": { "Store": { "x-weir": "store" } } }"##;
    let nothing = resolved(schema, "          {}").unwrap();
    assert_eq!(names(&nothing.stores), [("/inside/store", "limits"), ("/store", "local")]);
    assert_eq!(nothing.upstreams.len(), 0);
    assert_eq!(nothing.documents.len(), 0);
    assert_eq!(nothing.secrets.len(), 0);
    // What the operator writes stands instead, also that there is none.
    let written = resolved(schema, "          store: null\n          inside: { store: local }").unwrap();
    assert_eq!(names(&written.stores), [("/inside/store", "local")]);
    assert_eq!(written.config.to_string(), r#"{"store":null,"inside":{"store":"local"}}"#);
}

#[test]
fn a_default_store_that_is_not_declared_is_said() {
    let schema = r#"{ "properties": { "store": { "x-weir": "store", "default": "shared" } } }"#;
    assert_eq!(
        told(resolved(schema, "          {}")),
        [
            "error: there is no store `shared`, which the filter uses where its config names none",
            "--> conf/weir.yaml:12:11",
            "= help: declare it under `stores:`, or name another in the filter's `config`"
        ]
    );
}

#[test]
fn names_that_are_not_declared_are_faults_with_a_guess() {
    let written =
        "          endpoint: polcy\n          store: limit\n          keys: { upstream: other-one, path: /x }";
    assert_eq!(
        told(resolved(SCHEMA, written)),
        [
            "error: there is no upstream `polcy`",
            "--> conf/weir.yaml:12:21",
            "= help: did you mean `policy`?",
            "error: there is no store `limit`",
            "--> conf/weir.yaml:13:18",
            "= help: did you mean `limits`?",
            "error: there is no upstream `other-one`",
            "--> conf/weir.yaml:14:29",
            "= help: known upstreams: auth, policy"
        ]
    );
    let url = told(resolved(SCHEMA, "          endpoint: http://127.0.0.1:9002"));
    assert_eq!(url[2], "= help: write a name, and declare it under `upstreams:` with this endpoint");
}

#[test]
fn keys_that_a_closed_schema_has_not_are_faults_at_the_key() {
    assert_eq!(
        told(resolved(SCHEMA, "          endpiont: policy\n          keys: { upstream: auth, paht: /x }")),
        [
            "error: unknown key `endpiont`",
            "--> conf/weir.yaml:12:11",
            "= help: did you mean `endpoint`?",
            "error: unknown key `paht`",
            "--> conf/weir.yaml:13:35",
            "= help: did you mean `path`?"
        ]
    );
    // An open one leaves them to the filter.
    let open = r#"{ "properties": { "store": { "x-weir": "store" } } }"#;
    assert_eq!(resolved(open, "          stroe: limits").unwrap().stores.len(), 0);
    let patterns = r#"{ "additionalProperties": false, "patternProperties": { "^x-": {} } }"#;
    assert!(resolved(patterns, "          x-any: 1").is_ok());
}

#[test]
fn parts_of_a_schema_count_together() {
    let schema = r##"{ "allOf": [{ "$ref": "#/$defs/One" }], "properties": { "b": { "x-weir": "store" } },
        "unevaluatedProperties": false, "$defs": { "One": { "properties": { "a": { "x-weir": "upstream" } } } } }"##;
    let both = resolved(schema, "          a: auth\n          b: limits").unwrap();
    assert_eq!((names(&both.upstreams), names(&both.stores)), (vec![("/a", "auth")], vec![("/b", "limits")]));
    assert_eq!(told(resolved(schema, "          c: 1"))[..2], ["error: unknown key `c`", "--> conf/weir.yaml:12:11"]);
}

#[test]
fn of_alternatives_the_one_that_was_meant_counts() {
    let schema = r#"{ "properties": { "source": { "oneOf": [
        { "type": "string" },
        { "type": "object", "additionalProperties": false, "required": ["kind", "from"],
          "properties": { "kind": { "const": "remote" }, "from": { "x-weir": "upstream" }, "key": { "x-weir": "secret" } } },
        { "type": "object", "additionalProperties": false, "required": ["kind", "from"],
          "properties": { "kind": { "const": "kept" }, "from": { "x-weir": "store" } } }
      ] } } }"#;
    let remote = resolved(schema, "          source: { kind: remote, from: auth }").unwrap();
    assert_eq!((names(&remote.upstreams).len(), remote.stores.len()), (1, 0));
    let kept = resolved(schema, "          source: { kind: kept, from: local }").unwrap();
    assert_eq!((kept.upstreams.len(), names(&kept.stores).len()), (0, 1));
    assert_eq!(resolved(schema, "          source: auth").unwrap().upstreams.len(), 0);
    // A slip inside does not hide which one it is.
    let slip = told(resolved(schema, "          source: { kind: remote, form: auth }"));
    assert_eq!(slip, ["error: unknown key `form`", "--> conf/weir.yaml:12:35", "= help: did you mean `from`?"]);
    let slip = told(resolved(schema, "          source: { kind: remote, from: auth, key: { evn: X } }"));
    assert_eq!(slip, ["error: unknown key `evn`", "--> conf/weir.yaml:12:54", "= help: did you mean `env`?"]);
    // Which one it is cannot be told: nothing is granted, and the filter says what it thinks of it.
    let unclear = resolved(schema, "          source: { from: auth }").unwrap();
    assert_eq!(unclear.upstreams.len(), 0);
    assert_eq!(unclear.stores.len(), 0);
}

#[test]
fn a_field_that_may_be_null_grants_when_it_is_not() {
    let schema = r##"{ "properties": { "a": { "anyOf": [{ "$ref": "#/$defs/U" }, { "type": "null" }] } },
        "$defs": { "U": { "type": "string", "x-weir": "upstream" } } }"##;
    assert_eq!(names(&resolved(schema, "          a: auth").unwrap().upstreams), [("/a", "auth")]);
    assert_eq!(resolved(schema, "          a: null").unwrap().upstreams.len(), 0);
}

#[test]
fn documents_and_secrets_of_another_shape_are_faults() {
    let document = "write `{ upstream: NAME, path: /PATH }` or `{ file: PATH }`";
    let secret = "write `{ env: NAME }` or `{ file: PATH }`";
    for (written, message, help) in [
        ("keys: auth", "a document is expected here", document),
        ("keys: { upstream: auth }", "a document has `upstream` and `path`, or `file` alone", document),
        (
            "keys: { upstream: auth, path: /x, file: x }",
            "a document has `upstream` and `path`, or `file` alone",
            document,
        ),
        ("tokens: [{}]", "a secret has either `env` or `file`, and not both", secret),
        ("tokens: [{ env: HOME, file: x }]", "a secret has either `env` or `file`, and not both", secret),
        ("tokens: [abc]", "a secret does not stand in the configuration", secret),
    ] {
        let told = told(resolved(SCHEMA, &format!("          {written}")));
        assert_eq!(told[0], format!("error: {message}"), "{written}");
        assert_eq!(told[2], format!("= help: {help}"), "{written}");
    }
    for path in ["jwks.json", "/a b", "/a#b", "\"/a\\nb\""] {
        let told = told(resolved(SCHEMA, &format!("          keys: {{ upstream: auth, path: {path} }}")));
        assert_eq!(told[2], "= help: write a path with a slash first, as in `/.well-known/jwks.json`", "{path}");
    }
    let number = told(resolved(SCHEMA, "          endpoint: 5\n          keys: { file: [x] }"));
    assert_eq!(number[0], "error: the name of an upstream is expected here");
    assert_eq!(number[2], "error: the path of a file is expected here");
}

#[test]
fn secrets_that_cannot_be_had_are_faults_that_do_not_show_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &[u8]| fs::write(folder.path().join(name), text).unwrap();
    file("large", &vec![b'x'; (64 << 10) + 1]);
    file("largest", &vec![b'x'; 64 << 10]);
    file("empty", b"\n");
    file("latin", b"hunter\xe9");
    let written = "          tokens:\n            - { env: NO_SUCH_VARIABLE }\n            - { file: none }\n            - { file: large }\n            - { file: empty }\n            - { file: latin }";
    let said = resolved_in(folder.path(), Some(SCHEMA), written).unwrap_err();
    for part in [
        "error: cannot read the environment variable `NO_SUCH_VARIABLE`: it is not set",
        "weir.yaml:13:22",
        "help: set it where weir runs",
        "none: No such file",
        "weir.yaml:14:23",
        "large: it is larger than 64 KiB",
        "empty is empty",
        "latin: it is not UTF-8",
    ] {
        assert!(said.contains(part), "not `{part}` in {said}");
    }
    assert!(!said.contains("hunter"));
    assert!(resolved_in(folder.path(), Some(SCHEMA), "          tokens: [{ file: largest }]").is_ok());
}

#[test]
fn a_mark_that_this_weir_does_not_know_is_a_fault_where_it_is_used() {
    let schema = r#"{ "properties": { "root": { "x-weir": "socket" } } }"#;
    assert!(resolved(schema, "          {}").is_ok());
    let told = told(resolved(schema, "          root: www"));
    assert_eq!(told[0], "error: the filter wants `socket` here, which this weir cannot grant");
    assert_eq!(told[1], "--> conf/weir.yaml:12:17");
}

#[test]
fn a_schema_that_never_ends_is_a_fault_and_takes_no_time() {
    let doubled: String = (0..60)
        .map(|n| format!(r##""d{n}":{{"allOf":[{{"$ref":"#/$defs/d{0}"}},{{"$ref":"#/$defs/d{0}"}}]}},"##, n + 1))
        .collect();
    let alternatives = r##"{ "$ref": "#/$defs/a", "$defs": { "a": { "anyOf": [{ "$ref": "#/$defs/a" }, { "$ref": "#/$defs/a" }] } } }"##;
    for schema in [
        r##"{ "$ref": "#" }"##,
        r##"{ "properties": { "a": { "$ref": "#/properties/a" } } }"##,
        r##"{ "properties": { "a": {}, "b": { "default": {}, "$ref": "#" } } }"##,
        r##"{ "properties": { "a": {}, "b": { "default": { "b": {} }, "$ref": "#/$defs/b" } },
            "$defs": { "b": { "properties": { "b": { "default": {}, "$ref": "#/$defs/b" }, "c": { "default": {}, "$ref": "#/$defs/b" } } } } }"##,
        alternatives,
        &format!(r##"{{ "$ref": "#/$defs/d0", "$defs": {{ {doubled} "d60": {{}} }} }}"##),
    ] {
        let told = told(resolved(schema, "          a: 1"));
        assert_eq!(told[0], "error: the schema of this filter holds itself, or is too large to go through", "{schema}");
    }
    // One that holds itself below a key ends with the config.
    let tree = r##"{ "properties": { "below": { "$ref": "#" }, "store": { "x-weir": "store" } } }"##;
    let deep = resolved(tree, "          below: { below: { store: limits } }").unwrap();
    assert_eq!(names(&deep.stores), [("/below/below/store", "limits")]);
}

#[test]
fn what_is_no_schema_is_refused() {
    for (text, why) in [("[]", "it is not an object"), ("{", "EOF"), (&"[".repeat(1000), "recursion")] {
        assert!(Schema::parse(text).unwrap_err().contains(why), "{text}");
    }
}
