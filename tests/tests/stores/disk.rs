//! What becomes of a store whose file is not as it should be: it is said, filters are told, the rest goes on, and it heals.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use weir_tests::{Client, Proxy, Scrape, Successor, until, weir};

use crate::bed::{ask, builder, said};

fn status(proxy: &Proxy) -> String {
    let output = weir().args(["status", "--admin", &format!("http://{}", Scrape::of(&proxy.log).address())]).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

fn up(proxy: &Proxy) -> f64 {
    Scrape::of(&proxy.log).now().sum("weir_store_up", &[("store", "kept")])
}

#[test]
fn a_damaged_file_is_told_and_left_and_the_rest_runs() {
    let mut proxy = builder("{ file: kept.db }").start();
    for n in 0..100 {
        assert_eq!(ask(&proxy, "/", &format!("set key{n} value{n}")), "done");
        let scrape = Scrape::of(&proxy.log);
        scrape.until("it is on the disk", |figures| figures.sum("weir_store_waiting_values", &[]) == 0.0);
    }
    proxy.signal("TERM");
    assert!(proxy.exit().success());
    let file = proxy.path("kept.db");
    let mut bytes = fs::read(&file).unwrap();
    bytes[200] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let next = proxy.again();
    next.log.wait("a store is unavailable");
    next.log.wait("is damaged at byte");
    assert_eq!(ask(&next, "/", "get key1"), "unavailable");
    assert_eq!(ask(&next, "/", "set key1 x"), "unavailable");
    // Who does not use it does not notice.
    assert_eq!(Client::connect(next.address).get("/", "").status, 502);
    let words = status(&next);
    assert!(words.contains("store kept: 0 values") && words.contains("kept.db is damaged at byte"), "{words}");
    assert!(words.contains("move it away to begin with an empty one"), "{words}");
    assert!(up(&next) < 1.0);
    assert_eq!(fs::read(&file).unwrap(), bytes);
    fs::rename(&file, next.path("damaged.db")).unwrap();
    until("it begins anew", || ask(&next, "/", "set key1 x") == "done");
    assert!(up(&next) > 0.0 && !status(&next).contains("damaged"));
}

#[test]
fn a_disk_that_is_full_has_changes_refused_until_there_is_room() {
    // As a full disk says it: no byte beyond 2 MiB. Who ignores the signal gets an error.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -S -f 4096; exec \"$0\" \"$@\""]).arg(weir().get_program());
    command.env("WEIR_CACHE_DIR", weir().get_envs().find_map(|(_, value)| value).unwrap());
    let mut proxy = Proxy::by(command, &builder("{ file: kept.db }").text("127.0.0.1:0"));
    assert_eq!(ask(&proxy, "/", "set before x"), "done");
    let mut written = 0;
    until("the disk is full", || {
        ask(&proxy, "/", "set large x*65536; set large y*65536") == "unavailable; unavailable" || {
            // Another key each time, so that nothing is written over before it is on the disk.
            (0..20).any(|n| ask(&proxy, "/", &format!("set large{n} x*60000")) == "unavailable")
        }
    });
    proxy.log.wait("kept.db cannot be written");
    assert_eq!(ask(&proxy, "/", "get before"), "=x");
    assert_eq!(ask(&proxy, "/", "add n 1"), "unavailable");
    let figures = Scrape::of(&proxy.log).now();
    assert!(up(&proxy) < 1.0 && figures.sum("weir_store_commit_failures_total", &[]) > 0.0);
    assert!(figures.sum("weir_store_waiting_values", &[]) > 0.0);
    assert!(status(&proxy).contains("until it can, changes are refused"), "{}", status(&proxy));
    let status = Command::new("prlimit").args(["--pid", &proxy.pid().to_string(), "--fsize=unlimited"]).status();
    assert!(status.expect("prlimit runs: install util-linux").success());
    until("there is room again", || ask(&proxy, "/", "add n 1") == "1");
    proxy.log.wait("kept.db can be written again");
    assert!(up(&proxy) > 0.0);
    for n in 0..20 {
        written += usize::from(ask(&proxy, "/", &format!("get large{n}")) == "60000 bytes");
    }
    proxy.signal("TERM");
    assert!(proxy.exit().success());
    let next = proxy.again();
    let there = (0..20).filter(|n| ask(&next, "/", &format!("get large{n}")) == "60000 bytes").count();
    assert_eq!(
        (there, ask(&next, "/", "get n").as_str(), ask(&next, "/", "get before").as_str()),
        (written, "=1", "=x")
    );
}

#[test]
fn two_processes_do_not_share_a_file() {
    let mut proxy = builder("{ file: kept.db }").start();
    assert_eq!(ask(&proxy, "/", "add n 5"), "5");
    let other = proxy.again();
    other.log.wait(&format!("is in use by process {}", proxy.pid()));
    assert_eq!(ask(&other, "/", "get n"), "unavailable");
    assert_eq!(ask(&proxy, "/", "add n 1"), "6");
    proxy.signal("TERM");
    assert!(proxy.exit().success());
    until("the file is free", || ask(&other, "/", "get n") == "=6");
}

#[test]
fn a_store_is_opened_closed_and_resized_by_reloads() {
    let proxy = builder("{ file: kept.db, size: 8MiB }").start();
    assert_eq!(ask(&proxy, "/", "add n 5"), "5");
    let reload = |declaration: &str, count: usize| {
        proxy.write(&builder(declaration));
        proxy.signal("HUP");
        proxy.log.wait_many("is reloaded", count);
    };
    reload("{ file: kept.db, size: 4MiB }", 1);
    assert_eq!(ask(&proxy, "/", "add n 1"), "6");
    let scrape = Scrape::of(&proxy.log);
    assert!((scrape.now().sum("weir_store_limit_bytes", &[("store", "kept")]) - f64::from(4 << 20)).abs() < 1.0);
    reload("{ memory: 4MiB }", 2);
    assert_eq!(ask(&proxy, "/", "get n"), "none");
    reload("{ file: kept.db }", 3);
    until("the file is free", || ask(&proxy, "/", "get n") == "=6");
    // What cannot be used does not stop a reload.
    fs::create_dir(proxy.path("folder.db")).unwrap();
    reload("{ file: folder.db }", 4);
    proxy.log.wait("folder.db cannot be opened");
    assert_eq!(ask(&proxy, "/", "get n"), "unavailable");
}

#[test]
fn a_file_is_not_touched_by_validation() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weir.yaml");
    fs::write(&file, builder("{ file: var/kept.db }").text("127.0.0.1:0")).unwrap();
    let output = weir().args(["validate", "-c"]).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!folder.path().join("var").exists());
}

