//! `auth-basic` in the running proxy: hashes by `htpasswd`, `argon2` and Python, clients that are curl.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use weir_tests::{Client, Origin, Proxy, Reply, Scrape, command, until};

/// A folder with a file of users, made by the programs that make such files.
struct Users {
    _folder: tempfile::TempDir,
    file: PathBuf,
}

impl Users {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("htpasswd");
        fs::write(&file, "").unwrap();
        Self { _folder: folder, file }
    }

    /// As `htpasswd` does it, with bcrypt of this cost.
    fn set(&self, user: &str, password: &str, cost: &str) {
        // It writes over the file, so it gets one of its own.
        self.change(|file| run("htpasswd", "apache2-utils", &["-bB", "-C", cost, path(file), user, password], ""));
    }

    fn remove(&self, user: &str) {
        self.change(|file| run("htpasswd", "apache2-utils", &["-D", path(file), user], ""));
    }

    fn append(&self, user: &str, hash: &str) {
        self.change(|file| {
            let mut text = fs::read_to_string(file).unwrap();
            text.push_str(&format!("{user}:{hash}\n"));
            fs::write(file, text).unwrap();
            String::new()
        });
    }

    fn change(&self, how: impl FnOnce(&Path) -> String) {
        let new = self.file.with_extension("new");
        fs::copy(&self.file, &new).unwrap();
        how(&new);
        fs::rename(new, &self.file).unwrap();
    }

    /// A proxy that lets them in.
    fn proxy(&self, workers: usize, more: &str, origin: &Origin) -> Proxy {
        let config = format!("{{ file: {{ file: \"{}\" }}, refresh: 1s, {more} }}", self.file.display());
        Proxy::builder()
            .top(&format!("workers: {workers}"))
            .top("admin: { address: \"127.0.0.1:0\" }")
            .top("why: { sample: 1 }")
            .filter(&format!("{{ plugin: auth-basic, except: [/open], config: {config} }}"))
            .route("/*", "app", origin.address)
            .start()
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What a program says.
fn run(program: &str, package: &str, arguments: &[&str], input: &str) -> String {
    let mut child = command(program, package)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Head and body that curl gets as this user.
fn curl(proxy: &Proxy, arguments: &[&str]) -> String {
    let url = format!("http://{}/", proxy.address);
    let output =
        command("curl", "curl").args(["-sS", "-i", "--max-time", "20"]).args(arguments).arg(url).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The field that a client sends, as Python writes it.
fn field(user: &str, password: &str) -> String {
    let program = "import base64,sys; print(base64.b64encode(f'{sys.argv[1]}:{sys.argv[2]}'.encode()).decode())";
    let value = run("python3", "python3", &["-c", program, user, password], "");
    format!("Authorization: Basic {value}\r\n")
}

fn ask(proxy: &Proxy, field: &str) -> Reply {
    Client::connect(proxy.address).get("/", field)
}

#[test]
fn hashes_of_other_programs_let_their_users_in_and_nobody_else() {
    let users = Users::new();
    users.set("ada", "sesame", "5");
    users.set("Zo\u{eb}", "gr\u{fc}n:wei\u{df} \u{1f511}", "5");
    users.append(
        "bob",
        &run("argon2", "argon2", &["saltsalt", "-id", "-t", "2", "-m", "12", "-p", "2", "-e"], "simsim"),
    );
    let python = "import hashlib,base64; e=lambda b: base64.b64encode(b).decode().rstrip('='); s=b'some salt here'; \
                  print(f\"$pbkdf2-sha256$i=10000${e(s)}${e(hashlib.pbkdf2_hmac('sha256', b'alma', s, 10000))}\")";
    users.append("eve", &run("python3", "python3", &["-c", python], ""));
    let origin = Origin::text("in");
    let proxy = users.proxy(1, "headers: { x-user: id }", &origin);
    for (credentials, user) in [
        ("ada:sesame", "ada"),
        ("Zo\u{eb}:gr\u{fc}n:wei\u{df} \u{1f511}", "Zo%C3%AB"),
        ("bob:simsim", "bob"),
        ("eve:alma", "eve"),
    ] {
        // A slow hash, and then what is remembered of it.
        for _ in 0..2 {
            let said = curl(&proxy, &["-u", credentials, "-H", "X-User: root", "-H", "x_user: root"]);
            assert!(said.starts_with("HTTP/1.1 200") && said.ends_with("\r\n\r\nin"), "{credentials}: {said}");
            let received = origin.next();
            assert_eq!(received.values("x-user"), [user]);
            assert_eq!((received.header("authorization"), received.header("x_user")), (None, None));
        }
    }
    for credentials in ["ada:simsim", "bob:sesame", "ada:", "nobody:sesame", "ada:sesame "] {
        let said = curl(&proxy, &["-u", credentials]).to_lowercase();
        assert!(said.starts_with("http/1.1 401"), "{credentials}: {said}");
        assert!(said.contains("\r\nwww-authenticate: basic realm=\"restricted\", charset=\"utf-8\"\r\n"), "{said}");
        assert!(said.ends_with("\r\n\r\nunauthorized\n"), "{said}");
    }
    // curl finds out by itself what is asked for.
    let said = curl(&proxy, &["--anyauth", "-u", "ada:sesame"]);
    assert!(said.contains("HTTP/1.1 401") && said.ends_with("in"), "{said}");
}

#[test]
fn users_change_under_load_without_a_failure_of_those_who_stay() {
    let users = Users::new();
    users.set("ada", "sesame", "5");
    users.set("bob", "simsim", "5");
    let origin = Origin::text("in");
    let proxy = users.proxy(2, "", &origin);
    let (ada, [old, new]) = (field("ada", "sesame"), ["simsim", "alma"].map(|password| field("bob", password)));
    let (is_over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut client = Client::connect(proxy.address);
                while !is_over.load(Ordering::Relaxed) {
                    let reply = client.get("/", &ada);
                    assert_eq!(reply.status, 200, "{reply:?}");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // Whatever happens the clients are told to end.
        let turned = std::panic::catch_unwind(|| {
            assert_eq!((ask(&proxy, &old).status, ask(&proxy, &new).status), (200, 401));
            // It is remembered, on both workers; another hash ends that.
            users.set("bob", "alma", "5");
            until("the new password counts", || ask(&proxy, &new).status == 200);
            until("the old one is refused", || (0..4).all(|_| ask(&proxy, &old).status == 401));
            // Another hash of the same password, for those who stay.
            users.set("ada", "sesame", "5");
            users.remove("bob");
            until("bob has gone", || (0..4).all(|_| ask(&proxy, &new).status == 401));
            let before = answered.load(Ordering::Relaxed);
            until("the others go on", || answered.load(Ordering::Relaxed) > before + 100);
        });
        is_over.store(true, Ordering::Relaxed);
        turned.unwrap();
    });
}

#[test]
fn a_flood_of_wrong_passwords_keeps_nobody_out_who_is_known() {
    let users = Users::new();
    users.set("ada", "sesame", "10");
    let origin = Origin::text("in");
    let proxy = users.proxy(1, "", &origin);
    let ada = field("ada", "sesame");
    assert_eq!(ask(&proxy, &ada).status, 200);
    let (is_over, refused, busy) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let wrong = [field("ada", "wrong"), field("nobody", "wrong")];
    std::thread::scope(|scope| {
        // More than a worker has instances for.
        for number in 0..40 {
            let (wrong, is_over, refused, busy) = (&wrong[number % 2], &is_over, &refused, &busy);
            let address = proxy.address;
            scope.spawn(move || {
                let mut client = Client::connect(address);
                while !is_over.load(Ordering::Relaxed) {
                    let reply = client.get("/", wrong);
                    match reply.status {
                        401 => refused.fetch_add(1, Ordering::Relaxed),
                        503 => {
                            assert_eq!(reply.header("retry-after"), Some("1"), "{reply:?}");
                            busy.fetch_add(1, Ordering::Relaxed)
                        }
                        _ => panic!("{reply:?}"),
                    };
                }
            });
        }
        let served = std::panic::catch_unwind(|| {
            until("there is a flood", || busy.load(Ordering::Relaxed) > 100 && refused.load(Ordering::Relaxed) > 5);
            let mut client = Client::connect(proxy.address);
            for _ in 0..50 {
                let reply = client.get("/", &ada);
                assert_eq!(reply.status, 200, "{reply:?}");
                assert_eq!(client.get("/open", "").status, 200);
            }
        });
        is_over.store(true, Ordering::Relaxed);
        served.unwrap();
    });
    let figures = Scrape::of(&proxy.log).now();
    assert!(figures.sum("weir_filter_answers_total", &[("filter", "auth-basic"), ("reason", "busy")]) > 100.0);
    // The host itself never had to turn anybody away.
    assert!(!proxy.log.so_far().iter().any(|line| line.contains("overload")), "{:?}", proxy.log.so_far());
}

#[test]
fn who_is_not_there_takes_as_long_as_who_is() {
    let users = Users::new();
    users.set("ada", "sesame", "10");
    let origin = Origin::text("in");
    let proxy = users.proxy(1, "", &origin);
    let mut client = Client::connect(proxy.address);
    // The least of some times is free of what else the machine did.
    let mut least = |field: &str, status: u16| {
        let times = (0..4).map(|_| {
            let before = Instant::now();
            assert_eq!(client.get("/", field).status, status);
            before.elapsed()
        });
        times.min().unwrap()
    };
    let known = least(&field("ada", "wrong"), 401);
    let unknown = least(&field("nobody", "wrong"), 401);
    assert!(known > Duration::from_millis(10), "{known:?} is no slow hash");
    assert!(unknown * 4 > known && known * 4 > unknown, "{known:?} and {unknown:?}");
    // What was right is known at once from then on.
    assert!(least(&field("ada", "sesame"), 200) * 4 < known);
}

#[test]
fn why_a_user_was_refused_stands_in_the_record_in_why_and_in_the_metrics_and_not_in_the_answer() {
    let users = Users::new();
    users.set("ada", "sesame", "5");
    let origin = Origin::text("in");
    let proxy = users.proxy(1, "", &origin);
    let scrape = Scrape::of(&proxy.log);
    let mut client = Client::connect(proxy.address);
    let asks = [
        (String::new(), 401, "no-credentials", None),
        (field("ada", "hunter2"), 401, "wrong-password", Some("that of `ada`")),
        // Who types a password for a name finds it in no record.
        (field("hunter2", "x"), 401, "unknown-user", None),
        ("Authorization: Basic hunter2\r\n".to_owned(), 400, "malformed-credentials", Some("they are not base64")),
        ("Authorization: Basic YTpi\r\nAuthorization: Bearer x\r\n".to_owned(), 400, "several-credentials", None),
    ];
    for (count, (more, status, reason, detail)) in asks.iter().enumerate() {
        let reply = client.get("/", more);
        assert_eq!((reply.status, reply.header("cache-control")), (*status, Some("no-store")), "{more}");
        assert!(!format!("{reply:?}").contains("ada"), "{reply:?}");
        let record = proxy.record(count + 1);
        assert_eq!((record["by"].as_str(), record["reason"].as_str()), (Some("auth-basic"), Some(*reason)));
        assert_eq!(record["detail"].as_str().filter(|detail| !detail.is_empty()), *detail, "{record}");
        let story = scrape.text(&format!("/why/{}", record["exchange"].as_str().unwrap()), "");
        assert!(story.contains(reason) && !story.contains("hunter2"), "{story}");
        let labels = [("filter", "auth-basic"), ("reason", *reason)];
        scrape.until(reason, |figures| figures.sum("weir_filter_answers_total", &labels) >= 1.0);
    }
    let told = [proxy.log.so_far(), proxy.access.so_far()].concat().join("\n");
    assert!(!told.contains("hunter2") && origin.arrived().is_empty(), "{told}");
}

#[test]
fn a_fast_hash_in_the_file_is_refused_with_its_line_and_what_to_do() {
    let users = Users::new();
    users.set("ada", "sesame", "5");
    let origin = Origin::text("in");
    let proxy = users.proxy(1, "", &origin);
    let ada = field("ada", "sesame");
    assert_eq!(ask(&proxy, &ada).status, 200);
    // apr1, as `htpasswd -m` makes it.
    users.change(|file| run("htpasswd", "apache2-utils", &["-bm", path(file), "bob", "simsim"], ""));
    let line = loop {
        assert_eq!(ask(&proxy, &ada).status, 200);
        if let Some(line) = proxy.log.so_far().into_iter().find(|line| line.contains("cannot be read")) {
            break line;
        }
    };
    assert!(line.contains("line 2: MD5 is no slow hash; make one with `htpasswd -nB NAME`"), "{line}");
    assert!(line.contains("what it was before counts") && !line.contains("$apr1$"), "{line}");
    assert_eq!(ask(&proxy, &field("bob", "simsim")).status, 401);
}
