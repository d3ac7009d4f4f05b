//! What heads say.

use std::io::Write;

use weir_tests::{Client, Origin, Proxy, command, guest, weir};

use super::{get, json, proxy, shop};

#[test]
fn head_is_told_what_get_would_be() {
    let origin = shop();
    let proxy = proxy("", &origin);
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let head = |method: &[&str]| {
            let mut curl = command("curl", "curl");
            curl.args([
                "-sS",
                version,
                "-H",
                "Accept-Encoding: gzip",
                "-D",
                "-",
                "-o",
                "/dev/null",
                "--max-time",
                "20",
            ]);
            let output = curl.args(method).arg(format!("http://{}/", proxy.address)).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let about = |line: &&str| !line.starts_with("date:") && !line.starts_with("transfer-encoding:");
            text.lines().map(str::trim_end).filter(about).map(str::to_owned).collect::<Vec<_>>()
        };
        let told = head(&["--head"]);
        assert_eq!(told, head(&[]), "{version}");
        assert!(told.contains(&"content-encoding: gzip".to_owned()), "{told:?}");
        assert!(told.contains(&"etag: W/\"one\"".to_owned()), "{told:?}");
        assert!(!told.iter().any(|line| line.starts_with("content-length")), "{told:?}");
    }
}

#[test]
fn answers_of_filters_are_compressed_from_the_same_size_on() {
    let origin = shop();
    let long = "long answer ".repeat(200);
    let proxy = Proxy::builder()
        .top("workers: 1")
        .filter("compress")
        .guest("door", "answer", "except: [/long], config: { status: 403, body: short }")
        .filter(&format!(
            "{{ plugin: respond, config: {{ headers: {{ Content-Type: text/plain }}, body: \"{long}\" }} }}"
        ))
        .route("/*", "app", origin.address)
        .route_to("/long", "app", "description: what is long")
        .start();
    let short = get(&proxy, "gzip", "");
    assert_eq!((short.status, short.text().as_str(), short.header("content-encoding")), (403, "short", None));
    assert_eq!(short.header("content-length"), Some("5"));
    let reply = Client::connect(proxy.address).get("/long", "Accept-Encoding: gzip\r\n");
    assert_eq!((reply.status, reply.header("content-encoding")), (200, Some("gzip")));
    assert_eq!(String::from_utf8(super::decoded("gzip", &reply.body)).unwrap().trim_end(), long.trim_end());
    assert!(origin.arrived().is_empty());
}

#[test]
fn weights_choose_and_what_nobody_has_is_left_out() {
    let origin = shop();
    let proxy = proxy("", &origin);
    for (takes, coding) in [
        ("gzip, br, zstd", Some("zstd")),
        ("gzip;q=0.9, br;q=1.0, zstd;q=0", Some("br")),
        ("*;q=0.1, identity;q=0", Some("zstd")),
        ("deflate", None),
        // RFC 9110 lets a server that has nothing else send it as it is.
        ("identity;q=0, deflate", None),
        ("gzip;q=0", None),
        ("gzip;q=many", None),
    ] {
        let reply = get(&proxy, takes, "");
        assert_eq!((reply.status, reply.header("content-encoding")), (200, coding), "{takes}");
        assert!(coding.is_some() || reply.text() == json(), "{takes}");
        assert_eq!(reply.values("vary"), ["Accept-Encoding"], "{takes}");
    }
}

#[test]
fn a_page_of_another_site_gets_answers_whose_length_tells_nothing() {
    let origin = Origin::raw(|received, stream| {
        // As a search page does it: what was asked for stands beside the secret.
        let body = format!("<p>{}</p><input name=csrf value=supersecret>{}", received.line, "-".repeat(2000));
        let head = format!("Content-Type: text/html\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}{body}").as_bytes()).is_ok()
    });
    let length = |proxy: &Proxy, guess: &str, from: &str| {
        let more = format!("Accept-Encoding: gzip\r\nCookie: session=1\r\nSec-Fetch-Site: {from}\r\n");
        Client::connect(proxy.address).get(&format!("/?q={guess}"), &more).body.len()
    };
    let right = "value=supersecret";
    let wrong = "value=qxjvkzwybfd";
    let careful = proxy("", &origin);
    assert_eq!(length(&careful, right, "cross-site"), length(&careful, wrong, "cross-site"));
    // That is what it protects from.
    let careless = proxy("breach: ignore", &origin);
    assert!(length(&careless, right, "cross-site") < length(&careless, wrong, "cross-site"));
    assert!(length(&careful, right, "same-origin") < 1000);
}

#[test]
fn validate_warns_of_filters_that_would_see_compressed_bodies() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let copy = format!("cp {} {{output}}", guest("noop").display());
    let manifest =
        format!("name = \"mask\"\nplace = \"transformation\"\nhooks = [\"on-request\"]\nbuild = \"{copy}\"\n");
    std::fs::create_dir(at("mask")).unwrap();
    std::fs::write(at("mask/weir-plugin.toml"), manifest).unwrap();
    let built = weir().args(["plugin", "build", "-o"]).arg(at("mask.wasm")).arg(at("mask")).output().unwrap();
    assert!(built.status.success(), "{built:?}");
    for (chain, warning) in
        [("[compress, mask]", ""), ("[mask, compress]", "`mask` sees bodies that `compress` has compressed")]
    {
        let text = format!(
            "version: 1\nlisteners: {{ main: {{ address: \"127.0.0.1:0\" }} }}\nplugins: {{ mask: {{ file: mask.wasm }} }}\n\
             sites: [{{ chain: {chain}, routes: [{{ path: /*, upstream: \"http://127.0.0.1:1\" }}] }}]\n"
        );
        std::fs::write(at("weir.yaml"), text).unwrap();
        let output = weir().current_dir(folder.path()).arg("validate").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && said.contains(warning), "{chain}: {said}");
        assert_eq!(warning.is_empty(), said.is_empty(), "{chain}: {said}");
    }
}
