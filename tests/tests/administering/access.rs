//! Who is let in: by token, by certificate, through a socket; and who is not, whatever a browser is made to send.

use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::Stdio;

use weir_tests::{Authority, Client, Lines, Proxy, free_port, weir};

use super::{Administered, admin_of, administered, curl};

const STATUS: &str = "GET /status HTTP/1.1\r\n";
const RELOAD: &str = "POST /reload HTTP/1.1\r\nContent-Length: 2\r\n";

/// The status that bytes get, and whether the answer says anything of the proxy.
fn sent(administered: &Administered, head: &str, body: &str) -> u16 {
    let mut client = Client::connect(administered.admin);
    client.send(format!("{head}Connection: close\r\n\r\n{body}"));
    let reply = client.reply();
    if reply.status != 200 {
        assert!(!reply.text().contains("\"version\"") && !reply.text().contains("pid"), "{}", reply.text());
    }
    assert_eq!(reply.header("access-control-allow-origin"), None);
    reply.status
}

/// As browsers send it: what is in front of each is a header that no page can leave out or choose.
#[test]
fn nothing_that_a_page_can_send_is_obeyed() {
    let door = administered(&Proxy::builder(), ", hosts: [admin.example]");
    let port = door.admin.port();
    let own = format!("Host: 127.0.0.1:{port}\r\n");
    let json = "Content-Type: application/json\r\n";
    assert_eq!(sent(&door, &format!("{STATUS}{own}"), ""), 200);
    assert_eq!(sent(&door, &format!("{RELOAD}{own}{json}"), "{}"), 200);
    // Whom the operator types it for.
    assert_eq!(sent(&door, &format!("{STATUS}{own}Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\n"), ""), 200);
    // A page's fetch, its image, its frame, its form; from another site, from the same machine.
    for said in [
        "Origin: https://evil.example\r\n",
        "Origin: null\r\n",
        "Origin: http://127.0.0.1:3000\r\nSec-Fetch-Site: same-site\r\n",
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n",
        "Sec-Fetch-Site: same-origin\r\n",
    ] {
        assert_eq!(sent(&door, &format!("{STATUS}{own}{said}"), ""), 403, "{said}");
        assert_eq!(sent(&door, &format!("{RELOAD}{own}{json}{said}"), "{}"), 403, "{said}");
    }
    // What a form can send, from a browser that says nothing of where it comes from.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""] {
        let kind = if kind.is_empty() { String::new() } else { format!("Content-Type: {kind}\r\n") };
        assert_eq!(sent(&door, &format!("{RELOAD}{own}{kind}"), "{}"), 415, "{kind}");
    }
    // Before a page may send JSON or another method, its browser asks.
    let preflight = format!("OPTIONS /reload HTTP/1.1\r\n{own}Access-Control-Request-Method: POST\r\n");
    assert_eq!(sent(&door, &format!("{preflight}Origin: https://evil.example\r\n"), ""), 403);
    assert_eq!(sent(&door, &preflight, ""), 405);
    // A name that was made to lead here.
    for (host, status) in [
        (format!("Host: evil.example:{port}\r\n"), 403),
        ("Host: 127.0.0.1.evil.example\r\n".into(), 403),
        ("Host: localhost.evil.example\r\n".into(), 403),
        (format!("Host: 127.0.0.1@evil.example:{port}\r\n"), 400),
        (String::new(), 400),
        (format!("{own}Host: evil.example\r\n"), 400),
        ("Host: localhost\r\n".into(), 200),
        ("Host: [::1]:9180\r\n".into(), 200),
        ("Host: ADMIN.example:1\r\n".into(), 200),
        ("Host: other.example\r\n".into(), 403),
    ] {
        assert_eq!(sent(&door, &format!("{STATUS}{host}"), ""), status, "{host}");
    }
    let absolute = "GET http://evil.example/status HTTP/1.1\r\n";
    assert_eq!(sent(&door, &format!("{absolute}{own}"), ""), 400);
    assert_eq!(sent(&door, &format!("{absolute}Host: evil.example\r\n"), ""), 403);
}

