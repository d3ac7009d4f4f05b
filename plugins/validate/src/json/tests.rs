use super::{At, Bounds, Json, Kind, ROOT, Unreadable, equal, read};
use crate::steps::Steps;

const BOUNDS: Bounds = Bounds { depth: 4, steps: 100, duplicates: false };

fn said(text: impl AsRef<[u8]>) -> Result<Json, Unreadable> {
    read(text.as_ref().to_vec(), &BOUNDS)
}

fn at(json: &Json, pointer: &str) -> At {
    *json.way_from(ROOT, pointer).unwrap().last().unwrap()
}

#[test]
fn values_are_found_as_they_were_written() {
    let text = " {\"a\" : [1.50, -0e+1, {\"\\u00e4\\ud83d\\ude00\\n/\": null}, [], {}], \"b~/\": true, \"\": \"\u{e4}\", \"c\": false}\n";
    let json = said(text).unwrap();
    assert_eq!((json.count(ROOT), json.count(at(&json, "/a"))), (4, 5));
    assert_eq!(json.text(at(&json, "/a/0")), "1.50");
    assert_eq!(json.text(at(&json, "/a/1")), "-0e+1");
    assert_eq!(json.members(at(&json, "/a/2")).next().unwrap().0, "\u{e4}\u{1F600}\n/");
    assert_eq!(json.kind(at(&json, "/a/2/\u{e4}\u{1F600}\n~1")), Kind::Null);
    assert_eq!((json.kind(at(&json, "/a/3")), json.kind(at(&json, "/a/4"))), (Kind::Array, Kind::Object));
    assert_eq!(json.kind(at(&json, "/b~0~1")), Kind::True);
    assert_eq!(json.string(at(&json, "/")), Some("\u{e4}"));
    for pointer in ["", "/a", "/a/0", "/a/2", "/a/4", "/b~0~1", "/", "/c"] {
        assert_eq!(json.pointer(at(&json, pointer)), pointer);
    }
    for none in ["/d", "/a/5", "/a/x", "/b/c", "a"] {
        assert_eq!(json.way_from(ROOT, none), None, "{none}");
    }
}

#[test]
fn what_is_not_json_is_refused_with_its_place() {
    for (text, place) in [
        ("", 0),
        ("  ", 2),
        ("nul", 0),
        ("tru e", 0),
        ("01", 1),
        ("+1", 0),
        ("1.", 2),
        (".5", 0),
        ("1e", 2),
        ("-", 1),
        ("1x", 1),
        ("NaN", 0),
        ("[1,]", 3),
        ("[1 2]", 3),
        ("{\"a\" 1}", 5),
        ("{\"a\":}", 5),
        ("{a:1}", 1),
        ("{\"a\":1,}", 7),
        ("[1]]", 3),
        ("1 2", 2),
        ("\"a", 2),
        ("\"a\nb\"", 2),
        ("\"\\x\"", 2),
        ("\"\\u12g4\"", 5),
        ("'a'", 0),
        ("[", 1),
        ("{", 1),
        ("{\"a\":1", 6),
        ("/**/1", 0),
        ("\u{feff}1", 0),
        ("1\0", 1),
        ("[1}", 2),
    ] {
        match said(text) {
            Err(Unreadable::Syntax(_, at)) => assert_eq!(at, place, "{text:?}"),
            other => panic!("{text:?}: {other:?}"),
        }
    }
    for half in ["\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800x\""] {
        assert!(matches!(said(half), Err(Unreadable::Syntax(why, _)) if why.contains("surrogate")), "{half}");
    }
    assert_eq!(said(b"\"a\xff\"").unwrap_err(), Unreadable::Encoding(2));
    assert_eq!(said(b"\"\xc0\x80\"").unwrap_err(), Unreadable::Encoding(1));
    assert_eq!(said(b"\"\xed\xa0\x80\"").unwrap_err(), Unreadable::Encoding(1));
}

#[test]
fn what_is_too_much_is_refused() {
    assert!(said("[[[[1]]]]").is_ok());
    assert_eq!(said("[[[[[1]]]]]").unwrap_err(), Unreadable::Deep);
    assert_eq!(said("[".repeat(1_000)).unwrap_err(), Unreadable::Deep);
    let list = |count: usize| format!("[{}1]", "1,".repeat(count - 1));
    assert!(said(list(90)).is_ok());
    assert_eq!(said(list(110)).unwrap_err(), Unreadable::Large);
}

#[test]
fn a_name_may_stand_in_an_object_once() {
    let twice = |text: &str| said(text).map(|_| ());
    assert_eq!(twice("{\"a\":1,\"b\":{\"c\":1,\"\\u0063\":2}}"), Err(Unreadable::Duplicate("/b/c".into())));
    let wide = Bounds { steps: 1000, ..BOUNDS };
    let twice = |text: &str| read(text.as_bytes().to_vec(), &wide).map(|_| ());
    let many: String = (0..30).map(|index| format!("\"k{index}\":0,")).collect();
    assert_eq!(twice(&format!("{{{many}\"k31\":0}}")), Ok(()));
    assert_eq!(twice(&format!("{{{many}\"k7\":0}}")), Err(Unreadable::Duplicate("/k7".into())));
    assert_eq!(twice("[{\"a\":1},{\"a\":1}]"), Ok(()));
    assert!(read(b"{\"a\":1,\"a\":2}".to_vec(), &Bounds { duplicates: true, ..BOUNDS }).is_ok());
}

#[test]
fn values_are_the_same_whatever_their_spelling() {
    let are = |one: &str, other: &str| {
        let (one, other) = (said(one).unwrap(), said(other).unwrap());
        let steps = &mut Steps::new(10_000);
        let are = equal((&one, ROOT), (&other, ROOT), steps).unwrap();
        let prints = [&one, &other].map(|json| super::fingerprint(json, ROOT, steps).unwrap());
        assert!(!are || prints[0] == prints[1]);
        are
    };
    for (one, other) in [
        ("{\"a\":1,\"b\":[2.0]}", "{\"b\":[2],\"a\":1.0}"),
        ("\"\\u0061\"", "\"a\""),
        ("1e2", "100"),
        ("9007199254740993", "9007199254740993.0"),
        ("[]", "[ ]"),
    ] {
        assert!(are(one, other), "{one} {other}");
    }
    for (one, other) in [
        ("0", "false"),
        ("1", "true"),
        ("9007199254740992", "9007199254740993"),
        ("[1,2]", "[2,1]"),
        ("{}", "[]"),
        ("{\"a\":1}", "{\"b\":1}"),
        ("{\"a\":1,\"b\":2}", "{\"a\":2,\"b\":1}"),
        ("\"1\"", "1"),
        ("null", "0"),
        ("[1]", "[1,1]"),
        ("{\"a\":1,\"c\":3}", "{\"c\":3,\"b\":1}"),
    ] {
        assert!(!are(one, other), "{one} {other}");
    }
}
