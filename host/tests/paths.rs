//! Every path has one spelling: any path, those that are likely to find a fault, and those that the fuzzer kept.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

#[allow(unreachable_pub, reason = "a module of the fuzz targets' library")]
#[path = "../../fuzz/src/paths.rs"]
mod paths;

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_refused_or_gets_one_spelling(path in any::<String>()) {
        paths::check(&path);
        paths::check(&format!("/{path}"));
    }

    #[test]
    fn paths_of_awkward_pieces_get_one_spelling(pieces in prop::collection::vec(piece(), 0..12)) {
        paths::check(&pieces.concat());
        paths::check(&format!("/{}", pieces.concat()));
    }
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just("/".to_owned()),
        4 => prop::sample::select(vec![".", "..", "%2e", "%2E", "...", "a", "%61", "%25", "%2f", "%2F"]).prop_map(str::to_owned),
        1 => any::<u8>().prop_map(|byte| format!("%{byte:02x}")),
        1 => any::<u8>().prop_map(|byte| format!("%{byte:02X}")),
        1 => any::<char>().prop_map(String::from),
        1 => "[ -~]",
    ]
}

#[test]
fn paths_of_the_corpus_get_one_spelling() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/paths");
    let mut replayed = 0;
    for file in fs::read_dir(corpus).unwrap() {
        if let Ok(path) = String::from_utf8(fs::read(file.unwrap().path()).unwrap()) {
            paths::check(&path);
            replayed += 1;
        }
    }
    assert!(replayed >= 40, "{replayed} paths in the corpus");
}
