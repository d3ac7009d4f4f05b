//! The store in a file: what is there after a process has ended, however it did, and what is said of a file that is not whole.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use weir_host::store::{Error, File, Options, Step, Store};

const MIB: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(30);

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept.db");
    (folder, path)
}

fn open(path: &Path) -> Arc<File> {
    let store = File::at(path, 64 * MIB);
    store.begin(64 * MIB);
    store
}

fn lasting() -> Options {
    Options::default()
}

fn living(ttl: u64) -> Options {
    Options { ttl: Some(ttl), durable: false }
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

fn until_committed(store: &File) {
    until("everything is on the disk", || store.kept().waiting == 0);
}

/// The file as a process that was killed would leave it, in another place.
fn as_it_is(path: &Path, name: &str) -> PathBuf {
    let copy = path.with_file_name(name);
    fs::copy(path, &copy).unwrap();
    copy
}

fn number(store: &File, key: &str) -> i64 {
    store.increment("a", key, 0, None).unwrap()
}

#[test]
fn what_was_written_is_there_again() {
    let (_folder, path) = folder();
    let store = open(&path);
    store.set("a", "bytes", b"\0\xff", lasting()).unwrap();
    store.set("a", "session", b"x", living(u64::MAX)).unwrap();
    store.set("b", "bytes", b"other", lasting()).unwrap();
    store.set("a", "gone", b"x", lasting()).unwrap();
    store.increment("a", "n", 41, None).unwrap();
    drop(store);
    let store = open(&path);
    store.delete("a", "gone").unwrap();
    store.increment("a", "n", 1, None).unwrap();
    store.advance("a", &[Step { key: "step", floor: 5, by: 2, most: 9, ttl: Some(600_000) }]).unwrap();
    assert_eq!(store.compare_and_swap("a", "session", Some(b"x"), Some(b"y"), living(600_000)), Ok(true));
    drop(store);
    let store = open(&path);
    let get = |owner: &str, key: &str| store.get(owner, key).unwrap().map(|value| value.to_vec());
    assert_eq!(get("a", "bytes").unwrap(), b"\0\xff");
    assert_eq!(get("b", "bytes").unwrap(), b"other");
    assert_eq!(get("a", "session").unwrap(), b"y");
    assert_eq!(get("a", "gone"), None);
    assert_eq!(get("a", "n").unwrap(), b"42");
    assert_eq!(get("a", "step").unwrap(), b"7");
    assert_eq!(store.usage().values, 5);
    let durable = Options { ttl: None, durable: true };
    assert_eq!(store.set("a", "x", b"", durable), Err(Error::Unsupported), "who calls this does not wait");
}

#[test]
fn what_was_committed_is_there_whatever_ends_the_process() {
    let (_folder, path) = folder();
    let store = open(&path);
    for round in 1..=5 {
        for key in ["x", "y", "z"] {
            store.increment("a", key, 1, None).unwrap();
        }
        until_committed(&store);
        let copy = open(&as_it_is(&path, &format!("copy{round}")));
        assert_eq!(["x", "y", "z"].map(|key| number(&copy, key)), [round; 3]);
    }
    assert!(store.kept().commits >= 5 && store.kept().failures == 0 && store.kept().took > Duration::ZERO);
}

/// A file of so many commits, of which each sets `n` to its number; and where each ends.
fn commits(path: &Path, many: i64) -> Vec<u64> {
    let store = open(path);
    let mut ends = vec![store.kept().bytes];
    for round in 1..=many {
        // One change: of two, the first may be on the disk already when the second comes.
        assert_eq!(store.increment("a", "n", 1, None), Ok(round));
        until("the commit is there", || store.kept().bytes > ends[ends.len() - 1] && store.kept().waiting == 0);
        ends.push(store.kept().bytes);
    }
    ends
}

#[test]
fn a_file_that_ends_anywhere_is_as_after_a_commit() {
    let (_folder, path) = folder();
    let ends = commits(&path, 3);
    let whole = fs::read(&path).unwrap();
    for length in 0..=whole.len() {
        let cut = path.with_file_name(format!("cut{length}"));
        fs::write(&cut, &whole[..length]).unwrap();
        let store = open(&cut);
        assert_eq!(store.kept().fault, None, "{length}");
        let commits = ends[1..].iter().filter(|end| **end <= length as u64).count();
        assert_eq!(usize::try_from(number(&store, "n")).unwrap(), commits, "{length}");
        // It goes on from there.
        store.increment("a", "n", 10, None).unwrap();
        drop(store);
        assert_eq!(usize::try_from(number(&open(&cut), "n")).unwrap(), commits + 10, "{length}");
    }
}

#[test]
fn a_flipped_byte_is_noticed_wherever_it_is() {
    let (_folder, path) = folder();
    let ends = commits(&path, 3);
    let whole = fs::read(&path).unwrap();
    for place in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[place] ^= 0x10;
        let damaged = path.with_file_name(format!("flipped{place}"));
        fs::write(&damaged, &flipped).unwrap();
        let store = open(&damaged);
        let fault = store.kept().fault;
        if place as u64 >= ends[2] {
            // In the last record: as if it had not been written to its end.
            assert_eq!((fault, number(&store, "n")), (None, 2), "{place}");
            continue;
        }
        let fault = fault.unwrap_or_else(|| panic!("byte {place} is not noticed"));
        let said = if place < 16 {
            "is not a store of weir".to_owned()
        } else {
            let start = ends.iter().rev().find(|end| **end <= place as u64).unwrap();
            format!("is damaged at byte {start}, with whole records behind it")
        };
        assert!(fault.contains(&said) && fault.contains("move"), "{place}: {fault}");
        assert_eq!(store.get("a", "n"), Err(Error::Unavailable));
        assert_eq!(store.increment("a", "n", 1, None), Err(Error::Unavailable));
        assert_eq!(fs::read(&damaged).unwrap(), flipped, "it is left as it is");
    }
}

