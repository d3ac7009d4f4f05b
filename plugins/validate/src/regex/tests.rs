use super::{Program, Scratch};
use crate::steps::Steps;

fn finds(pattern: &str, text: &str) -> bool {
    let program = Program::new(pattern).unwrap_or_else(|why| panic!("{pattern}: {why}"));
    program.finds(text, &mut Scratch::default(), &mut Steps::new(1_000_000)).unwrap()
}

#[test]
fn patterns_find_what_ecmascript_finds() {
    for (pattern, found, not) in [
        ("", "", None),
        ("a", "cat", Some("dog")),
        ("^a", "ab", Some("ba")),
        ("a$", "ba", Some("a\n")),
        ("^$", "", Some("a")),
        ("a|bc|", "x", None),
        ("^(a|bc)$", "bc", Some("b")),
        ("^ab*c+d?$", "accd", Some("ad")),
        ("^a{2}$", "aa", Some("aaa")),
        ("^a{2,}$", "aaaa", Some("a")),
        ("^a{2,3}$", "aaa", Some("aaaa")),
        ("^a{,3}$", "a{,3}", Some("aaa")),
        ("^x{a}$", "x{a}", Some("x")),
        ("^a+?b*?$", "aab", Some("b")),
        ("^[a-c_-]+$", "a-_b", Some("d")),
        ("^[^a-c]$", "\u{1F600}", Some("a")),
        ("^[]$|^[^]$", "a", Some("")),
        ("^[\\w.]+$", "a_9.Z", Some("\u{e4}")),
        ("^\\d+$", "0129", Some("\u{9ea}")),
        ("^\\s$", "\u{feff}", Some("a")),
        ("^\\S\\D\\W$", "ab-", Some("a1-")),
        ("^[\\s\\S]$", "\n", Some("")),
        ("^.$", "\u{1F600}", Some("\u{2028}")),
        ("\\bcat\\b", "a cat!", Some("concat")),
        ("\\Bcat", "concat", Some("cat")),
        ("^\\x41\\u0042\\u{43}\\cJ\\0$", "ABC\n\0", Some("ABC")),
        ("^\\uD83D\\uDE00$", "\u{1F600}", Some("x")),
        ("^\\/\\.\\-\\_$", "/.-_", Some("/x-_")),
        ("^[\\b]$", "\u{8}", Some("b")),
        ("^(?:a)(?<name>b)$", "ab", Some("a")),
        ("^\\p{L}+$", "\u{e9}t\u{e9}", Some("a1")),
        ("^\\p{Lu}\\P{Lu}$", "Ab", Some("AB")),
        ("^[^\\p{Lu}0-9]$", "b", Some("B")),
        ("^[\\P{L}x]$", "x", Some("y")),
        ("^\\p{Alphabetic}$", "\u{e4}", Some("1")),
        ("^\\p{gc=Nd}$", "\u{9ea}", Some("x")),
        ("^(a*)*$", "aaa", Some("b")),
        ("^(|a)+$", "aa", Some("b")),
        ("^(a?){3}$", "aa", Some("aaaa")),
        ("]}", "]}", Some("]")),
    ] {
        assert!(finds(pattern, found), "{pattern} {found}");
        if let Some(not) = not {
            assert!(!finds(pattern, not), "{pattern} {not}");
        }
    }
}

#[test]
fn what_cannot_be_expressed_is_refused_with_the_reason() {
    for (pattern, why) in [
        ("(?=a)", "look-ahead"),
        ("(?!a)", "look-ahead"),
        ("(?<=a)b", "look-behind"),
        ("(?<!a)b", "look-behind"),
        ("(a)\\1", "references"),
        ("(?<n>a)\\k<n>", "references"),
        ("(?i:a)", "kind of group"),
        ("(a", "not closed"),
        ("a)", "closes nothing"),
        ("[a", "not closed"),
        ("[b-a]", "range"),
        ("*a", "quantifier"),
        ("a**", "quantifier"),
        ("a{3,2}", "wrong way round"),
        ("a{1001}", "1000"),
        ("(a{100}){100}", "too large"),
        ("^*", "assertion"),
        ("\\a", "no escape"),
        ("\\", "backslash"),
        ("\\p{Script=Greek}", "not supported"),
        ("\\pL", "braces"),
        ("\\uD800", "surrogate"),
        ("\\u{110000}", "no such character"),
        ("\\xg0", "hexadecimal"),
        ("\\c1", "letter"),
    ] {
        let said = Program::new(pattern).unwrap_err();
        assert!(said.contains(why), "{pattern}: {said}");
    }
    assert!(Program::new(&"(".repeat(100)).unwrap_err().contains("nested"));
    // Nothing, repeated without end, is read at once.
    assert!(finds("((((((){1000}){1000}){1000}){1000}){1000}){1000}", ""));
}

#[test]
fn no_text_makes_a_pattern_slow() {
    let text = "a".repeat(20_000) + "!";
    for pattern in ["^(a+)+$", "^(a|aa)+$", "^(a*)*b", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$"] {
        let (program, mut steps) = (Program::new(pattern).unwrap(), Steps::new(1_000_000));
        assert_eq!(program.finds(&text, &mut Scratch::default(), &mut steps), Ok(false), "{pattern}");
        assert!(steps.left() > 1_000_000 - 24 * 20_001, "{pattern} {}", steps.left());
    }
    let steps = &mut Steps::new(100);
    assert!(Program::new("b").unwrap().finds(&text, &mut Scratch::default(), steps).is_err());
}
