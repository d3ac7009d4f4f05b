//! Codings: what goes in comes out however it is cut, foreign programs understand it, and nothing decodes without end.

use std::io::Write;
use std::process::{Command, Stdio};

use bytes::Bytes;
use proptest::prelude::*;
use weir_host::coding::{Coding, Decoder, Encoder, Error, PIECE, Progress};

/// Encodes pieces, with a flush behind those that ask for it.
fn encode_pieces<'a>(coding: Coding, level: Option<u8>, pieces: impl Iterator<Item = (&'a [u8], bool)>) -> Vec<u8> {
    let mut encoder = Encoder::new(coding, level).unwrap();
    let mut out = Vec::new();
    for (piece, is_flushed) in pieces {
        encoder.push(piece, &mut out).unwrap();
        if is_flushed {
            encoder.flush(&mut out).unwrap();
        }
    }
    encoder.finish(&mut out).unwrap();
    out
}

fn encode(coding: Coding, data: &[u8]) -> Vec<u8> {
    encode_pieces(coding, None, std::iter::once((data, false)))
}

/// Pushes a piece until it is done, in steps that may not be longer than they are allowed to be.
fn push(decoder: &mut Decoder, piece: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    let mut input = Bytes::copy_from_slice(piece);
    loop {
        let before = out.len();
        let progress = decoder.push(&mut input, out);
        assert!(out.len() - before <= PIECE);
        match progress? {
            Progress::More => assert_eq!(out.len() - before, PIECE, "it stops for a full piece only"),
            Progress::Done => {
                assert!(input.is_empty());
                return Ok(());
            }
        }
    }
}

fn decode_pieces<'a>(coding: Coding, max: u64, pieces: impl Iterator<Item = &'a [u8]>) -> Result<Vec<u8>, Error> {
    let mut decoder = Decoder::new(coding, max);
    let mut out = Vec::new();
    for piece in pieces {
        push(&mut decoder, piece, &mut out)?;
    }
    decoder.finish()?;
    Ok(out)
}

fn decode(coding: Coding, encoded: &[u8]) -> Result<Vec<u8>, Error> {
    decode_pieces(coding, 1 << 30, std::iter::once(encoded))
}

