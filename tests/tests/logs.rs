//! The log and the access records in files: where they go, when they are opened again, and what a full disk does.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use weir_tests::{Origin, PATIENCE, Proxy, ProxyBuilder, get};

/// Where the test's files are, a proxy's configuration among them.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// What a file holds once it is as it should be.
fn wait(path: &Path, what: &str, is_right: impl Fn(&str) -> bool) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = fs::read_to_string(path).unwrap_or_default();
        if is_right(&text) {
            return text;
        }
        assert!(Instant::now() < deadline, "{} does not have {what}: {text}", path.display());
        std::thread::yield_now();
    }
}

fn builder(origin: &Origin, keys: &[(&str, &Path)]) -> ProxyBuilder {
    let keys = keys.iter().map(|(key, path)| format!("{key}: {{ file: \"{}\" }}\n", path.display()));
    Proxy::builder().top(&keys.collect::<String>()).route("/*", "app", origin.address)
}

fn reload(proxy: &Proxy, builder: &ProxyBuilder) {
    proxy.write(builder);
    proxy.signal("HUP");
}

#[test]
fn records_and_log_go_to_files_and_a_reload_changes_which() {
    let (origin, folder) = (Origin::text("x"), Folder::new());
    let (access, log) = (folder.file("access.log"), folder.file("weir.log"));
    fs::write(&access, "from before\n").unwrap();
    let plain = builder(&origin, &[]);
    let mut proxy = plain.start();
    reload(&proxy, &builder(&origin, &[("access_log", &access), ("log", &log)]));
    wait(&log, "the reload", |text| text.contains("is reloaded"));
    proxy.log.wait("the log goes on in");
    assert_eq!(get(proxy.address, "/in-a-file").status, 200);
    let text = wait(&access, "the record", |text| text.contains("/in-a-file"));
    assert!(text.starts_with("from before\n{\"time\""), "{text}");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&log), 0o640);

    reload(&proxy, &plain);
    proxy.log.wait("is reloaded");
    assert_eq!(get(proxy.address, "/on-standard-output").status, 200);
    assert_eq!(proxy.record(1)["target"], "/on-standard-output");
    proxy.signal("TERM");
    assert!(proxy.exit().success());
    assert!(!fs::read_to_string(&access).unwrap().contains("/on-standard-output"));
}

#[test]
fn a_log_that_begins_in_a_file_has_the_start_in_it() {
    let (origin, folder) = (Origin::text("x"), Folder::new());
    let log = folder.file("weir.log");
    let mut child = weir_tests::weir();
    fs::write(folder.file("weir.yaml"), builder(&origin, &[("log", Path::new("weir.log"))]).text("127.0.0.1:0"))
        .unwrap();
    let mut child =
        child.args(["run", "-c"]).arg(folder.file("weir.yaml")).stderr(std::process::Stdio::null()).spawn().unwrap();
    // Relative paths are relative to the configuration.
    wait(&log, "the start", |text| text.contains("listening on"));
    let _ = child.kill();
    let _ = child.wait();
}

#[test]
fn who_rotates_logs_has_them_opened_again() {
    let (origin, folder) = (Origin::text("x"), Folder::new());
    let (access, log) = (folder.file("access.log"), folder.file("weir.log"));
    let proxy = builder(&origin, &[("access_log", &access)]).start();
    get(proxy.address, "/first");
    wait(&access, "the first record", |text| text.contains("/first"));
    // As logrotate does with `copytruncate`: nobody is told.
    fs::write(&access, "").unwrap();
    get(proxy.address, "/second");
    let text = wait(&access, "the second record", |text| text.contains("/second"));
    assert!(text.starts_with("{\"time\""), "it begins at the file's beginning: {text:?}");
    // As it does with `create`: the file has another name, and a new one is there at once, without a request.
    fs::rename(&access, folder.file("access.log.1")).unwrap();
    proxy.signal("USR1");
    wait(&access, "nothing yet", |_| access.exists());
    proxy.log.wait("are opened again");
    get(proxy.address, "/third");
    let text = wait(&access, "the third record", |text| text.contains("/third"));
    assert!(!text.contains("/second"));
    let old = fs::read_to_string(folder.file("access.log.1")).unwrap();
    assert!(old.contains("/second") && !old.contains("/third"));

    reload(&proxy, &builder(&origin, &[("access_log", &access), ("log", &log)]));
    wait(&log, "the reload", |text| text.contains("is reloaded"));
    fs::rename(&log, folder.file("weir.log.1")).unwrap();
    proxy.signal("USR1");
    wait(&log, "the signal", |text| text.contains("are opened again"));
}

#[test]
fn a_full_disk_stops_nothing_and_records_are_written_once_there_is_room() {
    let (origin, folder) = (Origin::text("still served"), Folder::new());
    let (full, access) = (PathBuf::from("/dev/full"), folder.file("access.log"));
    let mut proxy = builder(&origin, &[("access_log", &full)]).start();
    for _ in 0..20 {
        assert_eq!(get(proxy.address, "/while-full").text(), "still served");
    }
    let said = proxy.log.wait("cannot write access records to /dev/full");
    assert!(said.contains("No space left") && said.contains("trying again"), "{said}");
    reload(&proxy, &builder(&origin, &[("access_log", &access)]));
    wait(&access, "what waited", |text| text.matches("/while-full").count() == 20);

    // A log that cannot be written is on standard error, and the end does not wait for room.
    reload(&proxy, &builder(&origin, &[("access_log", &full), ("log", &full)]));
    proxy.log.wait("cannot write the log to /dev/full");
    proxy.log.wait_many("is reloaded", 2);
    assert_eq!(get(proxy.address, "/").text(), "still served");
    proxy.signal("TERM");
    assert!(proxy.exit().success());
}

#[test]
fn a_folder_that_vanished_is_told_of_and_used_again_when_it_is_back() {
    let (origin, folder) = (Origin::text("x"), Folder::new());
    let logs = folder.file("logs");
    fs::create_dir(&logs).unwrap();
    let access = logs.join("access.log");
    let proxy = builder(&origin, &[("access_log", &access)]).start();
    get(proxy.address, "/");
    wait(&access, "a record", |text| !text.is_empty());
    fs::remove_dir_all(&logs).unwrap();
    let until = |is_done: &dyn Fn() -> bool| {
        let deadline = Instant::now() + PATIENCE;
        while !is_done() {
            assert!(Instant::now() < deadline, "the log: {:#?}", proxy.log.so_far());
            assert_eq!(get(proxy.address, "/").status, 200);
        }
    };
    until(&|| proxy.log.so_far().iter().any(|line| line.contains("cannot open") && line.contains("tried again")));
    fs::create_dir(&logs).unwrap();
    until(&|| fs::metadata(&access).is_ok_and(|file| file.len() > 0));
}

#[test]
fn a_file_that_cannot_be_written_is_a_fault_with_its_place() {
    let origin = Origin::text("still here");
    let good = builder(&origin, &[]);
    let proxy = good.start();
    reload(&proxy, &builder(&origin, &[("access_log", Path::new("/proc/weir.log"))]));
    let said = proxy.log.wait("cannot write to /proc/weir.log");
    assert!(said.contains("weir.yaml:2:") && said.contains("not reloaded"), "{said}");
    assert_eq!(get(proxy.address, "/").text(), "still here");
    assert_eq!(proxy.record(1)["target"], "/");
}
