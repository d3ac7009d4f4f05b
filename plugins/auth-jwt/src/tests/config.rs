//! What is wrong with a configuration, all of it where it is.

use super::issuer::host;
use crate::AuthJwt;

fn faults(config: &str) -> Vec<String> {
    let faults = host(None).configure::<AuthJwt>(config).err().unwrap_or_default();
    faults.iter().map(|fault| fault.pointer.clone()).collect()
}

#[test]
fn faults_are_told_all_at_once_where_they_are() {
    for (config, pointers) in [
        ("{}", &[""][..]),
        (r#"{"jwks":"keys","secret":"secret"}"#, &["/secret"]),
        (r#"{"jwks":"other"}"#, &["/jwks"]),
        (r#"{"secret":"secret","algorithms":["HS256","RS256"]}"#, &["/algorithms"]),
        (r#"{"jwks":"keys","algorithms":[]}"#, &["/algorithms"]),
        (r#"{"jwks":"keys","algorithms":["none"]}"#, &["/algorithms/0"]),
        (r#"{"jwks":"keys","algorithms":["rs256"]}"#, &["/algorithms/0"]),
        (
            r#"{"jwks":"keys","issuer":"","leeway":"6m","refresh":"0s","refetch":"500ms"}"#,
            &["/issuer", "/leeway", "/refresh", "/refetch"],
        ),
        (r#"{"jwks":"keys","from":[]}"#, &["/from"]),
        (
            r#"{"jwks":"keys","from":["bearer","body","header:","cookie:a b","query:","bearer","header:Authorization","header:cookie","header:X-T","header:x-t"]}"#,
            &["/from/1", "/from/2", "/from/3", "/from/4", "/from/5", "/from/6", "/from/7", "/from/9"],
        ),
        (
            r#"{"jwks":"keys","claims":{"auth.method":"sub","User":"sub","user.id":"","user.x":"/a~"},"headers":{"host":"sub","x y":"sub","x-a":"/~","Authorization":"sub","Cookie":"sub"}}"#,
            &[
                "/claims/User",
                "/claims/auth.method",
                "/claims/user.id",
                "/claims/user.x",
                "/headers/Authorization",
                "/headers/Cookie",
                "/headers/host",
                "/headers/x y",
                "/headers/x-a",
            ],
        ),
        (r#"{"jwks":"keys","realm":"a\"b","cache":100001}"#, &["/realm", "/cache"]),
        (
            r#"{"jwks":"keys","required_claims":["",{"scope":"a b"},{"scope":["a\"b"]}]}"#,
            &["/required_claims/0", "/required_claims/1", "/required_claims/2"],
        ),
        (r#"{"jwks":"keys","required_claims":[{"a":[]}]}"#, &["/required_claims/0"]),
        (r#"{"jwks":"keys","required_claims":[{"a":"b","c":"d"}]}"#, &["/required_claims/0"]),
        (r#"{"jwks":"keys","required_claims":[{}]}"#, &["/required_claims/0"]),
        (r#"{"jwks":"keys","required_claims":[7]}"#, &["/required_claims/0"]),
        (r#"{"jwks":"keys","audiences":["a"]}"#, &["/audiences"]),
        (r#"{"issuer":"a","jwks":"keys","issuers":[{"issuer":"b","jwks":"keys"}]}"#, &["/jwks", "/issuer"]),
        (
            r#"{"issuers":[{"issuer":"b","jwks":"keys"},{"issuer":"b","secret":"secret"},{"issuer":"c"}]}"#,
            &["/issuers/1/issuer", "/issuers/2"],
        ),
        (r#"{"issuers":[{"jwks":"keys"}]}"#, &["/issuers/0"]),
        (r#"{"jwks":"keys","from":["header:x-token"],"headers":{"X-Token":"sub"}}"#, &["/headers/X-Token"]),
        // What is wrong for all is told once, what is one's own with it.
        (
            r#"{"leeway":"1h","issuers":[{"issuer":"b","jwks":"keys"},{"issuer":"c","jwks":"keys"},{"issuer":"d","jwks":"keys","leeway":"2h"}]}"#,
            &["/leeway", "/issuers/2/leeway"],
        ),
    ] {
        assert_eq!(faults(config), pointers, "{config}");
    }
}

#[test]
fn what_is_right_has_no_faults() {
    for config in [
        r#"{"jwks":"keys"}"#,
        r#"{"secret":"secret","algorithms":["HS512"]}"#,
        r#"{"jwks":"keys","algorithms":["RS256","HS256"],"required_claims":["sub",{"role":["admin"]},{"ok":true},{"/a/b":3}]}"#,
        r#"{"issuers":[{"issuer":"b","jwks":"keys","audience":[]},{"issuer":"c","secret":"secret","max_age":"1h"}]}"#,
        r#"{"jwks":"keys","from":["cookie:session"],"claims":{},"headers":{"x-user":"/a/b"},"cache":0}"#,
    ] {
        assert_eq!(faults(config), [""; 0], "{config}");
    }
}
