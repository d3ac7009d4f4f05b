//! Documents that another one leads to.

use std::io::Write;
use std::net::SocketAddr;

use weir_tests::{Client, Origin, Proxy, ProxyBuilder, Scrape, until};

/// Has a discovery document at `/oidc`, in which `jwks_uri` is this text and `more` follows, and keys at `/keys?v=1`.
fn provider(uri: impl Fn(SocketAddr) -> String + Clone + Send + 'static) -> Origin {
    Origin::raw(move |received, stream| {
        let me = stream_address(received);
        let (status, body) = match received.line.split(' ').nth(1).unwrap() {
            "/oidc" => ("200 OK", uri(me)),
            "/keys?v=1" => ("200 OK", "these keys".to_owned()),
            "/moved" => ("302 Found\r\nLocation: /keys?v=1", String::new()),
            _ => ("404 Not Found", String::new()),
        };
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).is_ok()
    })
}

/// The address that was asked, as its `Host` says.
fn stream_address(received: &weir_tests::Received) -> SocketAddr {
    received.header("host").unwrap().parse().unwrap()
}

fn discovery(uri: &str) -> String {
    format!("{{\"issuer\": \"x\", \"keys\": [{{ \"jwks_uri\": \"{uri}\" }}]}}")
}

fn following(provider: &Origin, follow: &str) -> ProxyBuilder {
    Proxy::builder()
        .top("workers: 1")
        .top("admin: { address: \"127.0.0.1:0\" }")
        .guest(
            "keeper",
            "keeper",
            &format!("config: {{ document: {{ upstream: auth, path: /oidc, follow: {follow} }}, every: 1 }}"),
        )
        .route("/*", "auth", provider.address)
}

fn read(proxy: &Proxy) -> String {
    Client::connect(proxy.address).get("/", "X-Do: read\r\n").text()
}

/// The discovery document of a provider at this address.
type Discovery = fn(SocketAddr) -> String;

const POINTER: &str = "/keys/0/jwks_uri";

#[test]
fn what_a_document_leads_to_is_fetched_and_kept_fresh() {
    let provider = provider(|me| discovery(&format!("http://{me}/keys?v=1")));
    let proxy = following(&provider, POINTER).start();
    until("it is fetched", || read(&proxy).ends_with(" these keys"));
    let view: serde_json::Value = serde_json::from_str(&Scrape::of(&proxy.log).text("/documents", "")).unwrap();
    assert_eq!(view["documents"][0]["source"], "upstream `auth`, /oidc, what `/keys/0/jwks_uri` there leads to");
    let asked: Vec<String> = (0..4).map(|_| provider.next().line).collect();
    assert_eq!(asked, ["GET /oidc HTTP/1.1", "GET /keys?v=1 HTTP/1.1"].repeat(2), "both are fetched anew");
}

#[test]
fn it_leads_to_another_upstream_if_that_is_named() {
    let certs = provider(|_| String::new());
    let elsewhere = certs.address;
    let provider = provider(move |_| discovery(&format!("http://{elsewhere}/keys?v=1")));
    let builder = |follow: &str| {
        following(&provider, follow).upstream("certs", &format!("{{ endpoints: [\"http://{elsewhere}\"] }}"))
    };
    let proxy = builder(&format!("{{ pointer: {POINTER}, upstream: certs }}")).start();
    until("it is fetched", || read(&proxy).ends_with(" these keys"));
    assert_eq!(certs.next().line, "GET /keys?v=1 HTTP/1.1");
    // And nowhere if it is not.
    drop(proxy);
    certs.arrived();
    let proxy = builder(POINTER).start();
    let line = proxy.log.wait("a document cannot be fetched");
    assert!(
        line.contains(&format!("leads to http://{elsewhere}, which is not an endpoint of upstream `auth`")),
        "{line}"
    );
    assert_eq!((read(&proxy).as_str(), certs.arrived().len()), ("0 none", 0));
}

#[test]
fn what_leads_nowhere_is_told_and_nothing_is_fetched() {
    let cases: [(Discovery, &str); 5] = [
        (|_| "<html>".to_owned(), "upstream `auth`, /oidc: it is not JSON"),
        (|_| "{\"keys\": []}".to_owned(), "it has no text at `/keys/0/jwks_uri`"),
        (|_| discovery("/keys?v=1"), "`/keys?v=1` at `/keys/0/jwks_uri` is not the URL of a document"),
        (|me| discovery(&format!("https://{me}/keys?v=1")), "which is not an endpoint of upstream `auth`"),
        (|me| discovery(&format!("http://{me}/moved")), "upstream `auth` answers 302"),
    ];
    for (uri, words) in cases {
        let provider = provider(uri);
        let proxy = following(&provider, POINTER).start();
        let line = proxy.log.wait("a document cannot be fetched");
        assert!(line.contains(words), "{words}: {line}");
        assert_eq!(read(&proxy), "0 none");
        assert!(provider.arrived().iter().all(|received| !received.line.contains("/keys")), "{words}");
    }
}
