//! Little that becomes much: it is found while it is decoded, and the process does not grow.

use std::io::Write;
use std::process::{Command, Stdio};

use weir_tests::{Client, Proxy};

use super::requests::{echo, post};
use super::{program, proxy, run};

/// The most MiB that the process ever had in memory.
fn most_memory(proxy: &Proxy) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", proxy.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux counts it");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

/// So many MiB of zeros through a program.
fn zeros(program: &mut Command, mebibytes: usize) -> Vec<u8> {
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        let zeros = vec![0; 1 << 20];
        (0..mebibytes).for_each(|_| stdin.write_all(&zeros).unwrap());
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output.stdout
}

#[test]
fn bombs_are_refused_before_the_upstream_hears_of_them_and_memory_stays_flat() {
    let origin = echo();
    // So that the maximum alone would let much through.
    let proxy = proxy("request: { decode: true, max: 1GiB }", &origin);
    assert_eq!(post(&proxy, "gzip", &run(program("gzip").arg("-c"), b"fine")).text(), "fine");
    let before = most_memory(&proxy);
    // 10 GiB each: formats of several members repeat one; brotli has no members.
    let member = |mut program: Command| zeros(program.arg("-c"), 64);
    let bombs = [
        ("gzip", member(program("gzip")).repeat(160)),
        ("zstd", member(program("zstd")).repeat(160)),
        ("br", zeros(program("br").args(["-c", "-q", "1"]), 1024)),
        ("deflate", {
            let mut python = weir_tests::command("python3", "python3");
            python.args(["-c", "import zlib, sys; sys.stdout.buffer.write(zlib.compress(sys.stdin.buffer.read()))"]);
            zeros(&mut python, 64)
        }),
    ];
    for (coding, bomb) in &bombs {
        assert!(bomb.len() < 16 << 20, "{coding}: {} bytes", bomb.len());
        // All at once would not be read to its end: so much is enough.
        let beginning = &bomb[..bomb.len().min(60_000)];
        assert_eq!(post(&proxy, coding, beginning).status, 413, "{coding}");
        // The whole of it, whose sender may find the connection closed.
        let mut client = Client::connect(proxy.address);
        let head = format!("Host: x\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n", bomb.len());
        client.send(format!("POST / HTTP/1.1\r\n{head}"));
        client.send(&bomb[..bomb.len().min(1 << 16)]);
        assert_eq!(client.reply().status, 413, "{coding}");
    }
    assert_eq!(proxy.record(2)["reason"], "body-too-large");
    // One inside of another.
    let nested = run(program("gzip").arg("-c"), &bombs[0].1);
    assert_eq!(post(&proxy, "gzip, gzip", &nested[..nested.len().min(50_000)]).status, 415);
    // As a file in a file is only a file, the outer one is refused as any other.
    assert_eq!(post(&proxy, "gzip", &nested).status, 413);
    // A window that no decoder should have to keep.
    let window = zeros(program("zstd").args(["-c", "--ultra", "-22", "--long=27"]), 200);
    assert_eq!(post(&proxy, "zstd", &window).status, 400);
    // Windows of 16 MiB (br) and 8 MiB (zstd), each twice: the decoder before may end after the next has begun.
    assert!(most_memory(&proxy) < before + 64, "{before} MiB became {} MiB", most_memory(&proxy));
    assert_eq!(origin.arrived().len(), 1);
    assert_eq!(post(&proxy, "gzip", &run(program("gzip").arg("-c"), b"fine")).text(), "fine");
}

#[test]
fn what_turns_out_to_be_a_bomb_on_its_way_is_cut_off() {
    let origin = echo();
    let proxy = proxy("request: { decode: true, max: 20MiB, buffer: 4KiB }", &origin);
    // Honest at first: numbers that do not shrink, more than is read ahead.
    let mut state = 1_u64;
    let honest: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
    .take(20_000)
    .collect();
    let bytes = [honest, vec![0; 16 << 20]].concat();
    let body = run(program("gzip").arg("-c"), &bytes);
    let reply = post(&proxy, "gzip", &body);
    assert_eq!((reply.status, proxy.record(1)["reason"].as_str()), (413, Some("body-too-large")));
    // The upstream got a request that never ended.
    let record = origin.next();
    assert_eq!(record.header("transfer-encoding"), Some("chunked"));
}

#[test]
fn the_maximum_and_the_ratio_are_as_configured() {
    let origin = echo();
    let body = |length: usize| run(program("gzip").arg("-c"), &vec![b'a'; length]);
    let small = proxy("request: { decode: true, max: 100KiB, ratio: 100000 }", &origin);
    assert_eq!(post(&small, "gzip", &body(100 << 10)).body.len(), 100 << 10);
    assert_eq!(post(&small, "gzip", &body((100 << 10) + 1)).status, 413);
    let dense = proxy("request: { decode: true, ratio: 10 }", &origin);
    // The first 64 KiB are free.
    assert_eq!(post(&dense, "gzip", &body(64 << 10)).status, 200);
    assert_eq!(post(&dense, "gzip", &body(100 << 10)).status, 413);
}
