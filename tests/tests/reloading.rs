//! Changing everything while it serves: listeners, workers, the admin address, files; and what is said when that fails.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;
use weir_tests::{Client, Origin, Pem, Proxy, ProxyBuilder, command, free_port, get, guest, until};

/// Switches to a protocol in which every byte comes back.
fn echo() -> Origin {
    Origin::raw(|_, stream| {
        stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n").unwrap();
        let mut byte = [0];
        while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
        false
    })
}

fn upgraded(address: SocketAddr) -> Client {
    let mut client = Client::connect(address);
    client.send("GET /echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
    assert_eq!(client.head().0, 101);
    client
}

fn says_back(client: &mut Client) -> bool {
    client.send("ping");
    client.rest_of(4) == b"ping"
}

/// A configuration with an admin address, and what that says.
fn with_admin() -> ProxyBuilder {
    Proxy::builder().top("admin: { address: 127.0.0.1:0 }")
}

fn admin(proxy: &Proxy) -> SocketAddr {
    let line: Value = serde_json::from_str(&proxy.log.wait("are answered on")).unwrap();
    line["address"].as_str().unwrap().parse().unwrap()
}

fn asked(address: SocketAddr, request: &str, more: &str) -> (u16, Value) {
    let mut client = Client::connect(address);
    let order =
        if request.starts_with("POST") { "Content-Type: application/json\r\nContent-Length: 2\r\n" } else { "" };
    let body = if order.is_empty() { "" } else { "{}" };
    client.send(format!("{request} HTTP/1.1\r\nHost: 127.0.0.1\r\n{order}{more}\r\n{body}"));
    let reply = client.reply();
    (reply.status, serde_json::from_slice(&reply.body).unwrap())
}

fn status(proxy: &Proxy) -> Value {
    asked(admin(proxy), "GET /status", "").1
}

fn reload(proxy: &Proxy, count: usize) {
    proxy.signal("HUP");
    proxy.log.wait_many("is reloaded", count);
}

#[test]
fn listeners_come_and_go_and_the_others_do_not_notice() {
    let (origin, echoing) = (Origin::text("served"), echo());
    let one = Proxy::builder().route("/*", "app", origin.address).route("/echo", "echo", echoing.address);
    let proxy = one.start();
    let (mut kept, mut tunnel) = (Client::connect(proxy.address), upgraded(proxy.address));
    assert_eq!(kept.get("/", "").text(), "served");

    // `aaa` comes before `main` in every order of names.
    proxy.write(&one.clone().listener("aaa", "").listener("zzz", ""));
    reload(&proxy, 1);
    let (first, last) = (proxy.listener("aaa"), proxy.listener("zzz"));
    let (mut idle, mut other) = (Client::connect(first), upgraded(first));
    assert_eq!((idle.get("/", "").text(), get(last, "/").text()), ("served".to_owned(), "served".to_owned()));

    proxy.write(&one);
    reload(&proxy, 2);
    assert_eq!(idle.rest().unwrap(), b"", "an idle connection of a listener that is gone is closed");
    for gone in [first, last] {
        assert!(TcpStream::connect(gone).is_err(), "{gone} is still listened on");
    }
    assert_eq!(kept.get("/", "").text(), "served");
    assert!(says_back(&mut tunnel), "a tunnel of a listener that stays was touched");
    assert!(says_back(&mut other), "a tunnel of a listener that is gone has time to end");
}

#[test]
fn what_is_in_progress_on_a_listener_that_goes_ends_as_it_began() {
    let origin = Origin::raw(|received, stream| {
        // The chunk that the test sends when it is time, and the last one.
        let mut chunks = vec![0; if received.header("transfer-encoding").is_some() { 11 } else { 0 }];
        stream.read_exact(&mut chunks).is_ok()
            && stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone").is_ok()
    });
    // Only the listener that goes has the site with the route; the other one's has none.
    let sites = |gone: &str| {
        format!(
            "version: 1\nlisteners:\n  main: {{ address: \"127.0.0.1:0\" }}\n{gone}upstreams:\n  app: {{ endpoints: \
             [\"http://{}\"] }}\nsites:\n",
            origin.address
        )
    };
    let before = sites("  gone: { address: \"127.0.0.1:0\" }\n")
        + "  - listeners: [gone]\n    routes: [{ path: /*, upstream: app }]\n  - listeners: [main]\n    routes: []\n";
    let proxy = Proxy::of(&before, &[]);
    let mut client = Client::connect(proxy.listener("gone"));
    client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    origin.next();
    // This one has connected, and says what it wants when its listener is gone.
    let mut late = Client::connect(proxy.listener("gone"));
    late.send("POST /late HTTP/1.1\r\nHost: x\r\nContent-Le");
    proxy.write_text(&(sites("") + "  - listeners: [main]\n    routes: []\n"));
    reload(&proxy, 1);
    client.send("1\r\nx\r\n0\r\n\r\n");
    let reply = client.reply();
    assert_eq!((reply.text().as_str(), reply.header("connection")), ("done", Some("close")));
    late.send("ngth: 6\r\n\r\nabcdef");
    assert_eq!(late.reply().text(), "done", "a request of the last moment is served as before");
    assert_eq!(origin.next().body, b"abcdef");
}

#[test]
fn a_listener_that_moves_is_bound_before_the_old_one_goes() {
    let origin = Origin::text("served");
    let port = free_port();
    let builder = Proxy::builder().route("/*", "app", origin.address);
    let proxy = Proxy::of(&builder.text(&format!("127.0.0.1:{port}")), &[]);
    let mut client = Client::connect(proxy.address);
    assert_eq!(client.get("/", "").text(), "served");
    // The addresses overlap: one is all of the machine's.
    proxy.write_text(&builder.text(&format!("0.0.0.0:{port}")));
    reload(&proxy, 1);
    assert_eq!(client.rest().unwrap(), b"");
    assert_eq!(get(proxy.address, "/").text(), "served");
    let other = SocketAddr::from(([127, 0, 0, 2], port));
    assert_eq!(get(other, "/").text(), "served");
    // Nobody else can take it.
    assert!(std::net::TcpListener::bind(("127.0.0.3", port)).is_err());
}

#[test]
fn a_listener_of_another_name_at_the_same_address_keeps_its_connections() {
    let origin = Origin::text("served");
    let address = format!("127.0.0.1:{}", free_port());
    let text = |name: &str| {
        let text = Proxy::builder().route("/*", "app", origin.address).text(&address);
        text.replace("  main:", &format!("  {name}:"))
    };
    let proxy = Proxy::of(&text("main"), &[]);
    let mut client = Client::connect(proxy.address);
    assert_eq!(client.get("/", "").text(), "served");
    proxy.write_text(&text("renamed"));
    reload(&proxy, 1);
    assert_eq!(client.get("/", "").text(), "served");
    assert_eq!(get(proxy.address, "/").text(), "served");
}

#[test]
fn an_address_that_is_taken_leaves_all_as_it_was() {
    let (old, new) = (Origin::text("old"), Origin::text("new"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let free = free_port();
    let before = with_admin().route("/*", "app", old.address);
    let proxy = before.start();
    let mut client = Client::connect(proxy.address);
    assert_eq!(client.get("/", "").text(), "old");
    let text = with_admin().route("/*", "app", new.address).text("127.0.0.1:0");
    let more = format!(
        "listeners:\n  first: {{ address: \"127.0.0.1:{free}\" }}\n  second: {{ address: \"{}\" }}\n",
        taken.local_addr().unwrap()
    );
    proxy.write_text(&text.replace("listeners:\n", &more));
    proxy.signal("HUP");
    proxy.log.wait("another process listens there");
    assert_eq!(client.get("/", "").text(), "old");
    assert!(TcpStream::connect(("127.0.0.1", free)).is_err(), "a listener of a reload that failed is open");
    let status = status(&proxy);
    assert_eq!(status["listeners"].as_array().unwrap().len(), 1);
    assert!(status["failures"][0]["report"].as_str().unwrap().contains("another process listens there"));
}

/// How many workers the process has.
fn workers(proxy: &Proxy) -> usize {
    let tasks = fs::read_dir(format!("/proc/{}/task", proxy.pid())).unwrap();
    let name = |task: std::io::Result<fs::DirEntry>| fs::read_to_string(task.ok()?.path().join("comm")).ok();
    let is_worker = |name: &String| {
        let number = name.trim().strip_prefix("weir-");
        number.is_some_and(|number| number.parse::<usize>().is_ok())
    };
    tasks.filter_map(name).filter(is_worker).count()
}

#[test]
fn workers_come_and_go_and_finish_what_they_have() {
    let (origin, echoing) = (Origin::text("served"), echo());
    let builder = |count: usize| {
        let builder = with_admin().top(&format!("workers: {count}")).route("/*", "app", origin.address);
        builder.route("/echo", "echo", echoing.address)
    };
    let proxy = builder(1).start();
    let mut first = upgraded(proxy.address);
    proxy.write(&builder(3));
    reload(&proxy, 1);
    // A thread has its name a moment after it began.
    until("there are three workers", || workers(&proxy) == 3);
    assert_eq!(status(&proxy)["workers"].as_u64(), Some(3));
    // New connections go where the fewest are: to each of the new ones.
    let (mut second, mut third) = (upgraded(proxy.address), upgraded(proxy.address));
    proxy.write(&builder(1));
    reload(&proxy, 2);
    for tunnel in [&mut first, &mut second, &mut third] {
        assert!(says_back(tunnel), "a tunnel was cut off by the end of its worker");
    }
    assert_eq!(status(&proxy)["workers"].as_u64(), Some(1));
    drop((second, third));
    until("workers that are too many end", || workers(&proxy) == 1);
    assert!(says_back(&mut first));
    get(proxy.address, "/");
}

#[test]
fn the_admin_address_and_its_token_change_by_a_reload() {
    let (token, port) = (tempfile::NamedTempFile::new().unwrap(), free_port());
    fs::write(token.path(), "sesame").unwrap();
    let proxy = with_admin().start();
    let before = admin(&proxy);
    let moved = Proxy::builder()
        .top(&format!("admin: {{ address: \"127.0.0.1:{port}\", token: {{ file: \"{}\" }} }}", token.path().display()));
    proxy.write(&moved);
    // Who asks at the old address gets the answer there.
    assert_eq!(asked(before, "POST /reload", "").0, 200);
    assert!(TcpStream::connect(before).is_err());
    let now = SocketAddr::from(([127, 0, 0, 1], port));
    let shown = |token: &str| asked(now, "GET /status", &format!("Authorization: Bearer {token}\r\n")).0;
    assert_eq!((shown("sesame"), shown("other")), (200, 401));
    // Another token counts at once, on connections that are open too.
    let mut open = Client::connect(now);
    let request = "GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer sesame\r\n\r\n";
    open.send(request);
    assert_eq!(open.reply().status, 200);
    fs::write(token.path(), "other").unwrap();
    proxy.log.wait("changed, and what is there now is used");
    assert_eq!((shown("sesame"), shown("other")), (401, 200));
    open.send(request);
    assert_eq!(open.reply().status, 401);
}

/// A pipe in the place of a plugin: whoever builds reads it, and waits until it has been written.
fn pipe(folder: &Path) -> std::path::PathBuf {
    let pipe = folder.join("pipe.wasm");
    assert!(command("mkfifo", "coreutils").arg(&pipe).status().unwrap().success());
    pipe
}

#[test]
fn operators_are_answered_while_a_build_runs() {
    let origin = Origin::text("served");
    let folder = tempfile::tempdir().unwrap();
    let pipe = pipe(folder.path());
    let builder = with_admin().route("/*", "app", origin.address);
    let mut proxy = builder.start();
    let plugin = format!("plugins: {{ slow: {{ file: \"{}\" }} }}", pipe.display());
    proxy.write(&builder.clone().top(&plugin));
    proxy.signal("HUP");
    // This can be opened when the other end is.
    let mut end = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    assert_eq!(status(&proxy)["reloads"]["done"], 0);
    assert_eq!(get(proxy.address, "/").text(), "served");
    end.write_all(&fs::read(guest("noop")).unwrap()).unwrap();
    drop(end);
    proxy.log.wait("is reloaded");

    proxy.write(&builder.clone().top(&format!("access_log: false\n{plugin}")));
    proxy.signal("HUP");
    let _end = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    proxy.signal("TERM");
    assert!(proxy.exit().success(), "the end does not wait for the build");
}

#[test]
fn new_filters_have_their_first_instances_before_they_serve() {
    let builder = with_admin().top("workers: 2");
    let proxy = builder.start();
    assert_eq!(status(&proxy)["instances"], 0);
    proxy.write(&builder.guest("count", "count", ""));
    reload(&proxy, 1);
    assert_eq!(status(&proxy)["instances"], 2);
    assert_eq!(get(proxy.address, "/").text(), "1");
}

#[test]
fn a_watched_configuration_is_reloaded_however_it_is_written() {
    let builder = |name: &str| Proxy::builder().guest("mark", "mark", &format!("config: {{ name: {name} }}"));
    let proxy = builder("one").start_watched();
    let mark = || get(proxy.address, "/").header("x-mark").unwrap().to_owned();
    assert_eq!(mark(), "one");
    // In place.
    proxy.write(&builder("two"));
    proxy.log.wait_many("is reloaded", 1);
    assert_eq!(mark(), "two");
    // Beside, and then over it.
    fs::write(proxy.path("weir.yaml~"), builder("three").text("127.0.0.1:0")).unwrap();
    fs::rename(proxy.path("weir.yaml~"), proxy.path("weir.yaml")).unwrap();
    proxy.log.wait_many("is reloaded", 2);
    assert_eq!(mark(), "three");
    // In two steps: the first is no configuration.
    let whole = builder("four").text("127.0.0.1:0");
    let (half, rest) = whole.split_at(whole.find("chain:").unwrap());
    proxy.write_text(half);
    proxy.log.wait("is not reloaded");
    assert_eq!(mark(), "three");
    let mut file = fs::OpenOptions::new().append(true).open(proxy.path("weir.yaml")).unwrap();
    file.write_all(rest.as_bytes()).unwrap();
    proxy.log.wait_many("is reloaded", 3);
    assert_eq!(mark(), "four");
}

#[test]
fn a_folder_of_links_is_swapped_as_kubernetes_does_it() {
    let folder = tempfile::tempdir().unwrap();
    let text = |name: &str| {
        let mark = guest("mark");
        format!(
            "version: 1\nlisteners: {{ main: {{ address: 127.0.0.1:0 }} }}\nplugins: {{ mark: {{ file: \"{}\" }} }}\n\
             sites: [{{ chain: [{{ plugin: mark, config: {{ name: {name} }} }}], routes: [] }}]\n",
            mark.display()
        )
    };
    let version = |name: &str| {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("weir.yaml"), text(name)).unwrap();
        symlink(name, folder.path().join("..data_tmp")).unwrap();
        fs::rename(folder.path().join("..data_tmp"), folder.path().join("..data")).unwrap();
    };
    version("first");
    symlink("..data/weir.yaml", folder.path().join("weir.yaml")).unwrap();
    // The configuration that is run includes the one behind the links.
    let main = format!("version: 1\ninclude: [\"{}\"]\n", folder.path().join("weir.yaml").display());
    let proxy = Proxy::watched(&main, &[]);
    let mark = || get(proxy.address, "/").header("x-mark").unwrap().to_owned();
    assert_eq!(mark(), "first");
    for (count, name) in ["second", "third"].iter().enumerate() {
        version(name);
        proxy.log.wait_many("is reloaded", count + 1);
        assert_eq!(mark(), *name);
    }
}

#[test]
fn a_burst_of_writes_is_few_reloads() {
    let builder = |count: usize| with_admin().top(&format!("x-count: {count}"));
    let proxy = builder(0).start_watched();
    for count in 1..=100 {
        proxy.write(&builder(count));
    }
    let last = builder(1000).route("/*", "app", Origin::text("last").address);
    proxy.write(&last);
    until("the last one serves", || get(proxy.address, "/").text() == "last");
    let reloads = status(&proxy)["reloads"].clone();
    assert!(reloads["done"].as_u64().unwrap() + reloads["failed"].as_u64().unwrap() < 10, "{reloads}");
}

#[test]
fn a_file_that_is_written_with_what_it_held_is_no_change() {
    let text = with_admin().text("127.0.0.1:0");
    let proxy = Proxy::with(&["--watch", "--log", "debug"], &text, &[]);
    let looked = |count: usize| proxy.log.wait_many("looked at watched files", count);
    proxy.log.wait("watching 1 files");
    for count in 1..3 {
        // At once, so that nobody sees half of it.
        fs::write(proxy.path("new"), &text).unwrap();
        fs::rename(proxy.path("new"), proxy.path("weir.yaml")).unwrap();
        assert!(looked(count)[count - 1].contains(": 0 changed"));
    }
    assert_eq!(status(&proxy)["reloads"], serde_json::json!({ "done": 0, "failed": 0 }));
}

#[test]
fn included_files_are_watched_and_those_that_come_to_match() {
    let plugins = format!("plugins: {{ mark: {{ file: \"{}\" }} }}\n", guest("mark").display());
    let main = format!(
        "version: 1\ninclude: [\"conf.d/*.yaml\"]\nlisteners: {{ main: {{ address: 127.0.0.1:0 }} }}\n{plugins}"
    );
    let site = |host: &str, name: &str| {
        format!("sites: [{{ host: {host}, chain: [{{ plugin: mark, config: {{ name: {name} }} }}], routes: [] }}]\n")
    };
    let proxy = Proxy::watched(&main, &[("conf.d/a.yaml", &site("a.example", "a"))]);
    let mark = |host: &str| {
        let mut client = Client::connect(proxy.address);
        client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        client.reply().header("x-mark").map(str::to_owned)
    };
    assert_eq!((mark("a.example").as_deref(), mark("b.example")), (Some("a"), None));
    fs::write(proxy.path("conf.d/b.yaml"), site("b.example", "b")).unwrap();
    proxy.log.wait_many("is reloaded", 1);
    assert_eq!((mark("a.example").as_deref(), mark("b.example").as_deref()), (Some("a"), Some("b")));
    // A broken one changes nothing, and is read again when it is mended.
    fs::write(proxy.path("conf.d/b.yaml"), "sites: [").unwrap();
    proxy.log.wait("is not reloaded");
    assert_eq!(mark("b.example").as_deref(), Some("b"));
    fs::write(proxy.path("conf.d/b.yaml"), site("b.example", "mended")).unwrap();
    proxy.log.wait_many("is reloaded", 2);
    assert_eq!(mark("b.example").as_deref(), Some("mended"));
    // The folder goes, and comes back.
    fs::rename(proxy.path("conf.d"), proxy.path("elsewhere")).unwrap();
    proxy.log.wait("no file matches");
    assert_eq!(mark("b.example").as_deref(), Some("mended"));
    fs::create_dir(proxy.path("conf.d")).unwrap();
    fs::write(proxy.path("conf.d/c.yaml"), site("c.example", "c")).unwrap();
    proxy.log.wait_many("is reloaded", 3);
    assert_eq!((mark("b.example"), mark("c.example").as_deref()), (None, Some("c")));
    // And it is the new one that is watched now.
    fs::write(proxy.path("conf.d/c.yaml"), site("c.example", "again")).unwrap();
    proxy.log.wait_many("is reloaded", 4);
    assert_eq!(mark("c.example").as_deref(), Some("again"));
}

#[test]
fn what_a_refused_configuration_names_is_watched_too() {
    let builder = |file: &str| {
        Proxy::builder().top(&format!("plugins: {{ late: {{ file: {file} }} }}")).route(
            "/*",
            "app",
            ([127, 0, 0, 1], 1).into(),
        )
    };
    let proxy = Proxy::builder().start_watched();
    proxy.write(&builder("late.wasm"));
    proxy.log.wait("cannot read");
    fs::copy(guest("noop"), proxy.path("late.wasm.part")).unwrap();
    fs::rename(proxy.path("late.wasm.part"), proxy.path("late.wasm")).unwrap();
    proxy.log.wait("is reloaded");
    assert_eq!(get(proxy.address, "/").status, 502);
}

#[test]
fn a_plugin_whose_file_changes_is_used_anew_without_being_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("filter.wasm");
    fs::copy(guest("count"), &file).unwrap();
    let text = format!(
        "version: 1\nworkers: 1\nlisteners: {{ main: {{ address: 127.0.0.1:0 }} }}\nplugins: {{ mine: {{ file: \"{}\" }} }}\n\
         admin: {{ address: 127.0.0.1:0 }}\nsites: [{{ chain: [mine], routes: [] }}]\n",
        file.display()
    );
    let proxy = Proxy::of(&text, &[]);
    assert_eq!(get(proxy.address, "/").text(), "1");
    // Half of it is no filter: what was running goes on, and the rest mends it.
    let other = fs::read(guest("noop")).unwrap();
    fs::write(&file, &other[..other.len() / 2]).unwrap();
    proxy.log.wait("changed and cannot be used, what was running goes on");
    assert!(status(&proxy)["failures"][0]["report"].as_str().unwrap().contains("this is not a filter"));
    assert_eq!(get(proxy.address, "/").text(), "2");
    fs::write(&file, &other).unwrap();
    proxy.log.wait("changed, and what is there now is used");
    assert_eq!(get(proxy.address, "/").status, 404, "the new one lets all pass");
    assert_eq!(status(&proxy)["failures"], serde_json::json!([]));
    // The configuration itself is not read for that.
    assert!(proxy.log.so_far().iter().all(|line| !line.contains("is reloaded")));
}

#[test]
fn a_certificate_that_is_renewed_is_for_new_connections_without_being_told() {
    let (pem, origin) = (Pem::new(), Origin::text("x"));
    pem.write("a", "before", &["a.example"]);
    let proxy = Proxy::builder().main(&pem.listener(&["a"])).route("/*", "app", origin.address).start();
    let subject = || {
        let address = proxy.address.to_string();
        let client = ["s_client", "-connect", &address];
        let output = command("openssl", "openssl").args(client).stdin(std::process::Stdio::null()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let mut old = command("openssl", "openssl")
        .args(["s_client", "-quiet", "-connect", &proxy.address.to_string()])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let (mut to, mut from) = (old.stdin.take().unwrap(), old.stdout.take().unwrap());
    let mut ask = || {
        to.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\nx") {
            let mut byte = [0];
            from.read_exact(&mut byte).unwrap();
            answer.extend(byte);
        }
        assert!(answer.starts_with(b"HTTP/1.1 200"));
    };
    ask();
    assert!(subject().contains("CN = before"));
    pem.write("a", "after", &["a.example"]);
    proxy.log.wait("changed, and what is there now is used");
    assert!(subject().contains("CN = after"));
    ask();
    let _ = old.kill();
    let _ = old.wait();
}

#[test]
fn a_document_whose_file_changes_is_read_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list");
    fs::write(&file, "one").unwrap();
    let entry = format!("config: {{ document: {{ file: \"{}\" }}, every: 3600 }}", file.display());
    let proxy = Proxy::builder().top("workers: 1").guest("keeper", "keeper", &entry).start();
    let read = || {
        let mut client = Client::connect(proxy.address);
        client.send("GET / HTTP/1.1\r\nHost: x\r\nx-do: read\r\n\r\n");
        client.reply().text()
    };
    until("it is read at first", || read().ends_with(" one"));
    for text in ["two", "three"] {
        fs::write(&file, text).unwrap();
        until("it is read again, an hour before its time", || read().ends_with(text));
    }
}

#[test]
fn a_failure_is_told_until_it_is_mended() {
    let pem = Pem::new();
    pem.write("a", "a", &["a.example"]);
    let builder = with_admin().main(&pem.listener(&["a"]));
    let proxy = builder.start();
    let failures = || {
        let status = status(&proxy);
        let failures = status["failures"].as_array().unwrap().clone();
        failures.iter().map(|failure| failure["what"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let reloads = || {
        let status = status(&proxy);
        (status["reloads"]["done"].as_u64().unwrap(), status["reloads"]["failed"].as_u64().unwrap())
    };
    assert_eq!((failures(), reloads()), (vec![], (0, 0)));
    proxy.write_text("version: 1\nlisteners: {}\n");
    proxy.signal("HUP");
    proxy.log.wait("is not reloaded");
    assert_eq!((failures(), reloads()), (vec!["configuration".to_owned()], (0, 1)));
    let report = status(&proxy)["failures"][0]["report"].as_str().unwrap().to_owned();
    assert!(report.contains("there is no listener") && report.contains("weir.yaml:1:1"), "{report}");
    // Something else that goes well mends nothing.
    pem.write("a", "b", &["a.example"]);
    proxy.log.wait("changed, and what is there now is used");
    assert_eq!((failures(), reloads()), (vec!["configuration".to_owned()], (1, 1)));
    fs::write(pem.path("a.pem"), "").unwrap();
    proxy.log.wait("changed and cannot be used");
    assert_eq!((failures(), reloads()), (vec!["configuration".to_owned(), "files".to_owned()], (1, 2)));
    pem.write("a", "c", &["a.example"]);
    proxy.log.wait_many("changed, and what is there now is used", 2);
    assert_eq!(failures(), ["configuration"]);
    proxy.write(&builder);
    reload(&proxy, 1);
    assert_eq!((failures(), status(&proxy)["reload"]["report"].clone()), (vec![], Value::Null));
}

/// How many descriptors and threads the process has.
fn held(proxy: &Proxy) -> (usize, usize) {
    let count = |what: &str| fs::read_dir(format!("/proc/{}/{what}", proxy.pid())).unwrap().count();
    (count("fd"), count("task"))
}

#[test]
fn reload_after_reload_costs_no_request_and_leaves_nothing_behind() {
    let (origin, echoing) = (Origin::text("served"), echo());
    let base =
        with_admin().top("workers: 2").route("/*", "app", origin.address).route("/echo", "echo", echoing.address);
    let even = base.clone().guest("mark", "mark", "config: { name: even }");
    let odd = base.clone().listener("more", "").guest("mark", "mark", "config: { name: odd }").filter("request-id");
    let proxy = even.start();
    let (address, mut tunnel) = (proxy.address, upgraded(proxy.address));
    let cycle = |count: usize| {
        proxy.write(&odd);
        reload(&proxy, 2 * count + 1);
        proxy.write_text("version: 1\nlisteners: {}\n");
        proxy.signal("HUP");
        proxy.log.wait_many("is not reloaded", count + 1);
        proxy.write(&even);
        reload(&proxy, 2 * count + 2);
    };
    cycle(0);
    let (before, (descriptors, threads)) = (status(&proxy)["instances"].as_u64().unwrap(), held(&proxy));
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let asking = std::thread::spawn(move || {
        let mut client = Client::connect(address);
        let mut asked = 0;
        while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            assert_eq!(client.get("/", "").text(), "served");
            assert_eq!(get(address, "/").text(), "served");
            asked += 1;
        }
        asked
    });
    (1..10).for_each(cycle);
    drop(stop);
    assert!(asking.join().expect("no request fails") > 0);
    assert!(says_back(&mut tunnel));
    until("old instances are freed", || status(&proxy)["instances"].as_u64().unwrap() <= before + 2);
    // Nine more cycles that leave one each behind are seen; connections and threads that are idle come and go.
    until("threads and descriptors are given back", || {
        let now = held(&proxy);
        now.0 < descriptors + 9 && now.1 < threads + 9
    });
}
