//! The commands beside `run` and `validate`, as operators call them. What `explain` says of routes and chains is in the
//! golden files.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use weir_tests::{Lines, Origin, Proxy, ProxyBuilder, command, free_port, get, weir};

fn run(command: &mut Command) -> (i32, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code().unwrap_or(-1), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

fn asked(command: &str, options: &[&str]) -> (i32, String) {
    run(weir().arg(command).args(options).env_remove("WEIR_ADMIN_TOKEN"))
}

/// A child that ends with the test.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a command that serves, until it accepts.
fn serve(command: &mut Command) -> (Served, SocketAddr, Lines) {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let log = Lines::of(child.stderr.take().unwrap());
    let line: serde_json::Value = serde_json::from_str(&log.wait("(main)")).unwrap();
    (Served(child), line["address"].as_str().unwrap().parse().unwrap(), log)
}

/// What is asked that cannot be meant is wrong usage: 2.
#[test]
fn explain_says_what_it_cannot_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weir.yaml");
    std::fs::write(&file, Proxy::builder().text("127.0.0.1:0")).unwrap();
    for (options, words) in [
        (["/users", "-XGET"], "`/users` names no host; write http://HOST/PATH"),
        (["http://a b/", "-XGET"], "is not a URL"),
        (["http://a/", "-HX-Version"], "`X-Version` is not a field; write 'Name: value'"),
        (["http://a/", "-HX Version: 2"], "`X Version: 2` is not a field"),
        (["http://a/", "-XG T"], "invalid value 'G T'"),
        (["http://a/", "--listener=side"], "there is no listener `side`; there are: main"),
    ] {
        let (code, said) = run(weir().args(["explain", "-c"]).arg(&file).args(options));
        assert!(code == 2 && said.contains(words), "{options:?}: {code} {said}");
    }
    let (code, said) = run(weir().args(["explain", "http://a/", "-c", "missing.yaml"]));
    assert!(code == 2 && said.contains("cannot read missing.yaml"), "{said}");
}

#[test]
fn proxy_prints_a_configuration_that_can_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (code, text) = asked(
        "proxy",
        &[
            "--listen=127.0.0.1:8443",
            "--to=http://127.0.0.1:1",
            "--to=https://b.example",
            "--plugin=request-id",
            "--print",
        ],
    );
    assert_eq!(code, 0);
    std::fs::write(folder.path().join("weir.yaml"), &text).unwrap();
    let (code, said) = run(weir().current_dir(folder.path()).arg("validate"));
    assert_eq!((code, said.as_str()), (0, "weir.yaml is sound: 1 site, 1 route, 1 filter\n"), "{text}");
    let (_, said) = run(weir().current_dir(folder.path()).args(["explain", "http://a.example:8443/x"]));
    assert!(
        said.contains("http://127.0.0.1:1, https://b.example:443") && said.contains("bundled request-id"),
        "{said}"
    );
}

#[test]
fn proxy_serves_without_a_file() {
    let origins = [Origin::text("one"), Origin::text("two")];
    let to = origins.each_ref().map(|origin| format!("--to=http://{}", origin.address));
    let (_child, address, _) = serve(weir().args(["proxy", "--listen=127.0.0.1:0", "--plugin=request-id"]).args(&to));
    let replies = [get(address, "/"), get(address, "/"), get(address, "/"), get(address, "/")];
    for body in ["one", "two"] {
        assert!(replies.iter().any(|reply| reply.text() == body), "{body} was never asked");
    }
    assert!(replies.iter().all(|reply| reply.header("x-request-id").is_some()));
}

#[test]
fn proxy_shows_faults_of_its_options_in_the_configuration_they_stand_for() {
    let (code, said) = asked("proxy", &["--listen=127.0.0.1:0", "--to=127.0.0.1:3000", "--plugin=teapot"]);
    assert_eq!(code, 2, "{said}");
    for words in ["(command line):5:", "is not an http://, https:// or h2c:// URL", "there is no plugin `teapot`"] {
        assert!(said.contains(words), "{words:?} is missing in:\n{said}");
    }
}

#[test]
fn demo_writes_a_project_that_is_sound_and_runs() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("my-proxy");
    let (code, said) = run(weir().args(["demo", "--write"]).arg(&project));
    assert!(code == 0 && said.contains("README.md"), "{said}");
    let (code, said) = run(weir().current_dir(&project).arg("validate"));
    assert_eq!((code, said.as_str()), (0, "weir.yaml is sound: 1 site, 2 routes, 1 filter\n"));
    let (code, said) = run(weir().args(["demo", "--write"]).arg(&project));
    assert!(code == 1 && said.contains("is there already; name another folder"), "{said}");
    // The project has ports of its own; where something else has them, that it is sound must do.
    if TcpListener::bind("127.0.0.1:8080").is_err() || TcpListener::bind("127.0.0.1:9000").is_err() {
        return;
    }
    let app = command("python3", "python3").arg(project.join("app.py")).stderr(Stdio::null()).spawn().unwrap();
    let _app = Served(app);
    let weir = weir().current_dir(&project).arg("run").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let _weir = Served(weir);
    let retry = ["-sS", "--retry", "9", "--retry-all-errors", "--fail", "--max-time", "20"];
    let (_, said) = run(command("curl", "curl").args(retry).arg("http://127.0.0.1:8080/hello"));
    assert!(said.contains("hello from behind the proxy\npath: /hello\n"), "{said}");
}

/// A proxy that operators can ask, without and with a token.
fn with_admin(more: &str) -> (Proxy, String, ProxyBuilder) {
    let builder = Proxy::builder().top(&format!("admin: {{ address: 127.0.0.1:0{more} }}"));
    let proxy = builder.start();
    let line: serde_json::Value = serde_json::from_str(&proxy.log.wait("are answered on")).unwrap();
    (proxy, format!("http://{}", line["address"].as_str().unwrap()), builder)
}

