//! Servers that read paths in their own ways: none of them gets to what is denied by a path that goes on.

use super::reference::Chance;
use super::{ask, filter};

/// What a path is made of here: as it leaves the host, which resolved dots and decoded what needs no escape.
const PARTS: [&str; 24] = [
    "/", "/", "/", "/", "admin", "ADMIN", "Admin", "x", ";", ";", "%3B", "%253B", "%2F", "%252F", "..", ".", "%252E",
    "%2561", "dmin", "%3F", "%253F", "%23", "%20", "%2520",
];

/// What a server may do to a path, in any order and more than once.
const HABITS: [fn(&str) -> String; 7] =
    [decode, without_parameters, without_runs, before_question, without_ends, resolve, lower];

fn decode(path: &str) -> String {
    let mut decoded = String::new();
    let mut rest = path;
    while let Some(first) = rest.chars().next() {
        let escape = rest.strip_prefix('%').and_then(|digits| digits.get(..2));
        let byte = escape.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(byte.map_or(first, char::from));
        rest = &rest[if byte.is_some() { 3 } else { first.len_utf8() }..];
    }
    decoded
}

fn segments(path: &str, change: impl Fn(&str) -> &str) -> String {
    path.split('/').map(change).collect::<Vec<_>>().join("/")
}

fn without_parameters(path: &str) -> String {
    segments(path, |segment| segment.split(';').next().unwrap())
}

fn without_runs(path: &str) -> String {
    let mut path = path.to_owned();
    while path.contains("//") {
        path = path.replace("//", "/");
    }
    path
}

fn before_question(path: &str) -> String {
    path.split(['?', '#']).next().unwrap().to_owned()
}

fn without_ends(path: &str) -> String {
    segments(path, |segment| match segment {
        "." | ".." => segment,
        other => other.trim_end_matches(['.', ' ']),
    })
}

fn resolve(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    format!("/{}", kept.join("/"))
}

fn lower(path: &str) -> String {
    path.to_ascii_lowercase()
}

/// Paths below `start`, and how some server reads each: as often as it can be told anything about it.
fn read_anyhow(start: &str, mut judge: impl FnMut(&str, &[String])) {
    let mut chance = Chance::new();
    for _ in 0..10_000 {
        let more: String = (0..2 + chance.below(7)).map(|_| PARTS[chance.below(PARTS.len())]).collect();
        let path = format!("{start}/{more}");
        if path.split('/').any(|segment| matches!(segment, "." | "..")) {
            continue;
        }
        let mut readings = Vec::new();
        for _ in 0..12 {
            let habits: Vec<usize> = (0..=chance.below(6)).map(|_| chance.below(HABITS.len())).collect();
            // Who decodes three times could be told anything.
            if habits.iter().filter(|habit| **habit == 0).count() <= 2 {
                readings.push(habits.iter().fold(path.clone(), |path, habit| HABITS[*habit](&path)));
            }
        }
        judge(&path, &readings);
    }
}

fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[test]
fn no_server_gets_to_what_is_denied_by_a_path_that_goes_on() {
    let filter = filter(r#"{"default": "allow", "rules": [{"deny": true, "paths": ["/admin/*"]}]}"#);
    let (mut there, mut passed) = (0, 0);
    read_anyhow("", |path, readings| {
        let goes_on = ask(&filter, &[], "GET", path).reply.is_none();
        passed += usize::from(goes_on);
        for read in readings.iter().filter(|read| is_below(read, "/admin")) {
            there += 1;
            assert!(!goes_on, "{path} goes on and is read as {read}");
        }
    });
    assert!(there > 1000 && passed > 1000, "{there} readings led there, {passed} paths went on");
}

#[test]
fn no_server_leaves_what_is_allowed_by_a_path_that_goes_on() {
    let filter = filter(r#"{"rules": [{"paths": ["/public/*"]}]}"#);
    let (mut elsewhere, mut passed) = (0, 0);
    read_anyhow("/public", |path, readings| {
        let goes_on = ask(&filter, &[], "GET", path).reply.is_none();
        passed += usize::from(goes_on);
        for read in readings.iter().filter(|read| !is_below(read.trim_end_matches(['.', ' ']), "/public")) {
            elsewhere += 1;
            assert!(!goes_on, "{path} goes on and is read as {read}");
        }
    });
    assert!(elsewhere > 50 && passed > 1000, "{elsewhere} readings led elsewhere, {passed} paths went on");
}
