//! What Weir says about good and bad configurations, word for word: `tests/configs`. `WEIR_BLESS=1` writes it anew; then
//! read what changed as a new user would.

use std::fs;

use weir_tests::Golden;

/// Where the outputs differ from what is written, the first difference; with `WEIR_BLESS`, what is written changes.
fn compare(kind: &str, least: usize, code: &str) {
    let (all, bless) = (Golden::all(kind), std::env::var_os("WEIR_BLESS").is_some());
    assert!(all.len() >= least, "{} files in {kind}", all.len());
    let mut differ = Vec::new();
    for golden in &all {
        let (said, file) = (golden.run(), golden.expected());
        let first = said.split("\n\n$ ").next().unwrap_or_default().trim_end().to_owned();
        assert!(first.ends_with(code), "{} does not end with `{code}`:\n{said}", golden.name());
        if bless {
            fs::write(&file, &said).unwrap();
        } else if fs::read_to_string(&file).unwrap_or_default() != said {
            differ.push(format!("{} says:\n{said}", golden.name()));
        }
    }
    assert!(
        differ.is_empty(),
        "not what stands in the .txt files (WEIR_BLESS=1 rewrites them):\n{}",
        differ.join("\n")
    );
}

#[test]
fn every_fault_is_told_in_these_words() {
    compare("bad", 90, "exit 2");
}

#[test]
fn good_configurations_are_explained_in_these_words() {
    compare("good", 30, "exit 0");
}

#[test]
fn every_fault_has_a_place_and_every_message_is_one_sentence() {
    for golden in Golden::all("bad") {
        let said = fs::read_to_string(golden.expected()).unwrap();
        for fault in said.split("error: ").skip(1) {
            let message = fault.lines().next().unwrap();
            assert!(!message.trim().ends_with([':', '.', '?']), "{}: {message}", golden.name());
            let has_place = fault.contains("--> ") || message.starts_with("cannot read") || message.starts_with("and ");
            assert!(has_place, "{}: no place for: {message}", golden.name());
        }
    }
}
