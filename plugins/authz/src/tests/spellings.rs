//! Paths cannot get round a rule by how they are spelt.

use super::says;

/// Every spelling of `/admin/keys` that some server takes for it, as far as it gets past the host.
const SPELLINGS: [&str; 23] = [
    "/admin/keys",
    "/ADMIN/keys",
    "/Admin/KEYS",
    "/admin/keys/",
    "/admin//keys",
    "//admin/keys",
    "/admin%2Fkeys",
    "/admin%2fkeys",
    "/admin;x/keys",
    "/admin;x=1;y/keys;z",
    "/admin%3Bx/keys",
    "/;/admin/keys",
    "/admin./keys",
    "/admin/keys.",
    "/admin/keys%20",
    "/admin/keys%20.%20",
    "/admin%252Fkeys",
    "/%2561dmin/keys",
    "/%2541dmin/keys",
    "/admin/keys%3F",
    "/admin/keys%3Fx",
    "/admin/keys%23x",
    "/admin/keys%253Fx",
];

/// Ways out of a segment, and what two servers would cut in two places: nobody means that well.
const WAYS_OUT: [&str; 19] = [
    "/public/..;/admin",
    "/public/..;x=1/admin",
    "/public/.;/admin",
    "/public/..%2Fadmin",
    "/public%2F..%2Fadmin",
    "/public/%252E%252E/admin",
    "/public/%252e%252e%252fadmin",
    "/public/..%3B/admin",
    "/public/..%20/admin",
    "/public/.../admin",
    "/public/..%253B/admin",
    "/public/%25252E%25252E/admin",
    "/public/%C0%AE%C0%AE/admin",
    "/public/%255Cadmin",
    "/public;x%2Fadmin",
    "/public%3Bx%2Fadmin",
    "/public%3Bx%252Fadmin",
    "/public;x/%2561dmin",
    "/public%253Bx",
];

#[test]
fn what_is_denied_is_denied_in_every_spelling() {
    for rule in [
        r#"{"paths": ["/admin/*"], "deny": true}"#,
        r#"{"paths": ["/admin/keys"], "deny": true}"#,
        r#"{"paths": ["/ADMIN/keys/"], "deny": true}"#,
        r#"{"paths": ["/*/keys"], "deny": true}"#,
        r#"{"paths": ["/{user.area}/keys"], "deny": true}"#,
    ] {
        for rest in [r#""default": "allow""#, r#""default": "deny""#] {
            let config = format!(r#"{{"rules": [{rule}, {{"name": "all", "paths": ["/*"]}}], {rest}}}"#);
            for path in SPELLINGS {
                says(&config, &[("user.area", "Admin")], &[("GET", path, "denied")]);
            }
        }
    }
}

#[test]
fn what_leads_out_of_a_segment_is_refused() {
    for config in [
        r#"{"rules": [{"paths": ["/public/*"]}]}"#,
        r#"{"rules": [{"paths": ["/*", "/public"]}]}"#,
        r#"{"rules": [{"deny": true, "paths": ["/admin/*"]}], "default": "allow"}"#,
    ] {
        for path in WAYS_OUT {
            says(config, &[], &[("GET", path, "ambiguous-path")]);
        }
    }
}

#[test]
fn what_is_allowed_must_be_so_in_every_reading() {
    let config = r#"{"rules": [{"name": "docs", "paths": ["/docs/*"]}, {"name": "one", "paths": ["/a/b"]},
                               {"name": "any", "paths": ["/x/*/y"]}, {"name": "mine", "paths": ["/u/{user.id}/z"]}]}"#;
    says(
        config,
        &[("user.id", "a/b@x;1%41.")],
        &[
            // All readings are below the prefix.
            ("GET", "/docs/a%2Fb", "docs"),
            ("GET", "/docs//a", "docs"),
            ("GET", "/docs/a;v=1", "docs"),
            ("GET", "/docs/100%25", "docs"),
            ("GET", "/docs/%2541", "docs"),
            ("GET", "/docs/What%3F", "docs"),
            ("GET", "/docs/etc.", "docs"),
            ("GET", "/docs/caf%C3%A9", "docs"),
            // One is, another is not.
            ("GET", "/docs%2Fa", "no-rule"),
            ("GET", "/docs;x/a", "no-rule"),
            ("GET", "/a%2Fb", "no-rule"),
            ("GET", "/a/b;x", "no-rule"),
            ("GET", "/a/b/", "no-rule"),
            ("GET", "/a//b", "no-rule"),
            ("GET", "/x/1/y", "any"),
            ("GET", "/x/1%2F2/y", "ambiguous-path"),
            ("GET", "/x/1;2/y", "any"),
            ("GET", "/x/;2/y", "ambiguous-path"),
            ("GET", "/x//y", "no-rule"),
            ("GET", "/u/a%2Fb%40x%3B1%2541./z", "ambiguous-path"),
            // What nobody can read.
            ("GET", "/docs/%FF", "ambiguous-path"),
            ("GET", "/docs/%C0%AF", "ambiguous-path"),
            ("GET", "/docs/%252541", "ambiguous-path"),
        ],
    );
}

#[test]
fn a_long_path_is_read_in_one_way_only() {
    let config = r#"{"rules": [{"paths": ["/a/*"]}]}"#;
    let long = "/a".repeat(4096);
    says(
        config,
        &[],
        &[
            ("GET", &long, "rule-0"),
            ("GET", &format!("{long}/b;c"), "ambiguous-path"),
            ("GET", &format!("/a/b;c{}", "/d".repeat(4000)), "rule-0"),
        ],
    );
}

#[test]
fn where_nobody_looks_at_paths_any_will_do() {
    let config = r#"{"rules": [{"roles": ["user"], "methods": ["GET"]}, {"paths": ["/*"], "when": {"user.a": "b"}}]}"#;
    for path in WAYS_OUT.into_iter().chain(["/caf%E9"]) {
        says(config, &[("auth.role", "user")], &[("GET", path, "rule-0"), ("PUT", path, "no-rule")]);
    }
}

#[test]
fn a_value_of_a_variable_is_one_segment_and_decoded() {
    let config = r#"{"rules": [{"paths": ["/u/{user.id}/*"]}]}"#;
    for (id, path, wanted) in [
        ("ada@example.com", "/u/ada@example.com/x", "rule-0"),
        ("ada@example.com", "/u/ada%40example.com/x", "rule-0"),
        ("größe 1", "/u/gr%C3%B6%C3%9Fe%201/x", "rule-0"),
        ("ada", "/u/ada.", "no-rule"),
        ("ada", "/u/ada%20", "no-rule"),
        ("ada", "/u/ada;x", "no-rule"),
        ("", "/u/", "no-rule"),
        ("", "/u//x", "no-rule"),
        ("*", "/u/bob/x", "no-rule"),
        ("a/b", "/u/a/b", "no-rule"),
    ] {
        says(config, &[("user.id", id)], &[("GET", path, wanted)]);
    }
}
