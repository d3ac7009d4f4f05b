//! Documents are true, and rooms stay apart: what can be read from the sources is held here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_string_lossy().into_owned();
        if entry.is_dir() && name != "target" && name != "node_modules" && !name.starts_with('.') {
            files(&entry, ending, found);
        } else if name.ends_with(ending) {
            found.push(entry);
        }
    }
}

fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    files(&root().join("host/src"), ".rs", &mut found);
    found
        .into_iter()
        .map(|path| {
            (path.to_string_lossy().split("host/src/").nth(1).unwrap().to_owned(), fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// Rows of tests/CLAIMS.md: document, claim, what shows it.
fn claims() -> Vec<[String; 3]> {
    let text = fs::read_to_string(root().join("tests/CLAIMS.md")).unwrap();
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| ---") && !line.starts_with("| document"));
    rows.map(|row| {
        let cells: Vec<String> = row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
        cells.try_into().unwrap_or_else(|cells| panic!("a claim has three cells: {cells:?}"))
    })
    .collect()
}

#[test]
fn every_claim_stands_in_its_document_and_is_shown_by_a_test_that_exists() {
    let mut found = Vec::new();
    files(&root(), ".rs", &mut found);
    let code: String = found.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for [document, claim, shown] in claims() {
        let text = fs::read_to_string(root().join(&document)).unwrap_or_else(|_| panic!("{document} is missing"));
        assert!(flat(&text).contains(&flat(&claim)), "{document} does not say: {claim}");
        for name in shown.split(", ") {
            let name = name.trim_matches('`');
            let is_there = match name.strip_prefix("bench: ") {
                Some(bar) => code.contains(bar),
                None => name.starts_with(".ci/") || code.contains(&format!("fn {name}(")),
            };
            assert!(is_there, "{document}: \"{claim}\" is shown by `{name}`, which does not exist");
        }
    }
}

#[test]
fn every_document_that_claims_has_its_claims_listed() {
    let listed: BTreeSet<String> = claims().into_iter().map(|[document, ..]| document).collect();
    let mut found = Vec::new();
    files(&root().join("plugins"), "README.md", &mut found);
    files(&root().join("examples"), "README.md", &mut found);
    let mut wanted: BTreeSet<String> =
        found.iter().map(|path| path.strip_prefix(root()).unwrap().to_string_lossy().into_owned()).collect();
    wanted.extend(["README.md", "SECURITY.md", "docs/filters.md"].map(str::to_owned));
    assert!(
        wanted.is_subset(&listed),
        "without a claim in tests/CLAIMS.md: {:?}",
        wanted.difference(&listed).collect::<Vec<_>>()
    );
}

/// Who may import whom, from the top down: a room may use those that come after it.
const ROOMS: [&str; 20] = [
    "main", "cli", "trial", "server", "admin", "listen", "proxy", "snapshot", "routing", "plugin", "upstream", "io",
    "clock", "config", "paths", "query", "store", "crypto", "coding", "files",
];

#[test]
fn rooms_import_downward_only() {
    for (file, text) in sources() {
        let room = file.split(['/', '.']).next().unwrap();
        let Some(place) = ROOMS.iter().position(|known| *known == room) else {
            assert!(["lib", "telemetry"].contains(&room), "the room `{room}` has no place in the order");
            continue;
        };
        for above in &ROOMS[..place] {
            assert!(!text.contains(&format!("crate::{above}")), "{file} imports {above}, which is above it");
        }
    }
    let of = |room: &str| {
        sources().into_iter().filter(move |(file, _)| file.starts_with(room)).map(|(_, text)| text).collect::<String>()
    };
    assert!(!of("plugin/").contains("crate::upstream"), "plugin imports upstream");
    for room in ["telemetry/", "store/", "crypto/", "coding/", "files/"] {
        assert!(!of(room).contains("use crate::"), "{room} imports a room");
    }
}

#[test]
fn libraries_stay_in_their_rooms() {
    for (file, text) in sources() {
        let has = |name: &str| {
            text.contains(&format!("use {name}"))
                || text.contains(&format!(" {name}::"))
                || text.contains(&format!("({name}::"))
        };
        assert!(!has("wasmtime") || file.starts_with("plugin/"), "{file} uses wasmtime");
        assert!(!has("clap") || file.starts_with("cli/"), "{file} uses clap");
        assert!(
            !has("serde")
                || ["config/", "admin/", "cli/", "trial/", "telemetry/access", "plugin/manifest"]
                    .iter()
                    .any(|room| file.starts_with(room)),
            "{file} uses serde"
        );
        assert!(
            !(has("rustls") || has("tokio_rustls"))
                || ["listen/tls/", "upstream/"].iter().any(|room| file.starts_with(room)),
            "{file} uses rustls"
        );
        // rustls hands on what it is made of under the same name.
        assert!(
            !(text.contains("use aws_lc_rs") || has("argon2") || has("bcrypt")) || file.starts_with("crypto/"),
            "{file} does cryptography of its own"
        );
        assert!(
            !(has("flate2") || has("brotli") || has("zstd")) || file.starts_with("coding/"),
            "{file} encodes or decodes by itself"
        );
        assert!(
            !has("weir_bundle") || file.starts_with("plugin/") || file.starts_with("config/"),
            "{file} names bundled plugins"
        );
        let is_unsafe = text.lines().any(|line| line.contains("unsafe {") && !line.trim_start().starts_with("//"));
        // Compiled components, and descriptors that a service manager passes by number: no safe code can take either.
        let has_reason = ["plugin/cache.rs", "server/inherit.rs"].contains(&file.as_str());
        assert!(!is_unsafe || has_reason, "{file} has unsafe code");
    }
}
