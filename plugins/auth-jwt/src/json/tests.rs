//! What is read, and what is refused.

use super::object;

#[test]
fn members_are_found_as_they_are_meant() {
    let text =
        br#" { "a" : "x\u0041\n\ud83d\ude00\/" , "\u0062": [1, -2.5e+3 , true,null,{"c":[]}], "n": null,"e":{} } "#;
    let object = object(text).unwrap();
    assert_eq!(object.text("a").unwrap(), "xA\n\u{1f600}/");
    let list = object.get("b").unwrap();
    assert_eq!(list.plain(), r#"[1,-2.5e+3,true,null,{"c":[]}]"#);
    let items = list.items().unwrap();
    assert_eq!(
        items.iter().map(|item| item.written()).collect::<Vec<_>>(),
        ["1", "-2.5e+3", "true", "null", r#"{"c":[]}"#]
    );
    assert_eq!(items[4].object().unwrap().get("c").unwrap().items(), Some(Vec::new()));
    assert!(object.get("n").is_none() && object.has("n") && !object.has("c"));
    assert!(object.get("e").unwrap().object().is_some() && object.get("e").unwrap().items().is_none());
    let spaced = super::object(br#"{"a": ["x y", "\" , \\" , 1]}"#).unwrap();
    assert_eq!(spaced.get("a").unwrap().plain(), r#"["x y","\" , \\",1]"#);
}

#[test]
fn a_second_member_of_one_name_is_refused_at_every_level() {
    for text in
        [r#"{"a":1,"a":1}"#, r#"{"a":1,"\u0061":2}"#, r#"{"b":{"x":1,"y":2,"x":3}}"#, r#"{"b":[0,{"":1,"":2}]}"#]
    {
        assert_eq!(object(text.as_bytes()).unwrap_err(), "an object has two members of one name", "{text}");
    }
    assert!(object(br#"{"a":{"a":{"a":1},"b":{"a":1}},"b":[{"a":1},{"a":2}]}"#).is_ok());
}

#[test]
fn what_is_not_json_is_refused() {
    for text in [
        "",
        "null",
        "[]",
        "\"a\"",
        "1",
        "{",
        "}",
        "{}}",
        "{} {}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":1.}",
        "{\"a\":1e}",
        "{\"a\":-}",
        "{\"a\":NaN}",
        "{\"a\":tru}",
        "{\"a\":True}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\ud800\\u0041\"}",
        "{\"a\":\"\\udc00\"}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"",
        "{\"a\":\"\\",
        "{\"a\":[1,]}",
        "{\"a\":[1 2]}",
        "{\"a\":1 \"b\":2}",
        "\u{feff}{}",
        "{\"a\":1}\0",
        "{\"a\":\"\\u+123\"}",
        "{\"a\":\"\\u00\u{e9}\"}",
        "<html>",
        "{\"a\":/**/1}",
    ] {
        assert!(object(text.as_bytes()).is_err(), "{text}");
    }
    assert_eq!(object(b"{\"a\":\"\xff\"}").unwrap_err(), "it is not UTF-8");
}

#[test]
fn depth_and_members_have_an_end() {
    let nested = |depth| [r#"{"a":"#.repeat(depth), "1".into(), "}".repeat(depth)].concat();
    assert!(object(nested(16).as_bytes()).is_ok());
    for depth in [17, 4_000] {
        assert_eq!(object(nested(depth).as_bytes()).unwrap_err(), "it is nested too deeply");
    }
    let lists = ["{\"a\":", &"[".repeat(5_000)].concat();
    assert_eq!(object(lists.as_bytes()).unwrap_err(), "it is nested too deeply");
    let many = |members: u32| {
        let members: Vec<String> = (0..members).map(|member| format!("\"{member}\":0")).collect();
        ["{", &members.join(","), "}"].concat()
    };
    assert!(object(many(256).as_bytes()).is_ok());
    assert!(object(many(257).as_bytes()).is_err());
}
