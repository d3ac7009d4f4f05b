//! What nobody gets, whatever is asked and whatever lies in the folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};

use weir_tests::{Client, Reply, command, get};

use super::{serving, site, text};

fn ask(client: &mut Client, path: &str) -> Reply {
    client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
    client.reply()
}

#[test]
fn no_path_leads_out_of_the_directory() {
    let folder = site();
    let proxy = serving(&folder, "");
    let absolute = folder.path().join("secret.txt");
    for path in [
        "/../secret.txt".to_owned(),
        "/docs/../../secret.txt".to_owned(),
        "/..%2fsecret.txt".to_owned(),
        "/%2e%2e/secret.txt".to_owned(),
        "/%2e%2e%2fsecret.txt".to_owned(),
        "/%252e%252e/secret.txt".to_owned(),
        "/%252e%252e%252fsecret.txt".to_owned(),
        "/..%5csecret.txt".to_owned(),
        "/..\\secret.txt".to_owned(),
        "/docs/..;/..;/secret.txt".to_owned(),
        "/%c0%ae%c0%ae/secret.txt".to_owned(),
        "/%00/../secret.txt".to_owned(),
        "/digits.txt%00.html".to_owned(),
        format!("/{}", absolute.display()),
        format!("//{}", absolute.display()),
        "//etc/passwd".to_owned(),
        "/./.env".to_owned(),
        "/.env".to_owned(),
        "/%2eenv".to_owned(),
        "/docs/../.env".to_owned(),
        format!("/{}", "a/".repeat(2000)),
        format!("/{}", "a".repeat(300)),
    ] {
        let reply = ask(&mut Client::connect(proxy.address), &path);
        assert!(matches!(reply.status, 400 | 404), "{path}: {}", reply.status);
        assert!(!reply.text().contains("outside") && !reply.text().contains("hidden"), "{path}");
    }
    let curl = |path: &str| {
        let url = format!("http://{}{path}", proxy.address);
        let output =
            command("curl", "curl").args(["-s", "--path-as-is", "-w", " %{http_code}"]).arg(url).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(curl("/docs/../../secret.txt").ends_with(" 404"));
    assert!(curl("/docs/../digits.txt").ends_with("0123456789 200"));
}

#[test]
fn links_lead_nowhere_but_below_the_directory() {
    let folder = site();
    let public = folder.path().join("public");
    for (target, link) in [
        ("digits.txt", "inward.txt"),
        ("docs", "manual"),
        ("../secret.txt", "outward.txt"),
        ("..", "up"),
        ("/etc/passwd", "absolute.txt"),
        ("round.txt", "round.txt"),
        ("/proc/self/root", "magic"),
    ] {
        symlink(target, public.join(link)).unwrap();
    }
    let proxy = serving(&folder, "");
    assert_eq!(text(&proxy, "/inward.txt"), "0123456789");
    assert_eq!(text(&proxy, "/manual/"), "<h1>docs</h1>");
    for path in
        ["/outward.txt", "/up/secret.txt", "/up/public/digits.txt", "/absolute.txt", "/round.txt", "/magic/etc/passwd"]
    {
        assert_eq!(text(&proxy, path), "404", "{path}");
    }
    assert_eq!(proxy.record(3)["reason"], "outside");
    assert_eq!(get(proxy.address, "/outward.txt").text(), "404 Not Found\n");
}

/// Somebody changes the folder while files are asked for: a name that is a file, then a link to the outside, and so on.
#[test]
fn nobody_wins_a_race_against_the_look() {
    let folder = site();
    let public = folder.path().join("public");
    let over = AtomicBool::new(false);
    let proxy = serving(&folder, "");
    std::thread::scope(|scope| {
        let swaps = scope.spawn(|| {
            let (name, next) = (public.join("swap"), public.join("next"));
            let mut swaps = 0;
            while !over.load(Ordering::Relaxed) {
                fs::write(&next, "inside").unwrap();
                fs::rename(&next, &name).unwrap();
                symlink("../secret.txt", &next).unwrap();
                fs::rename(&next, &name).unwrap();
                swaps += 1;
            }
            swaps
        });
        let mut client = Client::connect(proxy.address);
        let mut seen = [0, 0];
        // Until both states were met, and then some.
        while seen.iter().any(|count| *count < 50) {
            let reply = ask(&mut client, "/swap");
            match (reply.status, reply.text().as_str()) {
                (200, "inside") => seen[0] += 1,
                (404, _) => seen[1] += 1,
                // Read in the moment between its making and its writing.
                (200, "") => {}
                other => panic!("{other:?}"),
            }
        }
        over.store(true, Ordering::Relaxed);
        assert!(swaps.join().unwrap() > 1);
    });
}

#[test]
fn only_regular_files_are_sent_and_nothing_is_waited_for() {
    let folder = site();
    let public = folder.path().join("public");
    assert!(command("mkfifo", "coreutils").arg(public.join("pipe")).status().unwrap().success());
    let _socket = UnixListener::bind(public.join("socket")).unwrap();
    let proxy = serving(&folder, "");
    let mut client = Client::connect(proxy.address);
    for path in ["/pipe", "/socket", "/docs/a%20b.txt/x"] {
        assert_eq!(client.get(path, "").status, 404, "{path}");
    }
    assert_eq!(proxy.record(1)["reason"], "not-a-file");
    assert_eq!(client.get("/digits.txt", "").status, 200);
}

#[test]
fn no_redirect_leads_to_another_host() {
    let folder = site();
    fs::create_dir_all(folder.path().join("public/evil.example")).unwrap();
    fs::write(folder.path().join("public/evil.example/index.html"), "x").unwrap();
    let entry = format!("{{ plugin: respond, config: {{ directory: \"{}/public\" }} }}", folder.path().display());
    let text =
        weir_tests::Proxy::builder().filter(&entry).route_to("/*", "none", "description: files").text("127.0.0.1:0");
    let text = text.replace("  - chain", "  - paths: { merge_slashes: false }\n    chain");
    for proxy in [serving(&folder, ""), weir_tests::Proxy::of(&text, &[])] {
        for path in ["//evil.example", "/%2fevil.example", "///evil.example", "/\\evil.example", "//evil.example/..%2f"]
        {
            let reply = ask(&mut Client::connect(proxy.address), path);
            let location = reply.header("location").unwrap_or("/");
            assert!(location.starts_with('/') && !location.starts_with("//"), "{path} {location}");
        }
        assert_eq!(get(proxy.address, "/evil.example").header("location"), Some("/evil.example/"));
    }
}
