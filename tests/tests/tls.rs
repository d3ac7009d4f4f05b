//! TLS towards clients, spoken by OpenSSL.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Output, Stdio};

use weir_tests::{Client, Origin, Pem, Proxy, ProxyBuilder, command, weir};

/// A site behind these certificates.
fn site(pem: &Pem, files: &[&str], origin: &Origin) -> ProxyBuilder {
    Proxy::builder().main(&pem.listener(files)).route("/*", "app", origin.address)
}

fn curl(address: SocketAddr, host: &str, arguments: &[&str]) -> String {
    let (url, resolve) =
        (format!("https://{host}:{}/", address.port()), format!("{host}:{}:127.0.0.1", address.port()));
    let mut curl = command("curl", "curl");
    let output =
        curl.args(["-sS", "--max-time", "20", "--resolve", &resolve]).args(arguments).arg(&url).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// One request by `openssl s_client`, and all that it says about it.
fn s_client(address: SocketAddr, arguments: &[&str]) -> String {
    let mut client = command("openssl", "openssl")
        .args(["s_client", "-ign_eof", "-connect", &address.to_string()])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    client.stdin.take().unwrap().write_all(request).unwrap();
    let mut said = String::new();
    client.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    client.wait().unwrap();
    said
}

fn validate(listener: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let text = Proxy::builder().main(listener).text("127.0.0.1:0");
    std::fs::write(folder.path().join("weir.yaml"), text).unwrap();
    weir().current_dir(folder.path()).arg("validate").output().unwrap()
}

#[test]
fn tls_speaks_the_http_that_the_client_wants() {
    let (pem, origin) = (Pem::new(), Origin::text("hello"));
    pem.write("a", "a", &["a.example"]);
    let proxy = site(&pem, &["a"], &origin).guest("probe", "probe", "").start();
    assert!(proxy.log.wait("listening on").contains("https://127.0.0.1"));
    let ca = pem.path("a.pem");
    for (version, said) in [("--http1.1", "1.1"), ("--http2", "2")] {
        for tls in [&["--tlsv1.3"][..], &["--tlsv1.2", "--tls-max", "1.2"]] {
            let more = [&["--cacert", ca.to_str().unwrap(), version, "-i", "-d", "abc", "-w", " %{http_version}"], tls]
                .concat();
            let answer = curl(proxy.address, "a.example", &more);
            assert!(answer.contains("scheme https") && answer.ends_with(&format!("hello {said}")), "{answer}");
            let received = origin.next();
            assert_eq!(received.body, b"abc");
            assert!(received.header("host").unwrap().starts_with("a.example:"));
        }
    }
    let old = s_client(proxy.address, &["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"]);
    assert!(!old.contains("hello"), "{old}");
}

#[test]
fn a_large_body_passes_whole_through_tls() {
    let pem = Pem::new();
    let origin = Origin::raw(|received, stream| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", received.body.len());
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&received.body)).is_ok()
    });
    pem.write("a", "a", &["a.example"]);
    let proxy = site(&pem, &["a"], &origin).start();
    let body: Vec<u8> = (0..3_000_000_u32).map(|index| index.to_le_bytes()[0] ^ index.to_le_bytes()[1]).collect();
    std::fs::write(pem.path("sent"), &body).unwrap();
    let (data, received) = (format!("@{}", pem.path("sent").display()), pem.path("received"));
    for version in ["--http1.1", "--http2"] {
        curl(proxy.address, "a.example", &["-k", version, "--data-binary", &data, "-o", received.to_str().unwrap()]);
        // Not both whole bodies when they differ.
        let is_same = std::fs::read(&received).unwrap() == body;
        assert!(is_same, "{version}");
    }
}

#[test]
fn the_certificate_is_chosen_by_the_name_that_the_client_asks_for() {
    let (pem, origin) = (Pem::new(), Origin::text("x"));
    pem.write("first", "the first", &["first.example"]);
    pem.write("wild", "the wildcard", &["*.wild.example", "wild.example"]);
    pem.write("exact", "the exact", &["a.wild.example"]);
    let proxy = site(&pem, &["first", "wild", "exact"], &origin).start();
    for (name, subject) in [
        ("first.example", "the first"),
        ("wild.example", "the wildcard"),
        ("b.wild.example", "the wildcard"),
        ("B.Wild.example", "the wildcard"),
        ("a.wild.example", "the exact"),
        ("c.b.wild.example", "the first"),
        ("unknown.example", "the first"),
    ] {
        let said = s_client(proxy.address, &["-servername", name]);
        assert!(said.contains(&format!("CN = {subject}\n")), "{name}: {said}");
    }
    assert!(s_client(proxy.address, &["-noservername"]).contains("CN = the first\n"));
}

