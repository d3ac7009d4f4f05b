//! Reading a configuration never panics and always finds words: the golden files, torn in many ways, and what the fuzzer
//! kept.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

#[allow(unreachable_pub, reason = "a module of the fuzz targets' library")]
#[path = "../../fuzz/src/config.rs"]
mod config;

fn golden_files() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/configs");
    let mut files = Vec::new();
    for kind in ["good", "bad"] {
        for path in fs::read_dir(root.join(kind)).unwrap().map(|entry| entry.unwrap().path()) {
            let bytes =
                if path.extension().is_some_and(|ending| ending == "yaml") { fs::read(&path).ok() } else { None };
            // Large ones take long, and hold nothing that others do not.
            files.extend(bytes.filter(|bytes| bytes.len() < 4000));
        }
    }
    assert!(files.len() > 100, "{} golden files", files.len());
    files
}

/// One way to tear a file; the numbers choose where, by any size.
#[derive(Clone, Debug)]
enum Tear {
    Flip(usize, u8),
    Cut(usize, usize),
    Insert(usize, &'static str),
    RepeatLine(usize),
    DropLine(usize),
    Indent(usize, usize),
    SwapLines(usize, usize),
}

impl Tear {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let at = |index: usize, length: usize| if length == 0 { 0 } else { index % length };
        match *self {
            Self::Flip(index, mask) if !bytes.is_empty() => {
                let index = at(index, bytes.len());
                bytes[index] ^= mask;
            }
            Self::Flip(..) => {}
            Self::Cut(start, length) => {
                let start = at(start, bytes.len());
                drop(bytes.drain(start..(start + length % 40).min(bytes.len())));
            }
            Self::Insert(index, text) => {
                let index = at(index, bytes.len());
                bytes.splice(index..index, text.bytes());
            }
            _ => {
                let mut lines: Vec<Vec<u8>> =
                    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                let many = lines.len();
                if many == 0 {
                    return;
                }
                match *self {
                    Self::RepeatLine(line) => lines.insert(line % many, lines[line % many].clone()),
                    Self::DropLine(line) => drop(lines.remove(line % many)),
                    Self::SwapLines(one, other) => lines.swap(one % many, other % many),
                    Self::Indent(line, depth) => {
                        let line = &mut lines[line % many];
                        let blanks = line.iter().take_while(|byte| **byte == b' ').count();
                        line.splice(..blanks, vec![b' '; depth % 12]);
                    }
                    _ => {}
                }
                *bytes = lines.concat();
            }
        }
    }
}

fn tear() -> impl Strategy<Value = Tear> {
    let pieces = vec![
        ":",
        ": ",
        "-",
        "- ",
        "{",
        "}",
        "[",
        "]",
        "\"",
        "'",
        "&a ",
        "*a",
        "!!x ",
        "#",
        " #",
        "\n",
        "\r",
        "\t",
        "${",
        "${A",
        "$${",
        "}",
        "null",
        "~",
        "|",
        ">",
        "%",
        "?",
        ",",
        "\0",
        "\u{feff}",
        "é",
        "🦀",
        "<<: ",
        "---\n",
        "/*",
        "..",
        "99999999999999999999",
    ];
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(index, mask)| Tear::Flip(index, mask)),
        (any::<usize>(), any::<usize>()).prop_map(|(start, length)| Tear::Cut(start, length)),
        (any::<usize>(), prop::sample::select(pieces)).prop_map(|(index, text)| Tear::Insert(index, text)),
        any::<usize>().prop_map(Tear::RepeatLine),
        any::<usize>().prop_map(Tear::DropLine),
        (any::<usize>(), any::<usize>()).prop_map(|(line, depth)| Tear::Indent(line, depth)),
        (any::<usize>(), any::<usize>()).prop_map(|(one, other)| Tear::SwapLines(one, other)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn torn_configurations_are_read_or_refused_with_words(
        bytes in prop::sample::select(golden_files()),
        tears in prop::collection::vec(tear(), 1..6),
    ) {
        let mut bytes = bytes;
        for tear in &tears {
            tear.apply(&mut bytes);
        }
        config::check(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_text_is_read_or_refused_with_words(text in any::<String>()) {
        config::check(&text);
    }
}

#[test]
fn configurations_of_the_corpus_are_read_or_refused_with_words() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/config");
    let mut replayed = 0;
    for file in fs::read_dir(corpus).unwrap() {
        if let Ok(text) = String::from_utf8(fs::read(file.unwrap().path()).unwrap()) {
            config::check(&text);
            replayed += 1;
        }
    }
    assert!(replayed >= 30, "{replayed} configurations in the corpus");
}
