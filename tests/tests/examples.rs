//! The examples, as they are written. Those in other languages are built first, by the tests in languages.rs.

use std::path::Path;
use std::time::Duration;

use weir_tests::{command, follow_readme};

#[test]
fn every_example_prints_what_its_readme_says() {
    let _ = command("curl", "curl");
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut count = 0;
    for example in std::fs::read_dir(&examples).unwrap().map(|entry| entry.unwrap().path()) {
        let name = example.file_name().unwrap().to_string_lossy().into_owned();
        if example.is_dir() && !name.starts_with("filter-") {
            follow_readme(&example, &[], Duration::from_secs(60));
            count += 1;
        }
    }
    assert!(count > 0);
}
