//! What is answered, under the host of a test.

use super::Respond;
use weir::testing::{Answered, Host};
use weir::{Faults, Flow};

fn filter(host: &mut Host, config: &str) -> Respond {
    host.configure(config).unwrap_or_else(|faults| panic!("{config}: {faults:?}"))
}

/// The answer to a request that was set up.
fn answer(host: &mut Host, config: &str) -> Answered {
    let filter = filter(host, config);
    assert_eq!(host.on_request(&filter), Flow::Stop, "{config}");
    host.reply.take().unwrap()
}

fn faults(config: &str) -> Vec<(String, String)> {
    let faults: Faults = Host::new().configure::<Respond>(config).err().unwrap_or_else(|| panic!("{config} is taken"));
    faults.iter().map(|fault| (fault.pointer.clone(), fault.message.clone())).collect()
}

/// Where a redirect of this request leads.
fn location(to: &str, path: &str, query: Option<&str>) -> String {
    let mut host = Host::new();
    host.request.path(path);
    if let Some(query) = query {
        host.request.query(query);
    }
    let reply = answer(&mut host, &format!(r#"{{"redirect": {{"to": "{to}"}}}}"#));
    assert_eq!((reply.status, reply.code.as_str(), reply.body.len()), (302, "redirect", 0));
    reply.get("location").unwrap().to_owned()
}

#[test]
fn a_fixed_answer_is_as_it_stands() {
    let config =
        r#"{"status": 410, "body": "{gone} & <b>\n", "headers": {"X-Why": "{{closed}}", "content-type": "text/html"}}"#;
    let reply = answer(&mut Host::new(), config);
    assert_eq!((reply.status, reply.text(), reply.code.as_str()), (410, Some("{gone} & <b>\n"), "configured"));
    assert_eq!((reply.get("x-why"), reply.get("content-type")), (Some("{closed}"), Some("text/html")));
    let reply = answer(&mut Host::new(), r#"{"body": "ok"}"#);
    assert_eq!((reply.status, reply.get("content-type")), (200, Some("text/plain; charset=utf-8")));
    let reply = answer(&mut Host::new(), r#"{"status": 204}"#);
    assert_eq!((reply.status, reply.headers.len(), reply.body.len()), (204, 0, 0));
}

#[test]
fn values_are_filled_in() {
    let mut host = Host::new();
    host.request.method("POST").path("/a/b").query("name=Ada+L").header("x-a", "1").header("cookie", "c=2");
    host.vars.insert("user.id".into(), "u7".into());
    let template = "{client.ip} {method} {path} {query:name} {header:X-A} {cookie:c} {user.id} [{query:none}] {{}}";
    let reply =
        answer(&mut host, &format!(r#"{{"template": "{template}", "headers": {{"x-user": "id {{user.id}}"}}}}"#));
    assert_eq!(reply.text(), Some("192.0.2.1 POST /a/b Ada L 1 2 u7 [] {}"));
    assert_eq!((reply.get("x-user"), reply.get("x-content-type-options")), (Some("id u7"), Some("nosniff")));
}

/// What somebody would send who means harm.
const EVIL: &str = "</b><script>alert(\"1\")</script>\r\nX-Evil: 1 \\ \"}";

fn evil() -> Host {
    let mut host = Host::new();
    let query: String = EVIL.bytes().map(|byte| format!("%{byte:02X}")).collect();
    host.request.query(&format!("q={query}"));
    host
}

#[test]
fn a_header_cannot_be_split() {
    let reply =
        answer(&mut evil(), r#"{"status": 200, "headers": {"x-q": "{query:q}", "set-cookie": "q={query:q}; Secure"}}"#);
    for name in ["x-q", "set-cookie"] {
        let value = reply.get(name).unwrap();
        assert!(value.contains("%0D%0AX-Evil: 1") && !value.contains(['\r', '\n']), "{value}");
    }
    assert_eq!(reply.get("set-cookie").unwrap().matches(';').count(), 1);
}

#[test]
fn a_page_gets_no_markup() {
    for content_type in ["text/html", "TEXT/HTML; charset=utf-8", "image/svg+xml", "application/xml"] {
        let config =
            format!(r#"{{"template": "<b>{{query:q}}</b>", "headers": {{"Content-Type": "{content_type}"}}}}"#);
        let reply = answer(&mut evil(), &config);
        let text = reply.text().unwrap();
        assert_eq!(text.matches('<').count(), 2, "{text}");
        assert!(text.contains("&lt;script&gt;") && reply.headers.len() == 2, "{reply:?}");
    }
}

#[test]
fn json_stays_json() {
    let config =
        r#"{"json": {"q": "say {query:q}", "n": [1, -2, 0.25, true, null, "{{}}"], "a\"b": {}}, "status": 404}"#;
    let reply = answer(&mut evil(), config);
    let value: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    let wanted = serde_json::json!({ "q": format!("say {EVIL}"), "n": [1, -2, 0.25, true, null, "{}"], "a\"b": {} });
    assert_eq!((value, reply.status), (wanted, 404));
    assert_eq!(
        (reply.get("content-type"), reply.get("x-content-type-options")),
        (Some("application/json"), Some("nosniff"))
    );
    assert!(!reply.text().unwrap().contains("</script"));
    let reply =
        answer(&mut evil(), r#"{"json": "{query:q}", "headers": {"content-type": "application/problem+json"}}"#);
    assert_eq!((reply.get("content-type"), reply.headers.len()), (Some("application/problem+json"), 2));
    assert_eq!(serde_json::from_slice::<String>(&reply.body).unwrap(), EVIL);
}

#[test]
fn a_redirect_leads_where_it_is_written() {
    for (to, path, wanted) in [
        ("https://new.example{path}", "/a%20b/c", "https://new.example/a%20b/c"),
        ("https://new.example:8443/x{path}?from={client.ip}", "/", "https://new.example:8443/x/?from=192.0.2.1"),
        ("/new{path}", "/a", "/new/a"),
        ("{path}/", "/a", "/a/"),
        ("/search?q={query:q}&p={path}#top", "/a", "/search?q=&p=%2Fa#top"),
        ("http://[2001:db8::1]/", "/", "http://[2001:db8::1]/"),
        ("/", "/a", "/"),
    ] {
        assert_eq!(location(to, path, None), wanted, "{to}");
    }
    let mut host = Host::new();
    host.request.path("/old").query("a=b%20c&d=\"#");
    for (to, wanted) in
        [("https://a.example/x", "https://a.example/x?a=b%20c&d=%22%23"), ("/x?y=1", "/x?y=1&a=b%20c&d=%22%23")]
    {
        let reply =
            answer(&mut host, &format!(r#"{{"status": 308, "redirect": {{"to": "{to}", "keep_query": true}}}}"#));
        assert_eq!((reply.status, reply.get("location")), (308, Some(wanted)));
    }
}

#[test]
fn no_client_chooses_the_host_of_a_redirect() {
    for (to, path, query, wanted) in [
        ("{path}", "//evil.example/", None, "/evil.example/"),
        ("/{query:q}", "/", Some("q=/evil.example"), "/%2Fevil.example"),
        ("/{query:q}", "/", Some("q=%5Cevil.example"), "/%5Cevil.example"),
        ("/{query:q}{path}", "//evil.example", None, "/evil.example"),
        ("{path}", "/\\evil.example", None, "/%5Cevil.example"),
        ("https://a.example{path}", "//evil.example", None, "https://a.example//evil.example"),
        (
            "https://a.example/{query:q}",
            "/",
            Some("q=@evil.example%0D%0AX: 1"),
            "https://a.example/%40evil.example%0D%0AX%3A%201",
        ),
    ] {
        assert_eq!(location(to, path, query), wanted, "{to}");
    }
    for to in [
        "{query:to}",
        "{header:host}/x",
        "https://{header:host}{path}",
        "https://a.example{query:q}",
        "https://a.example.{query:q}/",
        "https://{path}",
        "https://user@a.example/",
        "https:///x",
        "//a.example/",
        "//{query:q}",
        "javascript:alert(1)",
        "ftp://a.example/",
        "a.example",
        "",
        "/a\\\\b",
        "/a b",
        "/ü",
        "/{pth}",
    ] {
        let faults = faults(&format!(r#"{{"redirect": {{"to": "{to}"}}}}"#));
        assert_eq!((faults.len(), faults[0].0.as_str()), (1, "/redirect/to"), "{to}: {faults:?}");
    }
}

#[test]
fn a_maintenance_page_tells_when_to_come_again_and_lets_some_in() {
    let mut host = Host::new();
    let usual = answer(&mut host, r#"{"maintenance": {"retry_after": "10m"}}"#);
    assert_eq!((usual.status, usual.text(), usual.code.as_str()), (503, Some("Down for maintenance\n"), "maintenance"));
    assert_eq!(usual.get("retry-after"), Some("600"));
    let own = r#"{"maintenance": {"allow": ["10.0.0.0/8", "2001:db8::/32"]}, "body": "<h1>Soon</h1>", "headers": {"content-type": "text/html"}}"#;
    let page = answer(&mut host, own);
    assert_eq!((page.status, page.text(), page.get("retry-after")), (503, Some("<h1>Soon</h1>"), None));
    for client in ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1"] {
        host.exchange.client_address = client.into();
        let filter = filter(&mut host, own);
        assert_eq!(host.on_request(&filter), Flow::Next, "{client}");
    }
}

#[test]
fn what_is_too_long_is_the_clients_fault() {
    for config in
        [r#"{"status": 200, "headers": {"x-q": "{query:q}"}}"#, r#"{"template": "{query:q}{query:q}{query:q}"}"#]
    {
        let mut host = Host::new();
        host.request.query(&format!("q={}", "%22".repeat(200 << 10)));
        let reply = answer(&mut host, config);
        assert_eq!((reply.status, reply.code.as_str()), (431, "values-too-long"), "{config}");
    }
}

#[test]
fn faults_are_told_where_they_are() {
    for (config, pointer, words) in [
        ("{}", "", "nothing says what to answer"),
        (r#"{"body": "a", "json": 1}"#, "", "one body"),
        (r#"{"body": "a", "redirect": {"to": "/"}}"#, "/redirect", "has no body"),
        (r#"{"maintenance": {}, "redirect": {"to": "/"}}"#, "/redirect", "maintenance"),
        (r#"{"status": 199}"#, "/status", "200 to 599"),
        (r#"{"status": 200, "redirect": {"to": "/"}}"#, "/status", "301"),
        (r#"{"status": 200, "maintenance": {}}"#, "/status", "400 to 599"),
        (r#"{"status": 204, "body": "a"}"#, "/status", "no body"),
        (r#"{"template": "{nme}"}"#, "/template", "there is no value `nme`"),
        (r#"{"template": "{"}"#, "/template", "`{{`"),
        (r#"{"json": {"a/b": [0, "{nme}"]}}"#, "/json/a~1b/1", "there is no value `nme`"),
        (r#"{"body": "a", "headers": {"x-a": "{nme}"}}"#, "/headers/x-a", "there is no value `nme`"),
        (r#"{"body": "a", "headers": {"x a": "1"}}"#, "/headers/x a", "not a header name"),
        (r#"{"body": "a", "headers": {"content-length": "1"}}"#, "/headers/content-length", "the host sets itself"),
        (r#"{"body": "a", "headers": {"x-a": "1\r\nx-b: 2"}}"#, "/headers/x-a", "line breaks"),
        (r#"{"status": 302, "headers": {"Location": "{query:to}"}}"#, "/headers/Location", "`redirect: { to: ... }`"),
        (r#"{"body": "a", "headers": {"refresh": "0;url=x"}}"#, "/headers/refresh", "`redirect: { to: ... }`"),
        (
            r#"{"body": "a", "headers": {"content-type": "{header:accept}"}}"#,
            "/headers/content-type",
            "has none itself",
        ),
        (r#"{"template": "a('{path}')", "headers": {"content-type": "text/javascript"}}"#, "/template", "none of them"),
        (
            r#"{"template": "[{path}]", "headers": {"content-type": "application/json"}}"#,
            "/template",
            "write a JSON body",
        ),
        (
            r#"{"template": "<a href='{path}'>", "headers": {"content-type": "text/html"}}"#,
            "/template",
            "between tags only",
        ),
        (r#"{"json": 1, "headers": {"content-type": "text/html"}}"#, "/headers", "application/json"),
        (r#"{"redirect": {"to": "/#a", "keep_query": true}}"#, "/redirect/keep_query", "`#`"),
        (r#"{"maintenance": {"retry_after": "1500ms"}}"#, "/maintenance/retry_after", "whole seconds"),
        (r#"{"maintenance": {"retry_after": 5}}"#, "/maintenance/retry_after", "found 5"),
        (r#"{"maintenance": {"allow": ["::1", "home"]}}"#, "/maintenance/allow/1", "`home` is neither"),
        (r#"{"bdy": "a"}"#, "/bdy", "unknown key"),
    ] {
        let faults = faults(config);
        assert_eq!((faults.len(), faults[0].0.as_str()), (1, pointer), "{config}: {faults:?}");
        assert!(faults[0].1.contains(words), "{config}: {faults:?}");
    }
    let large = "x".repeat((256 << 10) + 1);
    assert_eq!(faults(&format!(r#"{{"body": "{large}"}}"#))[0].1, "the body of an answer has at most 256 KiB");
}
