//! What responses get, under the host of a test.

use super::HeadersSecure;
use weir::testing::Host;
use weir::{Faults, Origin};

/// The fields of a response after the filter, sorted.
fn after(config: &str, scheme: &str, upstream: &[(&str, &str)]) -> Vec<String> {
    let mut host = Host::new();
    let filter: HeadersSecure = host.configure(config).unwrap();
    host.request.scheme(scheme);
    for (name, value) in upstream {
        host.response.header(name, value);
    }
    host.on_response(&filter);
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    let mut fields: Vec<String> =
        host.response.fields.iter().map(|(name, value)| format!("{name}: {}", text(value))).collect();
    fields.sort();
    fields
}

fn faults(config: &str) -> Vec<(String, String)> {
    let faults: Faults = Host::new().configure::<HeadersSecure>(config).err().expect("it is refused");
    faults.iter().map(|fault| (fault.pointer.clone(), fault.message.clone())).collect()
}

const DEFAULTS: [&str; 3] = [
    "referrer-policy: strict-origin-when-cross-origin",
    "x-content-type-options: nosniff",
    "x-frame-options: SAMEORIGIN",
];

/// A configuration without the defaults, and with this.
fn only(config: &str) -> String {
    format!(
        r#"{{"hsts": false, "content_type_options": null, "frame_options": null, "referrer_policy": false, {config}}}"#
    )
}

#[test]
fn the_defaults_change_nothing_that_pages_load() {
    assert_eq!(after("{}", "http", &[]), DEFAULTS);
    let mut secure = DEFAULTS.to_vec();
    secure.insert(1, "strict-transport-security: max-age=31536000");
    assert_eq!(after("{}", "https", &[]), secure);
}