#[test]
fn status_tells_how_the_proxy_is() {
    let (proxy, admin, _) = with_admin("");
    let (code, said) = asked("status", &["--admin", &admin]);
    assert_eq!(code, 0, "{said}");
    for words in [
        format!("pid {}", proxy.pid()),
        format!("main listens on {}", proxy.address),
        "1 site, 0 routes, 0 filters".into(),
    ] {
        assert!(said.contains(&words), "{words:?} is missing in:\n{said}");
    }
    let (code, said) = asked("status", &["--json", "--admin", &admin]);
    let status: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &status["pid"], &status["reload"]), (0, &proxy.pid().into(), &serde_json::Value::Null));
}

#[test]
fn reload_serves_the_new_file_or_says_what_is_wrong_with_it() {
    let (proxy, admin, builder) = with_admin("");
    let origin = Origin::text("new");
    proxy.write(&builder.clone().route("/*", "app", origin.address));
    assert_eq!(asked("reload", &["--admin", &admin]), (0, "reloaded\n".to_owned()));
    assert_eq!(get(proxy.address, "/").text(), "new");
    assert!(asked("status", &["--admin", &admin]).1.contains("reloaded "));

    proxy.write_text("version: 1\nlisteners: {}\n");
    let (code, said) = asked("reload", &["--admin", &admin]);
    assert_eq!(code, 1, "{said}");
    for words in ["not reloaded, what was running goes on", "there is no listener", "weir.yaml:1:1"] {
        assert!(said.contains(words), "{words:?} is missing in:\n{said}");
    }
    assert_eq!(get(proxy.address, "/").text(), "new");
    assert!(asked("status", &["--admin", &admin]).1.contains("failed, what was running goes on"));
}

#[test]
fn the_admin_address_and_its_token_stand_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (token, port) = (folder.path().join("token"), free_port());
    std::fs::write(&token, "sesame\n").unwrap();
    let admin = format!("admin: {{ address: \"127.0.0.1:{port}\", token: {{ file: token }} }}");
    let file = folder.path().join("weir.yaml");
    std::fs::write(&file, Proxy::builder().top(&admin).text("127.0.0.1:0")).unwrap();
    let (_child, _, log) = serve(weir().args(["run", "-c"]).arg(&file));
    log.wait("are answered on");
    assert_eq!(run(weir().args(["status", "-c"]).arg(&file)).0, 0);
    let url = format!("http://127.0.0.1:{port}");
    let by_url = |token: Option<&str>| {
        let mut command = weir();
        command.args(["status", "--admin", &url]).env_remove("WEIR_ADMIN_TOKEN");
        run(command.envs(token.map(|token| ("WEIR_ADMIN_TOKEN", token))))
    };
    assert_eq!(by_url(Some("sesame")).0, 0);
    for token in [None, Some("sesam"), Some("")] {
        let (code, said) = by_url(token);
        assert_eq!(
            (code, said.as_str()),
            (1, "error: the running proxy wants another token than the variable WEIR_ADMIN_TOKEN has, or has none\n"),
            "{token:?}"
        );
    }
}

#[test]
fn pages_of_a_browser_cannot_reach_the_admin_address() {
    let (_proxy, admin, _) = with_admin("");
    let port = admin.rsplit(':').next().unwrap();
    let curl = |options: &[&str]| run(command("curl", "curl").args(["-sS", "-w", "%{http_code}"]).args(options)).1;
    let status = format!("{admin}/status");
    assert!(curl(&[&status]).ends_with("200"));
    let said = curl(&["-H", "Origin: https://evil.example", &status]);
    assert!(said.contains("pages of a browser may not call this address") && said.ends_with("403"), "{said}");
    let said = curl(&["-H", &format!("Host: evil.example:{port}"), &status]);
    assert!(said.contains("by its number, not by a name") && said.ends_with("403"), "{said}");
    assert!(curl(&["-X", "POST", &status]).ends_with("405"));
    assert!(curl(&[&format!("{admin}/other")]).ends_with("404"));
}

#[test]
fn who_cannot_be_asked_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weir.yaml");
    let write = |text: String| std::fs::write(&file, text).unwrap();
    let status = |file: &Path| run(weir().args(["status", "-c"]).arg(file));
    write(Proxy::builder().text("127.0.0.1:0"));
    let (code, said) = status(&file);
    assert!(code == 2 && said.contains("has no `admin:`") && said.contains("--admin URL"), "{code} {said}");
    let port = free_port();
    write(Proxy::builder().top(&format!("admin: {{ address: 127.0.0.1:{port} }}")).text("127.0.0.1:0"));
    let (code, said) = status(&file);
    assert!(
        code == 1 && said.contains(&format!("no weir answers on 127.0.0.1:{port}; is it running")),
        "{code} {said}"
    );
    write("version: 1\n".into());
    assert_eq!(status(&file).0, 2);
    let (code, said) = asked("status", &["--admin=ftp://localhost:9180"]);
    assert!(code == 2 && said.contains("is not an admin URL; write http://127.0.0.1:9180"), "{code} {said}");
    let (code, said) = asked("status", &["--admin=https://localhost:9180"]);
    assert!(code == 2 && said.contains("`curl https://localhost:9180/status`"), "{code} {said}");
    let origin = Origin::text("no JSON");
    let (code, said) = asked("status", &["--admin", &format!("http://{}", origin.address)]);
    assert!(code == 1 && said.contains("is not the admin address of a weir"), "{code} {said}");
}
