//! Large files, slow clients, and files and folders that change meanwhile.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use weir_tests::{Client, Proxy, get, until};

use super::{serving, serving_within, site, text};

const MIB: u64 = 1 << 20;

/// A file of so many bytes, of which the last one is `x`.
fn large(path: &Path, length: u64) {
    let mut file = fs::File::create(path).unwrap();
    file.seek(SeekFrom::Start(length - 1)).unwrap();
    file.write_all(b"x").unwrap();
}

/// Begins to read an answer: its head, and some bytes.
fn begin(proxy: &Proxy, path: &str) -> Client {
    let mut client = Client::connect(proxy.address);
    client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_eq!(client.head().0, 200);
    client.rest_of(1000);
    client
}

/// What the process has in memory.
fn resident(proxy: &Proxy) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", proxy.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[test]
fn a_large_file_is_sent_whole_and_never_held_whole() {
    let folder = site();
    large(&folder.path().join("public/large"), 128 * MIB);
    let proxy = serving(&folder, "");
    let before = resident(&proxy);
    let slow: Vec<Client> = (0..8).map(|_| begin(&proxy, "/large")).collect();
    let mut client = Client::connect(proxy.address);
    client.send("GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let (status, headers) = client.head();
    assert!(status == 200 && headers.contains(&("content-length".to_owned(), "134217728".to_owned())), "{headers:?}");
    for _ in 0..127 {
        assert!(client.rest_of(1 << 20).iter().all(|byte| *byte == 0));
    }
    let last = client.rest().unwrap();
    assert_eq!((last.len(), last.last()), (1 << 20, Some(&b'x')));
    assert!(resident(&proxy) < before + 48 * MIB, "{before} {}", resident(&proxy));
    let reply = Client::connect(proxy.address).get("/large", "Range: bytes=-2\r\n");
    assert_eq!((reply.status, reply.body), (206, b"\0x".to_vec()));
    drop(slow);
}

#[test]
fn a_file_that_changes_while_it_is_sent_is_cut_off() {
    type Change = fn(&Path);
    let folder = site();
    let public = folder.path().join("public");
    let proxy = serving(&folder, "");
    let change: [(&str, Change); 2] = [
        ("shrinks", |path| fs::File::options().write(true).open(path).unwrap().set_len(MIB).unwrap()),
        ("is written", |path| fs::File::options().write(true).open(path).unwrap().write_all(b"new").unwrap()),
    ];
    for (count, (what, change)) in change.into_iter().enumerate() {
        let path = public.join("large");
        large(&path, 64 * MIB);
        let client = begin(&proxy, "/large");
        change(&path);
        let length = client.rest().map_or(0, |rest| rest.len() as u64);
        assert!(length + 1000 < 64 * MIB, "{what}: it ended as if it were whole");
        assert_eq!(proxy.record(count + 1)["ended"], "filter-cut", "{what}");
    }
    let said = proxy.log.wait_many("is cut off", 2);
    assert!(
        said[0].contains("shorter than when it was opened") && said[1].contains("changed while it was sent"),
        "{said:?}"
    );
}

#[test]
fn a_file_that_is_replaced_is_sent_as_it_was() {
    let folder = site();
    let public = folder.path().join("public");
    large(&public.join("large"), 16 * MIB);
    let proxy = serving(&folder, "");
    let mut client = begin(&proxy, "/large");
    fs::write(public.join("next"), "short").unwrap();
    fs::rename(public.join("next"), public.join("large")).unwrap();
    let rest = client.rest_of(16 * (1 << 20) - 1000);
    assert_eq!((rest.len(), rest.last()), (16 * (1 << 20) - 1000, Some(&b'x')));
    assert_eq!(text(&proxy, "/large"), "short");
    assert_eq!(proxy.record(1)["ended"], "complete");
}

#[test]
fn only_so_many_files_are_open() {
    let folder = site();
    large(&folder.path().join("public/large"), 64 * MIB);
    let proxy = serving_within(&folder, "", "files: 2");
    let slow = [begin(&proxy, "/large"), begin(&proxy, "/large")];
    let reply = get(proxy.address, "/large");
    assert_eq!((reply.status, reply.text().as_str()), (503, "503 Service Unavailable\n"));
    let record = proxy.record(1);
    assert_eq!(record["reason"], "too-many-files");
    assert!(record["detail"].as_str().unwrap().contains("2 are open or looked for: `limits.files`"), "{record}");
    // What is small does not stay open.
    assert_eq!(text(&proxy, "/digits.txt"), "0123456789");
    drop(slow);
    // Their records are written when their files are closed.
    proxy.record(4);
    begin(&proxy, "/large");
    // Files that were sent whole are closed, although their client stays.
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = Client::connect(proxy.address);
        assert_eq!(client.get("/digits.txt", "").status, 200);
        clients.push(client);
    }
}

#[test]
fn a_directory_that_vanishes_is_told_of_once_and_served_again_when_it_is_back() {
    let folder = site();
    let proxy = serving(&folder, ", missing: next");
    let (public, away) = (folder.path().join("public"), folder.path().join("away"));
    fs::rename(&public, &away).unwrap();
    for _ in 0..3 {
        assert_eq!(get(proxy.address, "/digits.txt").status, 503);
    }
    assert_eq!(proxy.record(1)["reason"], "no-directory");
    fs::rename(&away, &public).unwrap();
    assert_eq!(text(&proxy, "/digits.txt"), "0123456789");
    proxy.log.wait("is back");
    let said = proxy.log.so_far().iter().filter(|line| line.contains("cannot be opened")).count();
    assert_eq!(said, 1);
}

#[test]
fn a_reload_lets_files_on_their_way_end() {
    let folder = site();
    large(&folder.path().join("public/large"), 16 * MIB);
    let proxy = serving(&folder, "");
    let mut client = begin(&proxy, "/large");
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("digits.txt"), "others").unwrap();
    let config = fs::read_to_string(proxy.file()).unwrap();
    let public = folder.path().join("public");
    proxy.write_text(&config.replace(public.to_str().unwrap(), other.path().to_str().unwrap()));
    proxy.signal("HUP");
    until("the other directory is served", || text(&proxy, "/digits.txt") == "others");
    assert_eq!(client.rest_of(16 * (1 << 20) - 1000).last(), Some(&b'x'));
}
