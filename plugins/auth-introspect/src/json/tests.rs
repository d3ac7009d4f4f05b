//! What is JSON and what is not.

use super::Value;

/// Read and written again.
fn again(text: &str) -> Result<String, &'static str> {
    let mut written = String::new();
    Value::read(text.as_bytes())?.write(&mut written);
    Ok(written)
}

#[test]
fn what_is_read_is_written_compactly_and_numbers_keep_their_digits() {
    for (text, written) in [
        (" { \"a\" : [ 1 , -0 , 1.50 , 2E+7, 12345678901234567890123 ] , \"b\" : { } } \n", None),
        ("{\"a\":[1,-0,1.50,2E+7,12345678901234567890123],\"b\":{}}", None),
        ("[true,false,null,[],\"\"]", None),
        (r#""\"\\\/\b\f\n\r\tA\u00e9\ud83d\ude00ü""#, Some("\"\\\"\\\\/\\u0008\\u000c\\u000a\\u000d\\u0009Aé😀ü\"")),
    ] {
        let once = again(text).unwrap();
        if let Some(written) = written {
            assert_eq!(once, written, "{text}");
        }
        assert_eq!(again(&once).unwrap(), once, "{text}");
    }
    assert_eq!(again(" [ 1.50 , 12345678901234567890123 ]").unwrap(), "[1.50,12345678901234567890123]");
}

#[test]
fn what_is_not_json_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "[",
        "[1",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "tru",
        "nul",
        "True",
        "01",
        "-",
        "+1",
        ".5",
        "1.",
        "1e",
        "1e+",
        "0x1",
        "--1",
        "1-1",
        "\"",
        "\"a",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "'a'",
        "NaN",
        "<html>",
        "1 2",
        "{} {}",
        "\u{feff}{}",
    ] {
        assert!(again(text).is_err(), "{text}");
    }
    assert_eq!(again("\"a\nb\""), Err("a text in it has a control character"));
    for half in [r#""\ud800""#, r#""\ud800A""#, r#""\udc00""#, r#""\ud800x""#] {
        assert_eq!(again(half), Err("a text in it has half a character"), "{half}");
    }
    assert_eq!(Value::read(b"\"\xff\""), Err("it is not UTF-8"));
}

#[test]
fn a_member_stands_there_once_at_any_level() {
    for text in [
        r#"{"active":false,"active":true}"#,
        r#"{"a":{"b":1,"c":2,"b":1}}"#,
        r#"[{"a":[{"x":1,"x":2}]}]"#,
        r#"{"active":false,"\u0061ctive":true}"#,
    ] {
        assert_eq!(again(text), Err("a member stands in it twice"), "{text}");
    }
    assert!(again(r#"{"a":{"a":{"a":1}},"A":2}"#).is_ok());
}

#[test]
fn nesting_has_an_end() {
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert!(again(&nested(16)).is_ok());
    for levels in [17, 30_000] {
        assert_eq!(again(&nested(levels)), Err("it is nested more than 16 levels deep"));
        assert!(again(&"{\"a\":".repeat(levels)).is_err());
    }
}