#[test]
fn answers_are_no_use_to_a_page_that_gets_hold_of_them() {
    let door = administered(&Proxy::builder(), "");
    let mut client = Client::connect(door.admin);
    client.send(format!("{STATUS}Host: localhost\r\n\r\n"));
    let reply = client.reply();
    for (name, value) in [
        ("content-type", "application/json"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("cross-origin-resource-policy", "same-origin"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ] {
        assert_eq!(reply.header(name), Some(value), "{name}");
    }
}

#[test]
fn a_token_is_wanted_for_everything_but_probes() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "sesame\n").unwrap();
    let more = format!(", token: {{ file: \"{}\" }}", token.display());
    let door = administered(&Proxy::builder(), &more);
    let (status, reload, other) = (door.url("/status"), door.url("/reload"), door.url("/there/is/none"));
    let with = |said: &str, url: &str| curl(&["-H", said, url]).0;
    assert_eq!(with("Authorization: Bearer sesame", &status), 200);
    assert_eq!(with("Authorization: bearer sesame", &status), 200);
    for said in [
        "X-Nothing: at all",
        "Authorization: Bearer sesam",
        "Authorization: Bearer sesame2",
        "Authorization: Bearer",
        "Authorization: Bearer ",
        "Authorization: sesame",
        "Authorization: Basic c2VzYW1lOg==",
    ] {
        assert_eq!(with(said, &status), 401, "{said}");
        // Who is not let in is not told what there is.
        assert_eq!(with(said, &other), 401, "{said}");
        assert_eq!(curl(&["-H", said, "--json", "{}", &reload]).0, 401, "{said}");
    }
    let two = ["-H", "Authorization: Bearer sesame", "-H", "Authorization: Bearer other", &status];
    assert_eq!(curl(&two).0, 401);
    assert_eq!(with("Authorization: Bearer sesame", &other), 404);
    for probe in ["/live", "/ready"] {
        assert_eq!(curl(&[&door.url(probe)]).0, 200, "{probe}");
    }
    let mut client = Client::connect(door.admin);
    client.send(format!("{STATUS}Host: localhost\r\n\r\n"));
    assert_eq!(client.reply().header("www-authenticate"), Some("Bearer"));
    door.proxy.log.wait("requests to the admin address were not served");
    assert_eq!(curl(&["-H", "Authorization: Bearer sesame", "--json", "{}", &reload]).0, 200);
    door.proxy.log.wait("asked for POST /reload");
}

#[test]
fn probes_can_be_closed_to_those_who_show_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "sesame\n").unwrap();
    let more = format!(", token: {{ file: \"{}\" }}, probes: closed", token.display());
    let door = administered(&Proxy::builder(), &more);
    for probe in ["/live", "/ready"] {
        assert_eq!(curl(&[&door.url(probe)]).0, 401, "{probe}");
        assert_eq!(curl(&["-H", "Authorization: Bearer sesame", &door.url(probe)]).0, 200, "{probe}");
    }
}

/// A token is another one from the reload on, on connections that are open too.
#[test]
fn what_callers_must_show_can_change_by_a_reload() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "before").unwrap();
    let door = administered(&Proxy::builder(), &format!(", token: {{ file: \"{}\" }}", token.display()));
    let asked = |client: &mut Client, token: &str| {
        client.send(format!("{STATUS}Host: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"));
        client.reply().status
    };
    let mut client = Client::connect(door.admin);
    assert_eq!((asked(&mut client, "before"), asked(&mut client, "after")), (200, 401));
    std::fs::write(&token, "after").unwrap();
    door.proxy.signal("HUP");
    door.proxy.log.wait("is reloaded");
    assert_eq!((asked(&mut client, "before"), asked(&mut client, "after")), (401, 200));
}

