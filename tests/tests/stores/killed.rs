//! A process that is killed while it writes: what was on the disk is there for the next one, nothing is there by halves, and
//! nothing later without what came before it.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use weir_tests::{Proxy, Scrape, until};

use crate::bed::{ask, builder};

const ROUNDS: usize = 50;
const WRITERS: usize = 4;

/// What the answers to a client said: the last step that is done.
type Done = AtomicU64;

/// Writes until the process is gone: the number of the step, then a value that is made of it, then the number once more. Now
/// and then a large value, so that the file is written anew now and then, too.
fn write(address: SocketAddr, writer: usize, from: u64, done: &Done) {
    for step in from + 1.. {
        let mut parts = vec![
            format!("set first{writer} {step}"),
            format!("set value{writer} {step},*150"),
            format!("add count{writer} 1; set last{writer} {step}"),
        ];
        if step.is_multiple_of(4) {
            parts.push(format!("set large{writer}x{} y*60000", step / 4 % 8));
        }
        if !parts.iter().all(|what| is_answered(address, what)) {
            return;
        }
        done.store(step, Ordering::SeqCst);
    }
}

/// Whether an answer came, and not the end.
fn is_answered(address: SocketAddr, what: &str) -> bool {
    let answer = || {
        let mut stream = TcpStream::connect(address)?;
        stream
            .write_all(format!("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Do: {what}\r\n\r\n").as_bytes())?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    answer().is_ok_and(|answer| &answer == b"HTTP/1.1 200")
}

fn number(proxy: &Proxy, key: &str) -> u64 {
    match ask(proxy, "/", &format!("get {key}")).strip_prefix('=') {
        Some(text) => text.parse().unwrap_or_else(|_| panic!("{key} is {text:?}")),
        None => 0,
    }
}

/// What `get` shows of a step's value.
fn whole(step: u64) -> String {
    if step == 0 { "none".to_owned() } else { format!("={}", format!("{step},").repeat(150)) }
}

/// What is there for the next process of a writer that was told that `done` is done, of which `committed` was on the disk: its
/// last step. A word about what is wrong otherwise.
fn look(proxy: &Proxy, writer: usize, committed: u64, done: u64) -> Result<u64, String> {
    let [first, last, count] = ["first", "last", "count"].map(|name| number(proxy, &format!("{name}{writer}")));
    let value = ask(proxy, "/", &format!("get value{writer}"));
    let said = format!("{committed} was on the disk and {done} done; there is {first}, {value:.20}, {count}, {last}");
    // The one that was going on may have come so far, too.
    let is_kept = (committed..=done + 1).contains(&last);
    let is_in_order = first == last || first == last + 1;
    let is_whole = value == whole(last) || value == whole(last + 1);
    // In one batch with `last`, but not as one with it.
    let is_counted = count == last || count == last + 1;
    if is_kept && is_in_order && is_whole && is_counted { Ok(last) } else { Err(said) }
}

#[test]
fn a_process_that_is_killed_loses_nothing_that_was_on_the_disk() {
    let mut processes = vec![builder("{ file: kept.db }").start()];
    let mut from = [0; WRITERS];
    let mut random = u64::from(std::process::id());
    let (mut committed, mut lengths) = (from, Vec::new());
    for round in 0..ROUNDS {
        let proxy = &processes[round];
        let all = from.map(Done::new);
        let done = || [0, 1, 2, 3].map(|writer: usize| all[writer].load(Ordering::SeqCst));
        thread::scope(|scope| {
            for (writer, done) in all.iter().enumerate() {
                scope.spawn(move || write(proxy.address, writer, from[writer], done));
            }
            let scrape = Scrape::of(&proxy.log);
            let commits = || scrape.now().sum("weir_store_commits_total", &[("store", "kept")]);
            until("everybody has done something", || done().iter().zip(&from).all(|(done, from)| done > from));
            // What is done before the end of a commit is on the disk with the next one at the latest.
            committed = done();
            let at = commits();
            until("two commits", || commits() >= at + 2.0);
            // At any moment of the next ones.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let moment = Instant::now() + Duration::from_micros((random >> 33) % 60_000);
            while Instant::now() < moment {
                std::hint::spin_loop();
            }
            proxy.signal("KILL");
        });
        assert!(!processes[round].exit().success());
        lengths.push(fs::metadata(processes[0].path("kept.db")).unwrap().len());
        eprintln!("round {round}: {:?} new: {}", lengths.last(), processes[0].path("kept.db.new").exists());
        let next = processes[round].again();
        for (writer, done) in done().into_iter().enumerate() {
            let last = look(&next, writer, committed[writer], done);
            from[writer] = last.unwrap_or_else(|said| panic!("round {round}, writer {writer}: {said}"));
            assert_eq!(ask(&next, "/", &format!("set count{writer} {}", from[writer])), "done");
        }
        processes.push(next);
    }
    assert!(!lengths.is_sorted(), "it is written anew meanwhile: {lengths:?}");
    // What this would see if something was lost: a file that lacks its second half.
    processes[ROUNDS].signal("KILL");
    assert!(!processes[ROUNDS].exit().success());
    let file = processes[0].path("kept.db");
    let length = fs::metadata(&file).unwrap().len();
    fs::File::options().write(true).open(&file).unwrap().set_len(length / 2).unwrap();
    let next = processes[ROUNDS].again();
    assert!((0..WRITERS).any(|writer| look(&next, writer, committed[writer], from[writer]).is_err()));
}