#[test]
fn a_file_that_cannot_be_used_is_looked_at_again() {
    let (_folder, path) = folder();
    fs::write(&path, "something else altogether\n").unwrap();
    let store = open(&path);
    assert!(store.kept().fault.unwrap().contains("kept.db is not a store of weir"));
    assert_eq!(store.set("a", "x", b"", lasting()), Err(Error::Unavailable));
    fs::remove_file(&path).unwrap();
    until("the file is gone", || store.set("a", "x", b"", lasting()).is_ok());
    assert_eq!(store.kept().fault, None);

    // A folder in its place.
    let place = path.with_file_name("folder.db");
    fs::create_dir(&place).unwrap();
    let store = open(&place);
    let fault = store.kept().fault.unwrap();
    assert!(fault.contains("folder.db cannot be opened: ") && fault.contains("may write there"), "{fault}");
}

#[test]
fn a_file_is_one_processs_and_is_taken_over_when_that_lets_go() {
    let (_folder, path) = folder();
    // As another process would: it is the open file that holds the lock.
    let lock = fs::File::create(path.with_file_name("kept.db.lock")).unwrap();
    lock.lock().unwrap();
    fs::write(path.with_file_name("kept.db.lock"), "4711\n").unwrap();
    let store = open(&path);
    let fault = store.kept().fault.unwrap();
    assert!(fault.contains("kept.db is in use by process 4711"), "{fault}");
    assert_eq!(store.get("a", "x"), Err(Error::Unavailable));
    assert!(!path.exists(), "nothing is touched");
    drop(lock);
    until("the file is free", || store.set("a", "x", b"y", lasting()).is_ok());
    assert_eq!(store.get("a", "x").unwrap().as_deref(), Some(&b"y"[..]));
}

#[test]
fn one_process_has_a_file_once() {
    let (_folder, path) = folder();
    let store = open(&path);
    store.set("a", "x", b"y", lasting()).unwrap();
    let again = open(&path.with_file_name(".").join("kept.db"));
    assert!(Arc::ptr_eq(&store, &again));
    again.begin(3 * MIB);
    assert_eq!(store.size(), 3 * MIB);
}

#[test]
fn a_time_to_live_goes_on_without_the_process_and_no_clock_makes_it_longer() {
    let (_folder, path) = folder();
    let at = |time: u64| {
        let clock = Arc::new(AtomicU64::new(time));
        let told = Arc::clone(&clock);
        let store = File::with_clock(&path, MIB, move || told.load(Ordering::Relaxed));
        store.begin(MIB);
        (store, clock)
    };
    let has = |store: &File, key: &str| store.get("a", key).unwrap().is_some();
    let (store, _) = at(1_000_000);
    for (key, ttl) in [("short", 100), ("middle", 200), ("long", 10_000)] {
        store.set("a", key, b"x", living(ttl)).unwrap();
    }
    drop(store);
    let (store, clock) = at(1_000_100);
    assert_eq!(["short", "middle", "long"].map(|key| has(&store, key)), [false, true, true]);
    clock.store(1_000_150, Ordering::Relaxed);
    store.set("a", "other", b"x", lasting()).unwrap();
    drop(store);
    // The clock has been set back by a lot: time goes on from where it was.
    let (store, clock) = at(5000);
    assert!(has(&store, "middle"));
    clock.store(5049, Ordering::Relaxed);
    assert!(has(&store, "middle"));
    clock.store(5050, Ordering::Relaxed);
    assert!(!has(&store, "middle") && has(&store, "long"));
}