fn text(lines: usize) -> Vec<u8> {
    (0..lines).flat_map(|line| format!("line {line} of a text\n").into_bytes()).collect()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn names_are_those_of_content_encoding() {
    for coding in Coding::ALL {
        assert_eq!(Coding::named(coding.name()), Some(coding));
        assert_eq!(Coding::named(&coding.name().to_uppercase()), Some(coding));
    }
    assert_eq!(Coding::named("x-gzip"), Some(Coding::Gzip));
    for other in ["", "identity", "compress", "gzip, br", " gzip", "brotli"] {
        assert_eq!(Coding::named(other), None, "{other}");
    }
}

#[test]
fn levels_are_the_codings_own() {
    for (coding, levels) in
        [(Coding::Gzip, 1..=9), (Coding::Deflate, 1..=9), (Coding::Brotli, 0..=11), (Coding::Zstd, 1..=19)]
    {
        let data = text(50);
        for level in 0..=u8::MAX {
            if levels.contains(&level) {
                let encoded = encode_pieces(coding, Some(level), std::iter::once((&data[..], false)));
                assert!(encoded.len() < data.len() / 2, "{coding} {level}");
                assert_eq!(decode(coding, &encoded).unwrap(), data, "{coding} {level}");
            } else {
                assert!(Encoder::new(coding, Some(level)).is_err(), "{coding} {level}");
            }
        }
    }
    let refused = Encoder::new(Coding::Brotli, Some(12)).unwrap_err();
    assert_eq!(refused.to_string(), "br has levels 0 to 11, not 12");
}

#[test]
fn what_was_flushed_can_be_read_at_once() {
    for coding in Coding::ALL {
        let mut encoder = Encoder::new(coding, None).unwrap();
        let mut decoder = Decoder::new(coding, 1 << 20);
        let (mut sent, mut read) = (Vec::new(), Vec::new());
        for event in 0..50 {
            let event = format!("data: event {event}\n\n");
            sent.extend_from_slice(event.as_bytes());
            let mut out = Vec::new();
            encoder.push(event.as_bytes(), &mut out).unwrap();
            encoder.flush(&mut out).unwrap();
            push(&mut decoder, &out, &mut read).unwrap();
            assert_eq!(read, sent, "{coding}");
            let mut nothing = Vec::new();
            encoder.flush(&mut nothing).unwrap();
            assert!(nothing.len() <= 16, "{coding}: {} bytes for nothing", nothing.len());
            push(&mut decoder, &nothing, &mut read).unwrap();
        }
        let mut out = Vec::new();
        encoder.finish(&mut out).unwrap();
        push(&mut decoder, &out, &mut read).unwrap();
        decoder.finish().unwrap();
        assert_eq!(read, sent, "{coding}");
    }
}

#[test]
fn large_pieces_can_be_read_behind_a_flush_too() {
    for coding in Coding::ALL {
        for (length, size) in [(20_000, 8 << 10), (20_000, 1 << 20), (1489, 1 << 20), (1490, 1 << 20), (5000, 100)] {
            let mut encoder = Encoder::new(coding, None).unwrap();
            let mut decoder = Decoder::new(coding, 1 << 30);
            let (mut sent, mut read) = (Vec::new(), Vec::new());
            for piece in [b"data: 1\n\n".to_vec(), text(length), b"data: 2\n\n".to_vec(), text(1)] {
                let mut out = Vec::new();
                for piece in piece.chunks(size) {
                    encoder.push(piece, &mut out).unwrap();
                }
                encoder.flush(&mut out).unwrap();
                sent.extend_from_slice(&piece);
                push(&mut decoder, &out, &mut read).unwrap();
                assert!(read == sent, "{coding} {length} {size}: {} of {} bytes", read.len(), sent.len());
            }
        }
    }
}

#[test]
fn without_a_flush_output_comes_as_the_encoder_sees_fit() {
    for coding in Coding::ALL {
        let mut encoder = Encoder::new(coding, None).unwrap();
        let mut out = Vec::new();
        for line in 0..200_000 {
            encoder.push(format!("line {line} of a text\n").as_bytes(), &mut out).unwrap();
        }
        assert!(!out.is_empty(), "{coding} held back 4 MB");
    }
}

#[test]
fn a_bomb_is_cut_off_while_it_is_decoded() {
    for coding in Coding::ALL {
        let zeros = vec![0; 1 << 20];
        let bomb = encode_pieces(coding, None, (0..64).map(|_| (&zeros[..], false)));
        assert!(bomb.len() < 1 << 20, "{coding}");
        let max = 3 * PIECE as u64 + 17;
        let mut decoder = Decoder::new(coding, max);
        let mut input = Bytes::from(bomb);
        let mut out = Vec::new();
        let error = loop {
            match decoder.push(&mut input, &mut out) {
                Ok(progress) => assert_eq!(progress, Progress::More, "{coding}"),
                Err(error) => break error,
            }
            assert!(out.len() <= 3 * PIECE, "{coding}");
        };
        assert_eq!(error, Error::TooLarge(max), "{coding}");
        assert!(out.len() as u64 <= max, "{coding}");
    }
}

#[test]
fn as_much_as_is_allowed_is_decoded() {
    for coding in Coding::ALL {
        for length in [0, 1, 100, PIECE - 1, PIECE, PIECE + 1] {
            let data = vec![b'x'; length];
            let encoded = encode(coding, &data);
            let decoded = |max: usize| decode_pieces(coding, max as u64, std::iter::once(&encoded[..]));
            assert_eq!(decoded(length).unwrap(), data, "{coding} {length}");
            assert_eq!(decode_pieces(coding, u64::MAX, std::iter::once(&encoded[..])).unwrap(), data);
            if length > 0 {
                assert_eq!(decoded(length - 1), Err(Error::TooLarge(length as u64 - 1)), "{coding} {length}");
            }
        }
    }
}

#[test]
fn a_stream_that_is_broken_off_anywhere_is_an_error() {
    for coding in Coding::ALL {
        let encoded = encode(coding, &text(30));
        assert_eq!(decode(coding, b"").unwrap(), b"", "an empty body is empty");
        for end in 1..encoded.len() {
            let error = decode(coding, &encoded[..end]).unwrap_err();
            assert_eq!(error, Error::BrokenOff(coding), "{end} of {} bytes", encoded.len());
        }
    }
}

#[test]
fn nothing_but_another_stream_may_follow_the_end() {
    let data = text(30);
    for coding in Coding::ALL {
        let encoded = encode(coding, &data);
        for garbage in [&b"\0"[..], b"x", b"garbage that is long enough to be looked at"] {
            let followed = [&encoded[..], garbage].concat();
            assert!(decode(coding, &followed).is_err(), "{coding} {garbage:?}");
            let cut = [&encoded[..], garbage];
            assert!(decode_pieces(coding, 1 << 20, cut.into_iter()).is_err(), "{coding} {garbage:?}");
        }
        let twice = [&encoded[..], &encode(coding, b""), &encoded].concat();
        match coding {
            Coding::Gzip | Coding::Zstd => {
                assert_eq!(decode(coding, &twice).unwrap(), data.repeat(2), "{coding}");
                let bytes = twice.chunks(1);
                assert_eq!(decode_pieces(coding, 1 << 20, bytes).unwrap(), data.repeat(2), "{coding}");
                let limit = data.len() as u64 * 2 - 1;
                let limited = decode_pieces(coding, limit, twice.chunks(7));
                assert_eq!(limited, Err(Error::TooLarge(limit)), "the limit is for all of them");
            }
            Coding::Brotli | Coding::Deflate => assert_eq!(decode(coding, &twice), Err(Error::Trailing(coding))),
        }
    }
}

#[test]
fn wrong_checksums_are_seen() {
    for coding in [Coding::Gzip, Coding::Deflate, Coding::Zstd] {
        let mut encoded = encode(coding, b"text");
        // Gzip's ends with the length, the others with the checksum.
        let at = encoded.len() - if coding == Coding::Gzip { 5 } else { 1 };
        encoded[at] ^= 1;
        assert_eq!(decode(coding, &encoded), Err(Error::Damaged(coding)));
    }
}

#[test]
fn one_coding_is_not_another() {
    for coding in Coding::ALL {
        for other in Coding::ALL.into_iter().filter(|other| *other != coding) {
            assert!(decode(coding, &encode(other, &text(30))).is_err(), "{other} as {coding}");
        }
    }
}

#[test]
fn windows_that_no_http_stream_may_have_are_refused() {
    let zstd = |window: u32| {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        encoder.set_parameter(zstd::stream::raw::CParameter::WindowLog(window)).unwrap();
        encoder.write_all(&text(30)).unwrap();
        encoder.finish().unwrap()
    };
    assert_eq!(decode(Coding::Zstd, &zstd(23)).unwrap(), text(30), "8 MiB");
    assert_eq!(decode(Coding::Zstd, &zstd(24)), Err(Error::Damaged(Coding::Zstd)), "16 MiB");
    let brotli = |lgwin: i32, large_window: bool| {
        let mut params = brotli::enc::BrotliEncoderParams { lgwin, large_window, ..Default::default() };
        params.quality = 5;
        let mut out = Vec::new();
        brotli::BrotliCompress(&mut &text(30)[..], &mut out, &params).unwrap();
        out
    };
    assert_eq!(decode(Coding::Brotli, &brotli(24, false)).unwrap(), text(30), "16 MiB");
    assert_eq!(decode(Coding::Brotli, &brotli(26, true)), Err(Error::Damaged(Coding::Brotli)), "64 MiB");
}

#[test]
fn streams_of_other_programs_are_decoded() {
    // By Google's brotli and Facebook's zstd.
    let brotli = "1bc502f89d0976ac9389b46c1c9e49a7a40f985b1986056f95bd2588195e2a80d0112ece75f738c41c4bb15e0084143431fdeaadcfef499014cdb0395cde81dd8169d98edbe3e57596615ab6e3f678795d659896edb83dde3c";
    let zstd = "28b52ffd64c60115040074036c696e652030206f66206120746578740a3132333435363738393131313131313131313232323232323232323233333333333333333333282080a3d2039ccc7766b3986f666799cfcc6631dfcccc32dfccce329f99cdf27c37676673969af3d19cd9cc5964ce17736630677939838b7708830872108608e4108648c79baeb804831a93f0";
    assert_eq!(decode(Coding::Brotli, &hex(brotli)).unwrap(), text(40));
    assert_eq!(decode(Coding::Zstd, &hex(zstd)).unwrap(), text(40));
    // A skippable frame in front.
    let skipped = [&hex("502a4d1804000000deadbeef")[..], &hex(zstd)].concat();
    assert_eq!(decode(Coding::Zstd, &skipped).unwrap(), text(40));
}

/// What python makes of the bytes.
fn python(program: &str, input: &[u8]) -> Vec<u8> {
    let program =
        format!("import sys, gzip, zlib, io\ndata = sys.stdin.buffer.read()\nsys.stdout.buffer.write({program})");
    let mut python = Command::new("python3")
        .args(["-c", &program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the tests need python3");
    let mut stdin = python.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{program}");
    output.stdout
}

#[test]
fn python_decodes_what_was_encoded() {
    let data = text(10_000);
    let flushed = |coding| encode_pieces(coding, None, data.chunks(1000).map(|piece| (piece, true)));
    for gzip in [encode(Coding::Gzip, &data), flushed(Coding::Gzip)] {
        assert_eq!(python("gzip.decompress(data)", &gzip), data);
    }
    for deflate in [encode(Coding::Deflate, &data), flushed(Coding::Deflate)] {
        assert_eq!(python("zlib.decompress(data)", &deflate), data, "deflate is the zlib format");
    }
}

#[test]
fn what_python_encodes_is_decoded() {
    let data = text(10_000);
    for (coding, program) in [
        (Coding::Gzip, "gzip.compress(data)"),
        (Coding::Gzip, "gzip.compress(data[:1000], 1) + gzip.compress(data[1000:], 9)"),
        // With the name of a file in its header.
        (
            Coding::Gzip,
            "(lambda b: (lambda f: (f.write(data), f.close()))(gzip.GzipFile('n' * 300, 'wb', 6, b)) and b.getvalue())(io.BytesIO())",
        ),
        (Coding::Deflate, "zlib.compress(data)"),
        (Coding::Deflate, "(lambda c: c.compress(data) + c.flush())(zlib.compressobj(1, zlib.DEFLATED, 9))"),
        // Raw, as some servers send it.
        (Coding::Deflate, "(lambda c: c.compress(data) + c.flush())(zlib.compressobj(6, zlib.DEFLATED, -15))"),
        (Coding::Deflate, "(lambda c: c.compress(data) + c.flush())(zlib.compressobj(0, zlib.DEFLATED, -15))"),
    ] {
        let encoded = python(program, &data);
        assert_eq!(decode(coding, &encoded).unwrap(), data, "{program}");
        assert_eq!(decode_pieces(coding, 1 << 30, encoded.chunks(1)).unwrap(), data, "{program}");
    }
    let dictionary = "(lambda c: c.compress(data) + c.flush())(zlib.compressobj(zdict=b'line of a text'))";
    assert_eq!(decode(Coding::Deflate, &python(dictionary, &data)), Err(Error::Damaged(Coding::Deflate)));
}

fn coding() -> impl Strategy<Value = Coding> {
    prop::sample::select(Coding::ALL.to_vec())
}

/// Text, noise and long runs, in any order.
fn data() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        (0..200usize).prop_map(text),
        prop::collection::vec(any::<u8>(), 0..3000),
        (any::<u8>(), 0..200_000usize).prop_map(|(byte, length)| vec![byte; length]),
    ];
    prop::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
}

/// Lengths of pieces, used over and over, and whether each is flushed.
fn cuts() -> impl Strategy<Value = Vec<(usize, bool)>> {
    prop::collection::vec((prop_oneof![1..20usize, 1..100_000usize], any::<bool>()), 1..6)
}

fn cut<'a>(mut data: &'a [u8], cuts: &'a [(usize, bool)]) -> impl Iterator<Item = (&'a [u8], bool)> {
    // Small pieces only at first, or it takes for ever.
    let mut cuts = cuts.iter().copied().cycle().take(200).chain(std::iter::repeat((50_000, false)));
    std::iter::from_fn(move || {
        let (length, is_flushed) = cuts.next()?;
        let (piece, rest) = data.split_at(length.min(data.len()));
        data = rest;
        (!piece.is_empty()).then_some((piece, is_flushed))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_goes_in_comes_out_however_it_is_cut(coding in coding(), data in data(), there in cuts(), back in cuts()) {
        let encoded = encode_pieces(coding, None, cut(&data, &there));
        let decoded = decode_pieces(coding, 1 << 30, cut(&encoded, &back).map(|(piece, _)| piece));
        prop_assert!(decoded.unwrap() == data);
    }

    #[test]
    fn whatever_arrives_there_is_an_end_and_the_limit_holds(
        coding in coding(),
        start in prop_oneof![Just(Vec::new()), (0..60usize).prop_map(text)],
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        noise in prop::collection::vec(any::<u8>(), 0..300),
        max in 0..5000u64,
        cuts in cuts(),
    ) {
        let mut stream = encode(coding, &start);
        for (at, byte) in damage {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        stream.extend_from_slice(&noise);
        let mut decoder = Decoder::new(coding, max);
        let mut out = Vec::new();
        for (piece, _) in cut(&stream, &cuts) {
            if push(&mut decoder, piece, &mut out).is_err() {
                break;
            }
        }
        prop_assert!(out.len() as u64 <= max);
    }
}