#[test]
fn a_session_is_resumed_on_every_worker_and_after_a_reload() {
    let (pem, origin) = (Pem::new(), Origin::text("x"));
    pem.write("a", "a", &["a.example"]);
    let builder = site(&pem, &["a"], &origin).top("workers: 2");
    let proxy = builder.start();
    for version in ["-tls1_2", "-tls1_3"] {
        let ticket = pem.path(version);
        let ticket = ticket.to_str().unwrap();
        let said = s_client(proxy.address, &[version, "-sess_out", ticket]);
        assert!(said.contains("New, TLS"), "{said}");
        // It occupies one worker, so that the next connection goes to the other.
        let mut busy = TcpStream::connect(proxy.address).unwrap();
        for _ in 0..2 {
            assert!(s_client(proxy.address, &[version, "-sess_in", ticket]).contains("Reused, TLS"), "{version}");
        }
        busy.write_all(b"x").unwrap();
    }
    proxy.write(&builder.clone().route("/more", "more", origin.address));
    proxy.signal("HUP");
    proxy.log.wait("is reloaded");
    let ticket = pem.path("-tls1_3");
    let said = s_client(proxy.address, &["-tls1_3", "-sess_in", ticket.to_str().unwrap()]);
    assert!(said.contains("Reused, TLS"), "{said}");
}

#[test]
fn a_replaced_certificate_is_for_new_connections() {
    let (pem, origin) = (Pem::new(), Origin::text("x"));
    pem.write("a", "before", &["a.example"]);
    let proxy = site(&pem, &["a"], &origin).start();
    let mut old = command("openssl", "openssl")
        .args(["s_client", "-quiet", "-connect", &proxy.address.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut to, mut from) = (old.stdin.take().unwrap(), old.stdout.take().unwrap());
    let mut ask = || {
        to.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = [0; 12];
        from.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        while !answer.ends_with(b"\n\r\nx") {
            answer.rotate_left(1);
            from.read_exact(&mut answer[11..]).unwrap();
        }
    };
    ask();
    pem.write("a", "after", &["a.example"]);
    proxy.signal("HUP");
    proxy.log.wait("is reloaded");
    assert!(s_client(proxy.address, &[]).contains("CN = after\n"));
    ask();
    // A broken one changes nothing.
    std::fs::write(pem.path("a.pem"), "").unwrap();
    proxy.signal("HUP");
    proxy.log.wait("there is no certificate in");
    assert!(s_client(proxy.address, &[]).contains("CN = after\n"));
    let _ = old.kill();
    let _ = old.wait();
}

#[test]
fn what_is_wrong_with_certificates_is_said_with_its_place() {
    let pem = Pem::new();
    pem.write("a", "a", &["a.example", "both.example"]);
    pem.write("b", "b", &["b.example", "both.example"]);
    std::fs::write(pem.path("empty.pem"), "").unwrap();
    std::fs::write(pem.path("empty.key"), "").unwrap();
    std::fs::copy(pem.path("a.pem"), pem.path("mixed.pem")).unwrap();
    std::fs::copy(pem.path("b.key"), pem.path("mixed.key")).unwrap();
    std::fs::write(pem.path("torn.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n").unwrap();
    std::fs::write(pem.path("noise.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    for file in ["torn", "noise"] {
        std::fs::copy(pem.path("a.key"), pem.path(&format!("{file}.key"))).unwrap();
    }
    let cases: [(&[&str], &[&str]); 6] = [
        (&["missing"], &["missing.pem", "missing.key", "relative to the file that names them", "weir.yaml:3:"]),
        (
            &["empty"],
            &["there is no certificate in", "BEGIN CERTIFICATE", "there is no private key in", "not encrypted"],
        ),
        (&["mixed"], &["does not belong to the certificate", "the server's own certificate is first"]),
        (&["torn"], &["is not sound PEM"]),
        (&["noise"], &["cannot be used"]),
        (&["a", "b"], &["another certificate is for `both.example` already"]),
    ];
    for (files, expected) in cases {
        let output = validate(&pem.listener(files));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        for words in expected {
            assert!(said.contains(words), "{words:?} is missing in:\n{said}");
        }
    }
    // One that clients refuse is the operator's to replace, and no reason to stop.
    pem.write_until("old", "old", &["old.example"], 2001);
    let output = validate(&pem.listener(&["old"]));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("has expired"), "{said}");
}

#[test]
fn http_on_a_port_of_tls_is_told_so() {
    let (pem, origin) = (Pem::new(), Origin::text("x"));
    pem.write("a", "a", &["a.example"]);
    let proxy = site(&pem, &["a"], &origin).start();
    let reply = Client::connect(proxy.address).get("/", "");
    assert_eq!((reply.status, reply.text().as_str()), (400, "this port speaks https\n"));
    // Neither harms anybody else.
    let mut noise = TcpStream::connect(proxy.address).unwrap();
    noise.write_all(&[0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5]).unwrap();
    let _ = noise.read(&mut [0; 64]);
    assert!(s_client(proxy.address, &[]).contains("HTTP/1.1 200"));
    assert_eq!(origin.arrived().len(), 1);
}

#[test]
fn a_handshake_has_a_limit_and_does_not_delay_a_drain() {
    let (pem, origin) = (Pem::new(), Origin::text("x"));
    pem.write("a", "a", &["a.example"]);
    let limited = format!("{}, timeouts: {{ head: 200ms }}", pem.listener(&["a"]));
    let mut proxy = site(&pem, &["a"], &origin).listener("quick", &limited).start();
    // A record that has only begun.
    let mut slow = Client::connect(proxy.listener("quick"));
    slow.send([0x16, 3, 1]);
    slow.rest().unwrap_or_default();
    let mut waiting = Client::connect(proxy.address);
    waiting.send([0x16, 3, 1]);
    assert!(s_client(proxy.address, &[]).contains("HTTP/1.1 200"));
    proxy.signal("TERM");
    waiting.rest().unwrap_or_default();
    assert!(proxy.exit().success());
}
