//! What becomes of documents.

mod reference;

use super::{Mask, Operation, Path, Program, Stopped};

pub(super) fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

fn remove(at: &str) -> Operation {
    Operation::Remove(path(at))
}

fn rename(at: &str, to: &str) -> Operation {
    Operation::Rename(path(at), to.to_owned())
}

fn mask(at: &str, keep_last: usize) -> Operation {
    Operation::Mask(path(at), Mask::Text { text: "****".to_owned(), keep_last })
}

fn set(at: &str) -> Operation {
    Operation::Set(path(at), 0)
}

fn relocate(from: &str, to: &str, keeps: bool) -> Operation {
    let (from, to) = (path(from), path(to));
    if keeps { Operation::Copy { from, to } } else { Operation::Move { from, to } }
}

/// The document after these operations; `set` puts in `[7]`.
fn run(operations: Vec<Operation>, document: &str) -> Option<String> {
    Program::new(operations, false).run(document, &[Some("[7]")]).unwrap()
}

fn all(cases: Vec<(Operation, &str, Option<&str>)>) {
    for (operation, document, wanted) in cases {
        let words = format!("{operation:?} of {document}");
        assert_eq!(run(vec![operation], document).as_deref(), wanted, "{words}");
    }
}

#[test]
fn what_is_removed_takes_its_comma_along_and_nothing_else() {
    all(vec![
        (remove("/a"), r#"{"a":1}"#, Some("{}")),
        (remove("/a"), r#"{ "a" : 1 }"#, Some("{  }")),
        (remove("/a"), r#"{"a":1, "b":2}"#, Some(r#"{"b":2}"#)),
        (remove("/b"), "{\"a\":1,\n  \"b\": [2] }", Some("{\"a\":1 }")),
        (remove("/b"), r#"{"a":1, "b":{"b":2} , "c":3}"#, Some(r#"{"a":1 , "c":3}"#)),
        (remove("/b"), r#"{"b":1,"b":2,"a":3,"b":4}"#, Some(r#"{"a":3}"#)),
        (remove("/b/c"), r#"{"b":{"c":1,"d":2},"c":3}"#, Some(r#"{"b":{"d":2},"c":3}"#)),
        (remove("items[*]"), r#"{"items":[1,[2],{"a":3}]}"#, Some(r#"{"items":[]}"#)),
        (remove("items[1]"), r#"{"items":[1 ,2 ,3]}"#, Some(r#"{"items":[1 ,3]}"#)),
        (remove("/items/0"), r#"{"items":[1 ,2 ,3]}"#, Some(r#"{"items":[2 ,3]}"#)),
        (remove("/items/3"), r#"{"items":[1 ,2 ,3]}"#, None),
        (remove("*.a"), r#"[{"a":1},{"b":1},{"a":1,"c":[]}]"#, Some(r#"[{},{"b":1},{"c":[]}]"#)),
        (remove("**.a"), r#"{"a":{"a":1},"b":[{"a":1,"c":2}]}"#, Some(r#"{"b":[{"c":2}]}"#)),
        (remove("x.**.a"), r#"{"a":1,"x":{"y":{"a":2}}}"#, Some(r#"{"a":1,"x":{"y":{}}}"#)),
    ]);
}

#[test]
fn what_is_not_touched_stays_byte_for_byte() {
    let odd = "\t{ \"n\" : [1.0, 1e400, -0, 12345678901234567890, 1E+2] ,\r\n\"t\":\"\\u0061\\/\\ud83d\\ude00é\", \"gone\":null\n}\n ";
    for untouched in [remove("/x"), rename("/x", "y"), mask("**.x", 4), relocate("/x", "/y", true)] {
        assert_eq!(run(vec![untouched], odd), None);
    }
    let wanted = odd.replace(", \"gone\":null", "");
    assert_eq!(run(vec![remove("/gone")], odd), Some(wanted));
    let wanted = odd.replace("\"gone\":null\n", "\"gone\":null,\"new\":[7]\n");
    assert_eq!(run(vec![set("/new")], odd), Some(wanted));
    // What becomes the same again is the same.
    assert_eq!(run(vec![rename("/n", "m"), rename("/m", "n")], odd), None);
    assert_eq!(run(vec![set("/a")], r#"{"a":[7]}"#), None);
}

#[test]
fn nothing_hides_behind_spelling_or_a_second_key() {
    for document in [
        r#"{"password":"secret"}"#,
        r#"{"p\u0061ssword":"secret"}"#,
        r#"{"\u0070\u0061\u0073\u0073\u0077\u006f\u0072\u0064":"s\u0065cret"}"#,
        r#"{"password":"x","password":"secret"}"#,
        r#"{"password":{"password":"secret"}}"#,
        r#"{"password":["secret",{"a":"secret"}]}"#,
        r#"[[{"a":{"password":"secret"}}]]"#,
    ] {
        for operation in [mask("**.password", 0), remove("**.password")] {
            let changed = run(vec![operation], document).unwrap();
            assert!(!changed.contains("secret") && !changed.contains("s\\u0065cret"), "{document}: {changed}");
        }
    }
}

#[test]
fn masks_keep_the_end_and_never_more_than_half() {
    for (keep, value, wanted) in [
        (4, r#""4111111111111111""#, r#""****1111""#),
        (4, "4111111111111111", r#""****1111""#),
        (4, r#""12345""#, r#""****45""#),
        (4, r#""1""#, r#""****""#),
        (4, r#""""#, r#""****""#),
        (2, r#""aéöü""#, r#""****öü""#),
        (2, r#""abc\"\n""#, r#""****\"\n""#),
        (2, r#""\u0061\u0062\u0063\u0064""#, r#""****cd""#),
        (1, r#""a\ud83d\ude00""#, r#""****😀""#),
        (0, r#""abcd""#, r#""****""#),
        (4, "true", r#""****""#),
        (4, "1.5e3", r#""****e3""#),
        (4, "null", "null"),
        (4, r#"["abcdefgh"]"#, r#""****""#),
        (4, r#"{"a":"abcdefgh"}"#, r#""****""#),
    ] {
        let changed = run(vec![mask("/v", keep)], &format!("{{\"v\":{value}}}"));
        let wanted = format!("{{\"v\":{wanted}}}");
        assert_eq!(changed.unwrap_or_else(|| "{\"v\":null}".to_owned()), wanted, "{value}");
    }
}

#[test]
fn members_get_other_keys_and_push_out_those_that_have_them() {
    all(vec![
        (rename("/a", "b"), r#"{"a" : 1,"c":2}"#, Some(r#"{"b" : 1,"c":2}"#)),
        (rename("/a", "b"), r#"{"a":1,"b":2}"#, Some(r#"{"b":1}"#)),
        (rename("/a", "b"), r#"{"b":2,"a":1}"#, Some(r#"{"b":1}"#)),
        (rename("/a", "b"), r#"{"b":2, "c":3, "b":[4],"a":1}"#, Some(r#"{"c":3,"b":1}"#)),
        (rename("/a", "b"), r#"{"b":2}"#, None),
        (rename("**.a", "b"), r#"{"a":{"a":1,"b":2},"c":[{"b":3}]}"#, Some(r#"{"b":{"b":1},"c":[{"b":3}]}"#)),
        (rename("items[*].a", "q\"t"), r#"{"items":[{"a":1},{}]}"#, Some(r#"{"items":[{"q\"t":1},{}]}"#)),
        (rename("/items/0", "b"), r#"{"items":[1]}"#, None),
    ]);
}

#[test]
fn values_are_set_where_they_are_and_made_where_they_are_not() {
    all(vec![
        (set("/a"), "{}", Some(r#"{"a":[7]}"#)),
        (set("/a"), "{ }", Some(r#"{"a":[7] }"#)),
        (set("/a"), r#"{"b":1 }"#, Some(r#"{"b":1,"a":[7] }"#)),
        (set("/a"), r#"{"a":{"b":1},"a":2}"#, Some(r#"{"a":[7],"a":[7]}"#)),
        (set("/a/b/c"), "{}", Some(r#"{"a":{"b":{"c":[7]}}}"#)),
        (set("/a/b/c"), r#"{"a":{}}"#, Some(r#"{"a":{"b":{"c":[7]}}}"#)),
        (set("/a/b"), r#"{"a":"text"}"#, None),
        (set("/a"), r#"[{"a":1}]"#, None),
        (set("[*].a"), r#"[{"a":1},{},3]"#, Some(r#"[{"a":[7]},{"a":[7]},3]"#)),
        (set("/l/1"), r#"{"l":[1,2,3]}"#, Some(r#"{"l":[1,[7],3]}"#)),
        (set("/l/3"), r#"{"l":[1,2,3]}"#, None),
        (set("/l/0"), "{}", None),
    ]);
    // A value that is not there for this request takes what stands there away.
    let program = Program::new(vec![set("/user"), set("/more/user")], false);
    let changed = program.run(r#"{"user":"root","more":{"user":{}}}"#, &[None]).unwrap();
    assert_eq!(changed.as_deref(), Some(r#"{"more":{}}"#));
}

#[test]
fn values_are_moved_and_copied_as_they_stand() {
    all(vec![
        (relocate("/a", "/b/c", false), r#"{"a": [1.0 ,"\u0061"] }"#, Some(r#"{"b":{"c":[1.0 ,"\u0061"]} }"#)),
        (relocate("/a", "/b", true), r#"{"a":1}"#, Some(r#"{"a":1,"b":1}"#)),
        (relocate("/b/c", "/b", false), r#"{"b":{"c":1,"d":2}}"#, Some(r#"{"b":1}"#)),
        (relocate("/b", "/b/c", true), r#"{"b":{"d":2}}"#, Some(r#"{"b":{"d":2,"c":{"d":2}}}"#)),
        (relocate("/x", "/b", false), r#"{"b":1}"#, None),
        // Of two with one key most readers take the last.
        (relocate("/a", "/b", false), r#"{"a":1,"a":2}"#, Some(r#"{"b":2}"#)),
        (relocate("/l/0", "/first", false), r#"{"l":[1,2]}"#, Some(r#"{"l":[2],"first":1}"#)),
    ]);
}

#[test]
fn each_operation_sees_what_the_one_before_it_left() {
    for (operations, document, wanted) in [
        (vec![rename("/a", "card"), mask("**.card", 2)], r#"{"a":"1234"}"#, r#"{"card":"****34"}"#),
        (
            vec![mask("**.card", 2), relocate("/card", "/open", true)],
            r#"{"card":"1234"}"#,
            r#"{"card":"****34","open":"****34"}"#,
        ),
        (vec![remove("/l/0"), remove("/l/0")], r#"{"l":[1,2,3]}"#, r#"{"l":[3]}"#),
        (vec![mask("/a", 4), mask("/a", 1)], r#"{"a":"12345678"}"#, r#"{"a":"****8"}"#),
        (vec![set("/a/b"), mask("**.b", 0)], "{}", r#"{"a":{"b":"****"}}"#),
        (vec![rename("/a", "b"), rename("/b", "c")], r#"{"a":1,"b":2}"#, r#"{"c":1}"#),
    ] {
        let words = format!("{operations:?}");
        assert_eq!(run(operations, document).as_deref(), Some(wanted), "{words}");
    }
}

fn unreadable(document: &str, refuses_duplicates: bool) -> &'static str {
    let program = Program::new(vec![remove("/x")], refuses_duplicates);
    match program.run(document, &[]) {
        Err(Stopped::Unreadable(unreadable)) => unreadable.why,
        other => panic!("{document}: {other:?}"),
    }
}

#[test]
fn what_readers_could_differ_about_is_unreadable() {
    let (deep, too_deep) = ("[".repeat(64) + &"]".repeat(64), "{\"a\":".repeat(65) + "1" + &"}".repeat(65));
    assert_eq!(run(vec![remove("/x")], &deep), None);
    for (document, why) in [
        (too_deep.as_str(), "64 levels"),
        ("", "a value is due"),
        ("  ", "a value is due"),
        ("\u{feff}{}", "byte order mark"),
        ("{} {}", "follows its end"),
        ("[1]]", "follows its end"),
        ("[1,]", "no value begins so"),
        ("{\"a\":1,}", "a key is missing"),
        ("{a:1}", "a key is missing"),
        ("{'a':1}", "a key is missing"),
        ("{\"a\" 1}", "a colon is missing"),
        ("[1 2]", "a comma or a bracket is missing"),
        ("[1}", "a comma or a bracket is missing"),
        ("[1", "ends within a list"),
        ("{\"a\"", "a colon is missing"),
        ("\"a", "ends within a text"),
        ("[01]", "a comma or a bracket is missing"),
        ("[-]", "lacks a digit"),
        ("[1.]", "lacks a digit"),
        ("[.5]", "no value begins so"),
        ("[1e]", "lacks a digit"),
        ("[+1]", "no value begins so"),
        ("[NaN]", "no value begins so"),
        ("[True]", "no value begins so"),
        ("[nul]", "no value begins so"),
        ("\"a\nb\"", "a control character"),
        ("\"a\tb and more of it\"", "a control character"),
        ("\"\0\"", "a control character"),
        (r#""\x41""#, "no such escape"),
        (r#""\u12g4""#, "no four digits"),
        (r#""\ud83d""#, "half of a character"),
        (r#""\ude00\ud83d""#, "half of a character"),
        (r#""\ud83dx\ude00""#, "half of a character"),
        (r#"{"\ud800":1}"#, "half of a character"),
        ("[1]\u{b}", "follows its end"),
        ("/* a */ 1", "no value begins so"),
    ] {
        assert!(unreadable(document, false).contains(why), "{document}: {}", unreadable(document, false));
    }
}

#[test]
fn duplicate_keys_are_refused_if_they_are_to_be() {
    for document in [r#"{"a":1,"a":2}"#, r#"{"a":1,"\u0061":2}"#, r#"[{"b":{"c":0,"d":{},"c":1}}]"#] {
        assert!(unreadable(document, true).contains("stands twice"), "{document}");
    }
    let program = Program::new(vec![remove("/x")], true);
    assert!(program.run(r#"{"a":{"a":1},"b":[{"a":1},{"a":2}],"A":0}"#, &[]).unwrap().is_none());
    let many: String = (0..8193).map(|number| format!("\"{number}\":0,")).collect();
    assert!(unreadable(&format!("{{{many}\"end\":0}}"), true).contains("8192 members"));
}

#[test]
fn there_is_a_bound_to_what_is_changed() {
    let list = |length: usize| format!("[{}\"a\"]", "\"a\",".repeat(length - 1));
    assert!(run(vec![mask("[*]", 0)], &list(16_384)).is_some());
    let hash = Operation::Mask(path("[*]"), Mask::Salted("salt".to_owned()));
    for (operation, length, why) in
        [(mask("[*]", 0), 16_385, "16,384 places"), (hash, 4097, "4,096 values would be hashed")]
    {
        let program = Program::new(vec![operation], false);
        let stopped = weir::testing::Host::new().enter(|| program.run(&list(length), &[]));
        assert!(matches!(stopped, Err(Stopped::Unreadable(unreadable)) if unreadable.why.contains(why)), "{why}");
    }
}