#[test]
fn what_tells_about_servers_is_taken_away() {
    let upstream = [
        ("Server", "nginx/1.22"),
        ("X-Powered-By", "PHP/8.2"),
        ("x-powered-by", "Express"),
        ("x-aspnet-version", "4"),
        ("x-app", "1"),
    ];
    assert_eq!(after(&only(r#""existing": "keep""#), "http", &upstream), ["x-app: 1"]);
    assert_eq!(after(&only(r#""remove": ["x-app"]"#), "http", &upstream[..1]), ["Server: nginx/1.22"]);
    assert_eq!(after(&only(r#""remove": []"#), "http", &upstream).len(), 5);
}

#[test]
fn every_header_can_be_switched_off() {
    for off in ["false", "null"] {
        let config = [
            "hsts",
            "content_security_policy",
            "content_security_policy_report_only",
            "content_type_options",
            "frame_options",
            "referrer_policy",
            "permissions_policy",
            "cross_origin_opener_policy",
            "cross_origin_embedder_policy",
            "cross_origin_resource_policy",
        ]
        .map(|key| format!("{key:?}: {off}"));
        assert_eq!(after(&format!("{{{}}}", config.join(", ")), "https", &[]), [""; 0]);
    }
}

#[test]
fn what_the_response_has_is_kept_or_replaced() {
    let upstream = [("X-Frame-Options", "DENY"), ("Referrer-Policy", "no-referrer"), ("referrer-policy", "origin")];
    assert_eq!(
        after("{}", "http", &upstream),
        [
            "Referrer-Policy: no-referrer",
            "X-Frame-Options: DENY",
            "referrer-policy: origin",
            "x-content-type-options: nosniff"
        ]
    );
    assert_eq!(after(r#"{"existing": "replace"}"#, "http", &upstream), DEFAULTS);
}

#[test]
fn every_response_has_them_whoever_made_it() {
    for (source, status) in [(Origin::Host, 502), (Origin::Filter, 401), (Origin::Upstream, 304)] {
        let mut host = Host::new();
        let filter: HeadersSecure = host.configure("{}").unwrap();
        host.response.source(source).status(status);
        host.on_response(&filter);
        assert_eq!(host.response.get("x-frame-options"), Some("SAMEORIGIN"));
    }
}

#[test]
fn hsts_says_what_is_written_and_belongs_to_https() {
    for (written, header) in [
        (r#"{"max_age": 0}"#, "max-age=0"),
        (r#"{"max_age": 300, "include_subdomains": true}"#, "max-age=300; includeSubDomains"),
        (
            r#"{"max_age": 63072000, "include_subdomains": true, "preload": true}"#,
            "max-age=63072000; includeSubDomains; preload",
        ),
    ] {
        let config = only("").replace(r#""hsts": false"#, &format!(r#""hsts": {written}"#)).replace(", }", "}");
        assert_eq!(after(&config, "https", &[]), [format!("strict-transport-security: {header}")]);
        assert_eq!(after(&config, "http", &[]), [""; 0]);
    }
    assert!(
        after(r#"{"hsts": {"always": true}}"#, "http", &[])
            .contains(&"strict-transport-security: max-age=31536000".to_owned())
    );
    for preload in [r#"{"preload": true}"#, r#"{"preload": true, "include_subdomains": true, "max_age": 31535999}"#] {
        let faults = faults(&format!(r#"{{"hsts": {preload}}}"#));
        assert_eq!(faults[0].0, "/hsts/preload");
        assert!(faults[0].1.contains("include_subdomains: true"), "{faults:?}");
    }
}

#[test]
fn a_policy_is_a_text_or_directives() {
    let header =
        "content-security-policy: default-src 'self' https://cdn.example; img-src *; upgrade-insecure-requests";
    let text = r#""default-src 'self' https://cdn.example; img-src *; upgrade-insecure-requests""#;
    let map = r#"{"default-src": ["'self'", "https://cdn.example"], "img-src": "*", "upgrade-insecure-requests": []}"#;
    for policy in [text, map] {
        assert_eq!(after(&only(&format!(r#""content_security_policy": {policy}"#)), "http", &[]), [header]);
        let report = header.replace("policy", "policy-report-only");
        assert_eq!(after(&only(&format!(r#""content_security_policy_report_only": {policy}"#)), "http", &[]), [report]);
    }
}

#[test]
fn frame_ancestors_take_the_place_of_frame_options() {
    for policy in [r#""img-src *; Frame-Ancestors https://a.example""#, r#"{"frame-ancestors": ["https://a.example"]}"#]
    {
        let frames = |more: &str| {
            let config = format!(r#"{{"content_security_policy": {policy}{more}}}"#);
            after(&config, "http", &[]).into_iter().find(|field| field.starts_with("x-frame"))
        };
        assert_eq!(frames(""), None);
        assert_eq!(frames(r#", "frame_options": "DENY""#), Some("x-frame-options: DENY".to_owned()));
    }
    let reported = r#"{"content_security_policy_report_only": "frame-ancestors 'none'"}"#;
    assert!(after(reported, "http", &[]).contains(&"x-frame-options: SAMEORIGIN".to_owned()));
}

#[test]
fn permissions_are_a_text_or_features() {
    let header = "permissions-policy: camera=(), fullscreen=*, geolocation=(self \"https://a.example:8443\")";
    let map = r#"{"camera": [], "fullscreen": "*", "geolocation": ["self", "https://a.example:8443"]}"#;
    let text = r#""camera=(), fullscreen=*, geolocation=(self \"https://a.example:8443\")""#;
    for policy in [map, text] {
        assert_eq!(after(&only(&format!(r#""permissions_policy": {policy}"#)), "http", &[]), [header]);
    }
}

#[test]
fn what_browsers_would_ignore_is_a_fault_where_it_is() {
    for (config, pointer, words) in [
        (r#""frame_options": "ALLOW-FROM https://a.example""#, "/frame_options", "`DENY`, `SAMEORIGIN`"),
        (r#""content_type_options": "sniff""#, "/content_type_options", "`nosniff`"),
        (r#""referrer_policy": "no-referrer, same_origin""#, "/referrer_policy", "`same_origin` is not a word"),
        (r#""cross_origin_opener_policy": "same-site""#, "/cross_origin_opener_policy", "`same-origin-allow-popups`"),
        (r#""cross_origin_embedder_policy": "yes""#, "/cross_origin_embedder_policy", "`require-corp`"),
        (r#""cross_origin_resource_policy": "none""#, "/cross_origin_resource_policy", "`cross-origin`"),
        (r#""content_security_policy": {"img-scr": "*"}"#, "/content_security_policy/img-scr", "know no directive"),
        (r#""content_security_policy": {"a/b": "*"}"#, "/content_security_policy/a~1b", "know no directive"),
        (
            r#""content_security_policy": {"img-src": ["self"]}"#,
            "/content_security_policy/img-src",
            "the keyword is \"'self'\"",
        ),
        (r#""content_security_policy": {"img-src": "a b"}"#, "/content_security_policy/img-src", "is not one source"),
        (r#""content_security_policy": {"img-src": "a;b"}"#, "/content_security_policy/img-src", "is not one source"),
        (r#""content_security_policy": """#, "/content_security_policy", "`false`"),
        (r#""content_security_policy": {}"#, "/content_security_policy", "`false`"),
        (r#""content_security_policy": "img-src *;\nscript-src *""#, "/content_security_policy", "line breaks"),
        (r#""permissions_policy": {"Camera": []}"#, "/permissions_policy/Camera", "not a feature's name"),
        (r#""permissions_policy": {"camera": "none"}"#, "/permissions_policy/camera", "`none` is not one"),
        (r#""permissions_policy": {"camera": ["*", "self"]}"#, "/permissions_policy/camera", "`*` alone"),
        (r#""permissions_policy": {"camera": ["https://a.example/\""]}"#, "/permissions_policy/camera", "an origin"),
        (r#""permissions_policy": """#, "/permissions_policy", "`false`"),
        (r#""remove": ["x", "content-length"]"#, "/remove/1", "the host sets itself"),
        (r#""frame_options": true"#, "/frame_options", "leave the key out"),
        (r#""frame_options": {"a": 1}"#, "/frame_options", "found a group of keys"),
        (r#""hsts": {"max_age": "1y"}"#, "/hsts/max_age", "found a text"),
        (r#""hsts": {"maxage": 1}"#, "/hsts/maxage", "unknown key"),
        (r#""exising": "keep""#, "/exising", "unknown key"),
    ] {
        let faults = faults(&format!("{{{config}}}"));
        assert_eq!(faults.len(), 1, "{config}: {faults:?}");
        assert_eq!(faults[0].0, pointer, "{config}: {faults:?}");
        assert!(faults[0].1.contains(words), "{config}: {faults:?}");
    }
    let many = format!(r#"{{"remove": [{}"x"], "frame_options": "x", "referrer_policy": "x"}}"#, r#""x", "#.repeat(32));
    assert_eq!(faults(&many).len(), 3);
}

#[test]
fn the_schema_says_what_is_read() {
    let schema = weir::testing::schema::<super::Config>();
    for words in [r#""const":false"#, r#""default":"keep""#, r#""default":["server","#, r#""default":31536000"#] {
        assert!(schema.contains(words), "{words}: {schema}");
    }
}
