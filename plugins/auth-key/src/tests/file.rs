//! Keys of a file, which changes.

use std::fmt::Write;
use std::time::Duration;

use super::{hash, refused, shows};
use crate::AuthKey;
use weir::testing::Host;
use weir::{Ended, Flow, Level};

fn filter(host: &mut Host, text: Option<&str>) -> AuthKey {
    host.document("/file", text);
    host.configure(r#"{"file": "/file", "refresh": "5m"}"#).unwrap()
}

#[test]
fn a_file_has_keys_comments_and_any_line_ends() {
    let mut host = Host::new();
    let text = format!(
        "\u{feff}# keys\r\n\r\nsha256:{}\tada  plan=gold\r\n   {} eve#1 # hers\n#{} mallory\n",
        hash("one"),
        hash("two").to_uppercase(),
        hash("three")
    );
    let filter = filter(&mut host, Some(&text));
    assert_eq!(host.kept_fresh["/file"], Duration::from_secs(300));
    for (key, user) in [("one", Some("ada")), ("two", Some("eve#1")), ("three", None)] {
        host.vars.clear();
        assert_eq!(shows(&mut host, &filter, key) == Flow::Next, user.is_some(), "{key}");
        assert_eq!(host.vars.get("user.id").map(String::as_str), user);
    }
    assert_eq!(host.log, []);
}

#[test]
fn another_text_counts_from_the_next_request_on() {
    let mut host = Host::new();
    let line = |key: &str, id: &str| format!("{} {id}\n", hash(key));
    let filter = filter(&mut host, Some(&line("old", "ada")));
    assert_eq!(shows(&mut host, &filter, "old"), Flow::Next);
    host.document("/file", Some(&(line("old", "ada") + &line("new", "ada"))));
    assert_eq!((shows(&mut host, &filter, "new"), shows(&mut host, &filter, "old")), (Flow::Next, Flow::Next));
    host.document("/file", Some(&line("new", "ada")));
    assert_eq!((shows(&mut host, &filter, "old"), shows(&mut host, &filter, "new")), (Flow::Stop, Flow::Next));
    host.document("/file", Some("# nobody\n"));
    assert_eq!(shows(&mut host, &filter, "new"), Flow::Stop);
    assert_eq!(refused(&mut host).1, "unknown-key");
}

#[test]
fn a_broken_text_changes_nothing_and_is_told_once_with_its_line() {
    let good = format!("{} ada\n", hash("good"));
    let [other, again] = [hash("other"), hash("good")];
    for (broken, words) in [
        (format!("{other} eve\nsesame eve\n"), "line 2: the hash of a key is its SHA-256"),
        (format!("{other} eve\n\n# {other}\n{other} ada\n"), "line 4: this key stands in line 1 already"),
        (format!("{other} eve\n{}\n", hash("third")), "line 2: the id is missing"),
        (format!("{other}  -\n"), "line 1: `-` is no id"),
        (format!("{other} eve plan\n"), "line 1: `plan` is no `name=value`"),
        (format!("{other} eve expires=soon\n"), "line 1: `soon` is no time"),
        ("<html>\nnot found".to_owned(), "line 1"),
    ] {
        let mut host = Host::new();
        let filter = filter(&mut host, Some(&good));
        assert_eq!(shows(&mut host, &filter, "good"), Flow::Next);
        host.document("/file", Some(&broken));
        for _ in 0..3 {
            assert_eq!(shows(&mut host, &filter, "good"), Flow::Next, "{broken}");
            assert_eq!(shows(&mut host, &filter, "other"), Flow::Stop, "{broken}");
        }
        let (level, line) = &host.log[0];
        assert_eq!((*level, host.log.len()), (Level::Error, 1), "{:?}", host.log);
        assert!(line.contains(words) && line.ends_with("what it was before counts"), "{line}");
        assert!(!line.contains(&other[..8]) && !line.contains(&again[..8]), "{line}");
    }
}

#[test]
fn bytes_that_are_no_text_are_a_broken_line() {
    let mut host = Host::new();
    let mut text = format!("{} ad", hash("one")).into_bytes();
    text.extend(b"\xff\n");
    // A document of a test is text, so what is no UTF-8 goes by the parser itself.
    let parse = crate::text::Text { written: std::rc::Rc::default() };
    let mut part = weir::document::Parse::begin(&parse, text);
    let said = host.enter(|| weir::document::Parse::go_on(&parse, &mut part)).unwrap_err();
    assert_eq!(said, "line 1: this is not UTF-8");
}

#[test]
fn a_key_stands_in_the_configuration_or_in_the_file() {
    let mut host = Host::new();
    host.document("/file", Some(&format!("{} eve\n{} ada\n", hash("two"), hash("one"))));
    let config = format!(r#"{{"keys": [{{"hash": "{}", "id": "bob"}}], "file": "/file"}}"#, hash("one"));
    let filter: AuthKey = host.configure(&config).unwrap();
    // That of the configuration counts whatever the file is like.
    assert_eq!(shows(&mut host, &filter, "one"), Flow::Next);
    assert_eq!(host.vars["user.id"], "bob");
    assert_eq!(shows(&mut host, &filter, "two"), Flow::Pause);
    assert!(host.log[0].1.contains("line 2: this key stands in `keys` already"), "{:?}", host.log);
    host.document("/file", Some(&format!("{} eve\n", hash("two"))));
    assert_eq!(host.on_resume(&filter), Flow::Next);
    assert_eq!(host.vars["user.id"], "eve");
}

#[test]
fn as_long_as_there_was_no_file_requests_wait_and_are_then_refused() {
    let mut host = Host::new();
    let waits = filter(&mut host, None);
    assert_eq!(shows(&mut host, &waits, "one"), Flow::Pause);
    host.document_becomes("/file", &format!("{} ada\n", hash("one")));
    assert_eq!(host.on_resume(&waits), Flow::Next);

    let mut host = Host::new();
    let waits = filter(&mut host, None);
    // Who shows no key need not wait.
    assert_eq!(host.on_request(&waits), Flow::Stop);
    assert_eq!(refused(&mut host).1, "no-key");
    assert_eq!(shows(&mut host, &waits, "one"), Flow::Pause);
    host.pause_ends(Ended::Failed);
    assert_eq!(host.on_resume(&waits), Flow::Stop);
    assert_eq!(host.reply.as_ref().unwrap().get("retry-after"), Some("5"));
    let (status, code, _, challenges) = refused(&mut host);
    assert_eq!((status, code.as_str(), challenges.len()), (503, "no-keys", 0));
}

#[test]
fn a_long_file_is_read_in_several_hooks_and_nobody_goes_by_the_one_before_meanwhile() {
    let keys = |from: usize, to: usize| {
        (from..to).fold(String::new(), |mut text, number| {
            writeln!(text, "{} user-{number} roles=a roles=b plan=free", hash(&format!("key-{number}"))).unwrap();
            text
        })
    };
    let long = keys(0, 5_000);
    let mut host = Host::new();
    let filter = filter(&mut host, Some(&long));
    assert_eq!(shows(&mut host, &filter, "key-4999"), Flow::Pause);
    let mut hooks = 1;
    while host.on_resume(&filter) == Flow::Pause {
        hooks += 1;
    }
    assert!((3..16).contains(&hooks), "{hooks}");
    assert_eq!((host.vars["user.id"].as_str(), host.vars["auth.roles"].as_str()), ("user-4999", r#"["a","b"]"#));
    for number in [0, 1, 777, 4_998] {
        assert_eq!(shows(&mut host, &filter, &format!("key-{number}")), Flow::Next);
    }

    // The key is withdrawn: not one request is let in with it, although its hash was in what was read before.
    host.document("/file", Some(&keys(1, 5_001)));
    assert_eq!(shows(&mut host, &filter, "key-0"), Flow::Pause);
    while host.on_resume(&filter) == Flow::Pause {}
    assert_eq!(refused(&mut host).1, "unknown-key");
    assert_eq!(shows(&mut host, &filter, "key-5000"), Flow::Next);
}

#[test]
fn a_file_has_so_many_keys_and_no_more() {
    use weir::document::Parse;
    let parse = crate::text::Text { written: std::rc::Rc::default() };
    let read = |count: u32| {
        let text = (1..=count).fold(String::new(), |mut text, number| {
            writeln!(text, "{number:064x} k").unwrap();
            text
        });
        let mut part = parse.begin(text.into_bytes());
        loop {
            match parse.go_on(&mut part) {
                Ok(None) => {}
                Ok(Some(_)) => return Ok(()),
                Err(why) => return Err(why),
            }
        }
    };
    assert_eq!(read(20_000), Ok(()));
    assert_eq!(read(20_001), Err("line 20001: a file has at most 20000 keys".to_owned()));
}