#[test]
fn an_upgrade_that_fails_gives_the_files_back() {
    let mut proxy = builder("{ file: kept.db }").start();
    assert_eq!(ask(&proxy, "/", "add n 1; set before x"), "1; done");
    // The new process comes so far as to have the file, and no further.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.write_text(&builder("{ file: kept.db }").text(&taken.local_addr().unwrap().to_string()));
    proxy.signal("USR2");
    let mut sum = 1;
    while !proxy.log.so_far().iter().any(|line| line.contains("not upgraded")) {
        sum += 1;
        assert_eq!(ask(&proxy, "/", "add n 1"), sum.to_string());
    }
    proxy.log.wait("another process listens there");
    assert_eq!(ask(&proxy, "/", "remove before"), "true");
    proxy.signal("TERM");
    assert!(proxy.exit().success());
    proxy.write(&builder("{ file: kept.db }"));
    let next = proxy.again();
    assert_eq!((ask(&next, "/", "get n"), ask(&next, "/", "get before")), (format!("={sum}"), "none".to_owned()));
}

#[test]
fn an_upgrade_passes_values_on_without_a_request_that_fails() {
    let proxy = builder("{ file: kept.db }").start();
    let mut client = Client::connect(proxy.address);
    assert_eq!(said(&mut client, "/", "add n 1"), "1");
    let mut successors: Vec<Successor> = Vec::new();
    let mut sum = 1;
    for count in 1..=3 {
        match successors.last() {
            None => proxy.signal("USR2"),
            Some(current) => current.signal("USR2"),
        }
        // Each on a connection of its own, so that whoever accepts answers.
        let add = || ask(&proxy, "/", "add n 1").parse::<i64>();
        let before = sum;
        while proxy.log.so_far().iter().filter(|line| line.contains("upgraded: process")).count() < count {
            sum = add().expect("somebody has the values");
        }
        successors.push(Successor::of(&proxy, count));
        // From here on nobody is served by the one before.
        proxy.log.wait_many("draining: exchanges in progress may end", count);
        // What the old process counts after it has let go of the file is lost with it; what was there before is not.
        let now = add().expect("the new one has the values");
        assert!(now > before && now <= sum + 1, "{now} after {before} and {sum}");
        sum = now;
    }
}