#[test]
fn the_admin_address_speaks_tls_and_wants_certificates() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (cert, key) = authority.certify("127.0.0.1");
    let (client, client_key) = authority.certify("operator");
    let (other, other_key) = stranger.certify("operator");
    let ca = authority.file();
    let tls = format!("tls: {{ certificates: [{{ cert: \"{}\", key: \"{}\" }}]", cert.display(), key.display());
    let plain = administered(&Proxy::builder(), &format!(", {tls} }}"));
    let ask = |door: &Administered, path: &str, more: &[&str]| {
        let (url, ca) = (format!("https://{}{path}", door.admin), ca.display().to_string());
        curl(&[&["--cacert", &ca, &url], more].concat())
    };
    assert_eq!(ask(&plain, "/status", &[]).0, 200);
    assert_eq!(curl(&[&plain.url("/status")]).0, 400, "HTTP where TLS is spoken");

    let path = |path: &std::path::Path| path.display().to_string();
    let (client, client_key, other, other_key) = (path(&client), path(&client_key), path(&other), path(&other_key));
    let (known, strange) = (["--cert", &client, "--key", &client_key], ["--cert", &other, "--key", &other_key]);
    let wanted = format!(", {tls}, client_ca: \"{}\" }}", ca.display());
    let door = administered(&Proxy::builder(), &wanted);
    assert_eq!(ask(&door, "/status", &known).0, 200);
    assert_eq!(ask(&door, "/live", &known).0, 200);
    // Probes are open on loopback, so who has no certificate may come as far as the door.
    assert_eq!((ask(&door, "/status", &[]).0, ask(&door, "/live", &[]).0), (401, 200));
    assert_eq!(ask(&door, "/status", &strange).0, 0, "a certificate by another authority");
    let closed = administered(&Proxy::builder(), &format!("{wanted}, probes: closed"));
    assert_eq!((ask(&closed, "/status", &known).0, ask(&closed, "/live", &[]).0), (200, 0));
    // `weir status` says what it cannot do.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weir.yaml");
    std::fs::write(
        &file,
        Proxy::builder().top(&format!("admin: {{ address: 127.0.0.1:1{wanted} }}")).text("127.0.0.1:0"),
    )
    .unwrap();
    let output = weir().args(["status", "-c"]).arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("curl --cacert"), "{said}");
}

#[test]
fn the_admin_address_wants_both_if_it_has_both() {
    let authority = Authority::new();
    let (cert, key) = authority.certify("127.0.0.1");
    let (client, client_key) = authority.certify("operator");
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "sesame").unwrap();
    let ca = authority.file().display().to_string();
    let files = format!("certificates: [{{ cert: \"{}\", key: \"{}\" }}]", cert.display(), key.display());
    let more = format!(", token: {{ file: \"{}\" }}, tls: {{ {files}, client_ca: \"{ca}\" }}", token.display());
    let door = administered(&Proxy::builder(), &more);
    let url = format!("https://{}/status", door.admin);
    let (client, client_key) = (client.display().to_string(), client_key.display().to_string());
    let shown = ["--cert", &client, "--key", &client_key];
    let token = ["-H", "Authorization: Bearer sesame"];
    let ask = |more: &[&str]| curl(&[&["--cacert", &ca, &url], more].concat()).0;
    assert_eq!((ask(&shown), ask(&token), ask(&[shown.as_slice(), &token].concat())), (401, 401, 200));
}

/// A renewed certificate is shown from the reload on; a broken one changes nothing.
#[test]
fn certificates_of_the_admin_address_are_read_again() {
    let (before, after) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let put = |authority: &Authority| {
        let (cert, key) = authority.certify("127.0.0.1");
        std::fs::copy(cert, at("cert.pem")).unwrap();
        std::fs::copy(key, at("key.pem")).unwrap();
    };
    put(&before);
    let files = format!("cert: \"{}\", key: \"{}\"", at("cert.pem").display(), at("key.pem").display());
    let door = administered(&Proxy::builder(), &format!(", tls: {{ certificates: [{{ {files} }}] }}"));
    let trusts = |authority: &Authority| {
        curl(&["--cacert", &authority.file().display().to_string(), &format!("https://{}/live", door.admin)]).0 == 200
    };
    assert!(trusts(&before) && !trusts(&after));
    std::fs::write(at("cert.pem"), "no certificate").unwrap();
    door.proxy.signal("HUP");
    door.proxy.log.wait("there is no certificate in");
    assert!(trusts(&before));
    put(&after);
    door.proxy.signal("HUP");
    door.proxy.log.wait("is reloaded");
    assert!(trusts(&after) && !trusts(&before));
}

/// A running weir whose operators come in through a socket beside its file.
fn with_socket(folder: &std::path::Path) -> (std::process::Child, Lines) {
    let file = folder.join("weir.yaml");
    let text = Proxy::builder().top("admin: { address: \"unix:admin.sock\" }").text("127.0.0.1:0");
    std::fs::write(&file, text).unwrap();
    let mut child = weir()
        .args(["run", "-c"])
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = Lines::of(child.stderr.take().unwrap());
    (child, log)
}

