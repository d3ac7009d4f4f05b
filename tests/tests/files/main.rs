//! `respond` with a directory, before foreign clients: which files it sends, what it never sends, and how answers end.

mod answers;
mod hostile;
mod limits;
mod routes;
mod sends;

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use weir_tests::{Proxy, Reply, get};

/// A folder with a file that is served and one beside it that is not.
fn site() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("secret.txt", "outside"),
        ("public/index.html", "<h1>front</h1>"),
        ("public/digits.txt", "0123456789"),
        ("public/docs/index.html", "<h1>docs</h1>"),
        ("public/docs/a b.txt", "a b"),
        ("public/.env", "hidden"),
    ] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    // What has just been written may be written once more in the same moment, and has a weak tag.
    age(&folder.path().join("public/digits.txt"));
    folder
}

/// Makes a file an hour old.
fn age(path: &Path) {
    let then = std::time::SystemTime::now() - std::time::Duration::from_hours(1);
    fs::File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
}

/// A proxy whose only route is answered with the files of `public`, with more keys of `respond`'s.
fn serving(folder: &TempDir, keys: &str) -> Proxy {
    serving_within(folder, keys, "")
}

/// The same with limits of `respond`'s.
fn serving_within(folder: &TempDir, keys: &str, limits: &str) -> Proxy {
    let limits = if limits.is_empty() { String::new() } else { format!(", limits: {{ {limits} }}") };
    let directory = folder.path().join("public");
    let entry = format!("{{ plugin: respond{limits}, config: {{ directory: \"{}\"{keys} }} }}", directory.display());
    Proxy::builder().top("workers: 1").filter(&entry).route_to("/*", "none", "description: files").start()
}

fn said(reply: &Reply) -> (u16, String) {
    (reply.status, reply.text())
}

fn text(proxy: &Proxy, path: &str) -> String {
    let reply = get(proxy.address, path);
    if reply.status == 200 { reply.text() } else { reply.status.to_string() }
}
