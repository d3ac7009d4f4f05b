//! Another process takes over while clients are served: none of them notices, and an upgrade that fails changes nothing.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use weir_tests::{Client, Load, Origin, Proxy, ProxyBuilder, Successor, get, until, weir};

/// A program that the test may exchange, the real one at first.
struct Installed(tempfile::TempDir);

impl Installed {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let installed = Self(folder);
        installed.restore();
        installed
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("weir")
    }

    fn restore(&self) {
        let _ = fs::remove_file(self.path());
        std::os::unix::fs::symlink(weir().get_program(), self.path()).unwrap();
    }

    fn replace(&self, text: &str) {
        let _ = fs::remove_file(self.path());
        fs::write(self.path(), text).unwrap();
        fs::set_permissions(self.path(), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn run(&self, text: &str) -> Proxy {
        let mut command = Command::new(self.path());
        command.env("WEIR_CACHE_DIR", Path::new(env!("GUESTS")).join("cache"));
        Proxy::by(command, text)
    }
}

fn builder(origin: &Origin, top: &str) -> ProxyBuilder {
    Proxy::builder().top(top).route("/*", "app", origin.address)
}

/// A connection that has switched to another protocol.
fn tunnel(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    let mut client = Client::of(stream.try_clone().unwrap());
    client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
    assert_eq!(client.head().0, 101);
    stream
}

fn echoes(tunnel: &mut TcpStream) -> bool {
    let mut byte = [0];
    tunnel.write_all(b"x").is_ok() && tunnel.read_exact(&mut byte).is_ok() && byte == *b"x"
}

#[test]
fn nobody_is_turned_away_by_upgrades() {
    let origin = Origin::echoing();
    let mut proxy = builder(&origin, "workers: 2").start();
    let mut open = tunnel(proxy.address);
    let load = Load::on(proxy.address);
    load.more(20);
    let mut processes: Vec<Successor> = Vec::new();
    for count in 1..=5 {
        match processes.last() {
            None => proxy.signal("USR2"),
            Some(current) => current.signal("USR2"),
        }
        processes.push(Successor::of(&proxy, count));
        load.more(20);
    }
    assert_eq!(load.end(), [Vec::<String>::new(), Vec::new(), Vec::new()]);
    // What is open goes on in the process that has it, and that waits for it.
    assert!(echoes(&mut open));
    proxy.log.wait_many("drained", 4);
    drop(open);
    assert_eq!(proxy.exit().code(), Some(0));
    assert_eq!(get(proxy.address, "/").text(), "ok");
    processes[4].signal("TERM");
    until("all have ended", || processes.iter().all(|process| !process.is_there()));
}

/// What the test above would see if an upgrade turned anybody away.
#[test]
fn clients_notice_when_a_proxy_is_just_ended() {
    let origin = Origin::echoing();
    let mut proxy = builder(&origin, "workers: 2").start();
    let load = Load::on(proxy.address);
    load.more(20);
    proxy.signal("KILL");
    proxy.exit();
    assert!(load.end().iter().all(|failed| !failed.is_empty()));
}

#[test]
fn upgrades_leave_no_descriptor_behind() {
    let proxy = Proxy::builder().top("workers: 1\nadmin: { address: \"127.0.0.1:0\" }").listener("other", "").start();
    let descriptors = |pid: u32| fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
    // With one connection that was served: then everything is there.
    let mut client = Client::connect(proxy.address);
    client.get("/", "");
    let before = descriptors(proxy.pid());
    let mut processes: Vec<Successor> = Vec::new();
    for count in 1..=5 {
        match processes.last() {
            None => proxy.signal("USR2"),
            Some(current) => current.signal("USR2"),
        }
        let new = Successor::of(&proxy, count);
        drop(client);
        proxy.log.wait_many("drained", count);
        client = Client::connect(proxy.address);
        client.get("/", "");
        until("it has as many as the first", || descriptors(new.pid()) == before);
        processes.push(new);
    }
}

#[test]
fn an_upgrade_that_fails_changes_nothing_and_says_why() {
    let origin = Origin::echoing();
    let installed = Installed::new();
    let text = builder(&origin, "upgrade: { timeout: 2s }").text("127.0.0.1:0");
    let proxy = installed.run(&text);
    let mut kept = Client::connect(proxy.address);
    let mut attempts = 0;
    let mut fails = |words: &[&str]| {
        attempts += 1;
        proxy.signal("USR2");
        let said = proxy.log.wait_many("not upgraded", attempts).pop().unwrap();
        for word in words {
            assert!(said.contains(word), "{word:?} is missing in: {said}");
        }
        assert_eq!(kept.get("/", "").text(), "ok", "after: {said}");
        assert_eq!(get(proxy.address, "/").text(), "ok", "after: {said}");
    };
    installed.replace("this is no program");
    fails(&["cannot be started", "Exec format error"]);
    fs::remove_file(installed.path()).unwrap();
    fails(&["cannot be started", "No such file"]);
    installed.replace("#!/bin/sh\necho error while loading shared libraries >&2\nexit 127\n");
    fails(&["did not come to serve (exit status: 127)", "error while loading shared libraries"]);
    installed.replace("#!/bin/sh\nsleep 5 &\necho this has a child that stays >&2\nexit 3\n");
    fails(&["did not come to serve (exit status: 3)", "this has a child that stays"]);
    installed.replace("#!/bin/sh\nkill -SEGV $$\n");
    fails(&["did not come to serve (signal: 11", "it said nothing"]);
    installed.replace("#!/bin/sh\necho hello, this is no weir >&0\nexec sleep 1000\n");
    fails(&["did not come to serve"]);
    installed.replace("#!/bin/sh\necho I take my time >&2\nexec sleep 1000\n");
    fails(&["did not serve within 2s and was ended", "I take my time"]);
    installed.restore();
    proxy.write_text(&text.replace("routes:", "rutes:"));
    fails(&["did not come to serve (exit status: 2)", "unknown key `rutes`", "weir.yaml:"]);
    proxy.write_text(&text.replace("address: \"127.0.0.1:0\"", &format!("address: \"{}\"", origin.address)));
    fails(&["did not come to serve (exit status: 2)", "another process listens there"]);
    // And then it works, with the sockets that were there all the time.
    proxy.write_text(&text);
    proxy.signal("USR2");
    let _successor = Successor::of(&proxy, 1);
    assert_eq!(get(proxy.address, "/").text(), "ok");
}

#[test]
fn one_upgrade_at_a_time_and_none_outlives_the_end() {
    let origin = Origin::echoing();
    let installed = Installed::new();
    let mut proxy = installed.run(&builder(&origin, "").text("127.0.0.1:0"));
    let mark = installed.0.path().join("pid");
    installed.replace(&format!("#!/bin/sh\necho $$ > {}\nexec sleep 1000\n", mark.display()));
    proxy.signal("USR2");
    let pid = || fs::read_to_string(&mark).unwrap_or_default();
    until("it has started", || pid().ends_with('\n'));
    let other = Successor::numbered(&pid());
    proxy.signal("USR2");
    proxy.log.wait("an upgrade is going on already");
    proxy.signal("TERM");
    proxy.log.wait("the upgrade is given up");
    assert_eq!(proxy.exit().code(), Some(0));
    until("it was ended", || !other.is_there());
}

#[test]
fn the_new_process_is_what_the_path_leads_to_now() {
    let origin = Origin::echoing();
    // Hard links want one file system.
    let real = PathBuf::from(weir().get_program());
    let folder = tempfile::tempdir_in(real.parent().unwrap()).unwrap();
    let [old, new, current] = ["old", "new", "current"].map(|name| folder.path().join(name));
    fs::hard_link(&real, &old).unwrap();
    fs::hard_link(&real, &new).unwrap();
    std::os::unix::fs::symlink(&old, &current).unwrap();
    let text = builder(&origin, "").text("127.0.0.1:0");
    let start = |path: &Path| {
        let mut command = Command::new(path);
        command.env("WEIR_CACHE_DIR", Path::new(env!("GUESTS")).join("cache"));
        Proxy::by(command, &text)
    };
    // A link that leads elsewhere now, while what it led to is gone.
    let proxy = start(&current);
    fs::remove_file(&old).unwrap();
    fs::remove_file(&current).unwrap();
    std::os::unix::fs::symlink(&new, &current).unwrap();
    proxy.signal("USR2");
    assert_eq!(Successor::of(&proxy, 1).program(), new);
    // A file that was replaced by another of its name.
    let proxy = start(&new);
    fs::remove_file(&new).unwrap();
    fs::hard_link(&real, folder.path().join("installed")).unwrap();
    fs::rename(folder.path().join("installed"), &new).unwrap();
    proxy.signal("USR2");
    assert_eq!(Successor::of(&proxy, 1).program(), new);
}

#[test]
fn listeners_and_operators_stay_where_they_are() {
    let origin = Origin::echoing();
    let before = builder(&origin, "admin: { address: \"127.0.0.1:0\" }").listener("gone", "").listener("kept", "");
    let proxy = before.start();
    let line: Value = serde_json::from_str(&proxy.log.wait("are answered on")).unwrap();
    let admin = format!("http://{}", line["address"].as_str().unwrap());
    let (gone, kept) = (proxy.listener("gone"), proxy.listener("kept"));
    proxy.write(&builder(&origin, "admin: { address: \"127.0.0.1:0\" }").listener("kept", "").listener("new", ""));
    proxy.signal("USR2");
    let current = Successor::of(&proxy, 1);
    let output = weir().args(["status", "--json", "--admin", &admin]).output().unwrap();
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&status["pid"], &status["is_draining"]), (&current.pid().into(), &false.into()));
    let listeners: Vec<&str> =
        status["listeners"].as_array().unwrap().iter().map(|listener| listener["name"].as_str().unwrap()).collect();
    assert_eq!(listeners, ["kept", "main", "new"]);
    assert_eq!(get(kept, "/").text(), "ok");
    assert_eq!(get(proxy.listener("new"), "/").text(), "ok");
    until("the listener that is gone is closed", || TcpStream::connect(gone).is_err());
}

