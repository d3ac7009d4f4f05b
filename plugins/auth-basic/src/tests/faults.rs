//! What is wrong with a configuration.

use super::ADA;
use crate::AuthBasic;
use weir::testing::Host;

fn faults(config: &str) -> Vec<(String, String)> {
    let mut host = Host::new();
    host.document("/file", None);
    let faults = host.configure::<AuthBasic>(config).err().expect("it is refused");
    faults.iter().map(|fault| (fault.pointer.clone(), fault.message.clone())).collect()
}

fn places(config: &str) -> Vec<String> {
    faults(config).into_iter().map(|(pointer, _)| pointer).collect()
}

#[test]
fn faults_are_told_all_at_once_where_they_are() {
    assert_eq!(places("{}"), [""]);
    assert_eq!(
        places(
            r#"{"file": "/file", "refresh": "500ms", "realm": "a\\b", "cache": "25h",
                "vars": {"User": "id", "user.name": "name"}, "headers": {"Authorization": "id", "host": "id"}}"#
        ),
        ["/refresh", "/realm", "/cache", "/headers/Authorization", "/vars/user.name", "/vars/User", "/headers/host"]
    );
    let config = format!(
        r#"{{"users": {{"ada": "hunter2", "b/o~b": "{{SHA}}x", "e:ve": "{ADA}", "": "{ADA}", "ok": "{ADA}"}}}}"#
    );
    let told = faults(&config);
    let places: Vec<&str> = told.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(places, ["/users/", "/users/ada", "/users/b~1o~0b", "/users/e:ve"]);
    assert!(told[1].1.contains("htpasswd -nB") && !told[1].1.contains("hunter2"), "{told:?}");
    let many: String = (0..1000).map(|number| format!(r#""user-{number}": "{ADA}","#)).collect();
    assert_eq!(self::places(&format!(r#"{{"users": {{{many} "ada": "{ADA}"}}}}"#)), ["/users"]);
}

#[test]
fn what_is_written_is_marked_as_not_to_be_shown() {
    let schema: serde_json::Value = serde_json::from_str(&weir::testing::schema::<crate::Config>()).unwrap();
    assert_eq!(schema["properties"]["users"]["additionalProperties"]["writeOnly"], true, "{schema}");
    assert_eq!(schema["properties"]["vars"]["default"]["user.id"], "id");
    assert_eq!(schema["properties"]["store"]["x-weir"], "store", "{schema}");
}
