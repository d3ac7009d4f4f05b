//! Whose answers stay as they are.

use super::{encoded, exchange, pass};

/// Whether the answer to a request with these fields is compressed.
fn is_compressed(config: &str, fields: &[(&str, &str)]) -> bool {
    let mut host = exchange(Some("gzip"), 5000);
    for (name, value) in fields {
        host.request.header(name, value);
    }
    pass(&mut host, config);
    assert_eq!(host.response.get("vary"), Some("Accept-Encoding"));
    let note = if encoded(&host).is_some() { "gzip" } else { "breach" };
    assert_eq!(host.notes, [note]);
    encoded(&host).is_some()
}

const COOKIE: (&str, &str) = ("cookie", "session=1");

#[test]
fn another_sites_page_learns_nothing_from_lengths() {
    for (field, value, wanted) in [
        ("sec-fetch-site", "cross-site", false),
        ("sec-fetch-site", "unheard-of", false),
        ("sec-fetch-site", "same-site", true),
        ("sec-fetch-site", "same-origin", true),
        ("sec-fetch-site", "none", true),
        ("origin", "https://evil.example", false),
        ("origin", "null", false),
        ("origin", "http://example.com", true),
        ("origin", "https://EXAMPLE.com:443", true),
        ("referer", "https://evil.example/?https://example.com/", false),
        ("referer", "https://example.com.evil.example/", false),
        ("referer", "https://example.com/page", true),
        ("referer", "nonsense", false),
    ] {
        let fields = [COOKIE, (field, value)];
        assert_eq!(is_compressed("{}", &fields), wanted, "{field}: {value}");
        // Without credentials there is nothing that the page could not ask for itself.
        assert!(is_compressed("{}", &fields[1..]), "{field}: {value}");
        assert!(is_compressed(r#"{"breach": "ignore"}"#, &fields), "{field}: {value}");
    }
    // Who tells nothing is no browser.
    assert!(is_compressed("{}", &[COOKIE]));
    // What the browser says of the site counts before the rest.
    let fields = [COOKIE, ("sec-fetch-site", "same-origin"), ("referer", "https://evil.example/")];
    assert!(is_compressed("{}", &fields));
}

#[test]
fn credentials_are_what_browsers_add_by_themselves() {
    for (name, value, wanted) in [
        ("cookie", "a=b", false),
        ("authorization", "Basic YTpi", false),
        ("authorization", "negotiate YII", false),
        ("authorization", "Bearer abc", true),
        ("authorization", "", true),
        ("x-api-key", "abc", true),
    ] {
        assert_eq!(is_compressed("{}", &[(name, value), ("sec-fetch-site", "cross-site")]), wanted, "{name}: {value}");
    }
}

#[test]
fn the_operator_may_be_more_careful() {
    let same_site = [COOKIE, ("sec-fetch-site", "same-site")];
    assert!(!is_compressed(r#"{"breach": "cross-origin"}"#, &same_site));
    assert!(is_compressed(r#"{"breach": "cross-origin"}"#, &[COOKIE, ("sec-fetch-site", "same-origin")]));
    assert!(!is_compressed(r#"{"breach": "credentials"}"#, &[COOKIE]));
    assert!(is_compressed(r#"{"breach": "credentials"}"#, &[]));
}

#[test]
fn what_is_public_holds_no_secret() {
    let mut host = exchange(Some("gzip"), 5000);
    host.request.header("cookie", "a=b").header("sec-fetch-site", "cross-site");
    host.response.header("cache-control", "max-age=60, public");
    pass(&mut host, "{}");
    assert!(encoded(&host).is_some());
}

#[test]
fn credentials_count_though_another_filter_takes_them_away() {
    let mut host = exchange(Some("gzip"), 5000);
    host.request.header("authorization", "Basic YTpi").header("sec-fetch-site", "cross-site");
    let filter: crate::Compress = host.configure("{}").unwrap();
    host.on_request(&filter);
    host.request.fields.clear();
    host.on_response(&filter);
    assert_eq!((encoded(&host), host.notes), (None, vec!["breach".to_owned()]));
}