#[test]
fn operators_can_come_in_through_a_socket_that_is_theirs_alone() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin.sock");
    // Left from a process that was killed: nobody answers there.
    drop(UnixListener::bind(&socket).unwrap());
    let (mut child, log) = with_socket(folder.path());
    log.wait("are answered on unix:");
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let path = socket.display().to_string();
    let (status, view) = curl(&["--unix-socket", &path, "http://weir/status"]);
    assert!(status == 200 && view["pid"] == child.id(), "{view}");
    for options in [
        vec!["-c".to_owned(), folder.path().join("weir.yaml").display().to_string()],
        vec!["--admin".to_owned(), format!("unix:{path}")],
    ] {
        let output = weir().arg("status").args(&options).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    // One that somebody answers on is not taken away.
    let (mut second, said) = with_socket(folder.path());
    said.wait("cannot listen on unix:");
    assert_eq!(second.wait().unwrap().code(), Some(2));
    assert_eq!(curl(&["--unix-socket", &path, "http://weir/live"]).0, 200);
    let drain = weir().args(["drain", "--admin", &format!("unix:{path}")]).output().unwrap();
    assert!(drain.status.success(), "{}", String::from_utf8_lossy(&drain.stderr));
    assert!(child.wait().unwrap().success());
    assert!(!socket.exists());
}

#[test]
fn off_loopback_callers_must_show_something() {
    let folder = tempfile::tempdir().unwrap();
    let check = |admin: &str| {
        let mut text = Proxy::builder().text("127.0.0.1:0");
        writeln!(text, "admin: {admin}").unwrap();
        std::fs::write(folder.path().join("weir.yaml"), text).unwrap();
        let output = weir().current_dir(folder.path()).env("TOKEN", "sesame").arg("validate").output().unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let authority = Authority::new();
    let (cert, key) = authority.certify("admin.example");
    let files = format!("certificates: [{{ cert: \"{}\", key: \"{}\" }}]", cert.display(), key.display());
    let ca = authority.file();
    for (admin, code, words) in [
        ("{ address: \"0.0.0.0:9180\" }".to_owned(), 2, "could reload and inspect this proxy"),
        (format!("{{ address: \"0.0.0.0:9180\", tls: {{ {files} }} }}"), 2, "could reload and inspect this proxy"),
        ("{ address: \"0.0.0.0:9180\", token: { env: TOKEN } }".to_owned(), 0, "who reads it on the way can use it"),
        (format!("{{ address: \"0.0.0.0:9180\", token: {{ env: TOKEN }}, tls: {{ {files} }} }}"), 0, ""),
        (format!("{{ address: \"0.0.0.0:9180\", tls: {{ {files}, client_ca: \"{}\" }} }}", ca.display()), 0, ""),
        (format!("{{ address: \"unix:a.sock\", tls: {{ {files} }} }}"), 2, "does not speak TLS"),
        (format!("{{ address: \"unix:{}\" }}", "a".repeat(200)), 2, "at most 100 bytes"),
        ("{ address: \"127.0.0.1:9180\", hosts: \"a b\" }".to_owned(), 2, "is not a host name"),
        (
            format!("{{ address: \"0.0.0.0:9180\", tls: {{ {files}, client_ca: \"{}\" }} }}", key.display()),
            2,
            "there is no certificate in",
        ),
    ] {
        let (found, said) = check(&admin);
        assert!(found == code && said.contains(words), "{admin}: {found} {said}");
    }
}

#[test]
fn a_busy_admin_port_is_told_with_its_place() {
    let port = free_port();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weir.yaml");
    let text = Proxy::builder().top(&format!("admin: {{ address: \"127.0.0.1:{port}\" }}")).text("127.0.0.1:0");
    std::fs::write(&file, text).unwrap();
    let output = weir().args(["run", "-c"]).arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("weir.yaml:2:"), "{said}");
}

#[test]
fn the_admin_address_can_move_by_a_reload() {
    let builder = Proxy::builder();
    let door = administered(&builder, "");
    let port = free_port();
    door.proxy.write(&builder.top(&format!("admin: {{ address: \"127.0.0.1:{port}\" }}")));
    door.proxy.signal("HUP");
    door.proxy.log.wait_many("are answered on", 2);
    assert_ne!(admin_of(&door.proxy).port(), 0);
    assert_eq!(curl(&[&format!("http://127.0.0.1:{port}/live")]).0, 200);
    assert_eq!(curl(&[&door.url("/live")]).0, 0);
}