#[test]
fn what_has_expired_goes_by_itself() {
    let (_folder, path) = folder();
    let store = open(&path);
    for n in 0..1000 {
        store.set("a", &n.to_string(), b"x", living(1)).unwrap();
    }
    until("nobody had to write", || store.usage().values == 0);
}

#[test]
fn the_bound_holds_over_reloads_and_restarts() {
    let (_folder, path) = folder();
    let store = File::at(&path, 4 * MIB);
    store.begin(4 * MIB);
    store.set("a", "counted", b"x", living(600_000)).unwrap();
    for n in 0..10_000 {
        store.set("a", &n.to_string(), &[0; 200], lasting()).unwrap();
    }
    assert!(store.usage().evicted > 0 && store.usage().bytes <= 4 * MIB);
    store.begin(2 * MIB);
    until("what is beyond the bound goes", || store.usage().bytes <= 2 * MIB);
    let left = store.usage().values;
    drop(store);
    let store = File::at(&path, 2 * MIB);
    store.begin(2 * MIB);
    // Of what was left one owner is given three quarters again. Which shard a key is in is another matter after a restart, so a few
    // may find theirs full.
    let usage = store.usage();
    assert!(usage.values > left * 7 / 10 && usage.bytes <= 2 * MIB, "{usage:?} of {left}");
    assert_eq!(store.get("a", "9999").unwrap().map(|value| value.len()), Some(200));
    assert!(store.get("a", "counted").unwrap().is_some());
}

#[test]
fn a_file_does_not_grow_by_what_is_out_of_date() {
    let (_folder, path) = folder();
    let store = open(&path);
    let (mut most, mut has_shrunk, mut round) = (0, false, 0);
    // Some MiB in each round; the last rounds go on while the file is written anew.
    while !has_shrunk {
        round += 1;
        for n in 0..2000 {
            store.set("a", &n.to_string(), format!("{round} {}", "x".repeat(500)).as_bytes(), lasting()).unwrap();
        }
        store.increment("a", "round", 1, None).unwrap();
        until_committed(&store);
        let bytes = store.kept().bytes;
        has_shrunk = bytes < most;
        most = most.max(bytes);
        assert!(most < 16 << 20, "{most} bytes for one");
    }
    let copy = open(&as_it_is(&path, "copy"));
    assert_eq!(number(&copy, "round"), round);
    for n in 0..2000 {
        let value = copy.get("a", &n.to_string()).unwrap().unwrap();
        assert!(value.starts_with(format!("{round} x").as_bytes()), "{n}");
    }
    assert_eq!(copy.usage().values, 2001);
}

#[test]
fn nothing_is_lost_while_the_file_is_written_anew() {
    let (_folder, path) = folder();
    let store = open(&path);
    let value = vec![7; 2000];
    let deadline = Instant::now() + PATIENCE;
    std::thread::scope(|scope| {
        let begun = store.kept().bytes;
        for writer in 0..4 {
            let (store, value) = (&store, &value);
            scope.spawn(move || {
                for n in 0..4000 {
                    store.set("a", &format!("{writer} {}", n % 50), value, lasting()).unwrap();
                    store.increment("b", "n", 1, Some(600_000)).unwrap();
                    store.increment("b", &format!("{writer}"), 1, None).unwrap();
                    store.delete("a", &format!("{writer} {}", (n + 7) % 50)).unwrap();
                    if n % 100 == 0 {
                        // More commits than writes that come at once.
                        let commits = store.kept().commits;
                        while store.kept().commits == commits && Instant::now() < deadline {
                            std::thread::yield_now();
                        }
                    }
                }
            });
        }
        assert!(begun > 0);
    });
    let values = store.usage().values;
    drop(store);
    let store = open(&path);
    assert_eq!(store.usage().values, values);
    assert_eq!(store.get("b", "n").unwrap().as_deref(), Some(&b"16000"[..]));
    assert!((0..4).all(|writer| store.get("b", &writer.to_string()).unwrap().as_deref() == Some(&b"4000"[..])));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_in_its_place_do_harm(head in any::<bool>(), bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let (_folder, path) = folder();
        let mut all = if head { b"weir store 0001\n".to_vec() } else { Vec::new() };
        all.extend(&bytes);
        fs::write(&path, &all).unwrap();
        let store = open(&path);
        // There is nothing in it, or it is not used.
        prop_assert_eq!(store.get("a", "x"), if store.kept().fault.is_some() { Err(Error::Unavailable) } else { Ok(None) });
        prop_assert!(head || bytes.is_empty() || store.kept().fault.is_some());
    }
}