#[test]
fn a_socket_of_the_file_system_is_passed_on_and_removed_by_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin socket");
    let text =
        Proxy::builder().top(&format!("admin: {{ address: \"unix:{}\" }}", socket.display())).text("127.0.0.1:0");
    let installed = Installed::new();
    let mut proxy = installed.run(&text);
    let upgrade = || weir().args(["upgrade", "-c"]).arg(proxy.file()).output().unwrap();
    installed.replace("#!/bin/sh\necho spoilt >&2\nexit 7\n");
    let output = upgrade();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("not upgraded, what was running goes on") && said.contains("spoilt"), "{said}");
    installed.restore();
    let output = upgrade();
    let current = Successor::of(&proxy, 1);
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("upgraded: process {} serves\n", current.pid()));
    assert_eq!(proxy.exit().code(), Some(0));
    let file = proxy.file().display().to_string();
    let output = weir().args(["status", "--json", "-c", &file]).output().unwrap();
    let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(status["pid"], current.pid());
    current.signal("TERM");
    until("it has ended", || !current.is_there());
    assert!(!socket.exists());
}

#[test]
fn who_is_replaced_ends_when_it_is_told_to() {
    let origin = Origin::echoing();
    let mut proxy = builder(&origin, "drain: { grace: 1ms }\nupgrade: { grace: 1h }").start();
    let mut open = tunnel(proxy.address);
    proxy.signal("USR2");
    let _current = Successor::of(&proxy, 1);
    proxy.log.wait("may end, within 3600s");
    assert!(echoes(&mut open));
    proxy.signal("TERM");
    proxy.log.wait("closing 1 connection");
    assert_eq!(proxy.exit().code(), Some(0));
    assert_eq!(open.read(&mut [0]).unwrap_or(0), 0);

    let mut proxy = builder(&origin, "upgrade: { grace: 100ms }").start();
    let _open = tunnel(proxy.address);
    proxy.signal("USR2");
    let _current = Successor::of(&proxy, 1);
    proxy.log.wait("the time to drain is over: closing 1 connection");
    assert_eq!(proxy.exit().code(), Some(0));
}
