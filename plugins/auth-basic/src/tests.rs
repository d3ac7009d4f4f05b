//! Who is let in and as whom, under the host of a test.

mod faults;
mod file;
mod passwords;

use super::AuthBasic;
use weir::Flow;
use weir::testing::Host;

/// A hash of bcrypt's form; which password belongs to it a test's host is told.
pub(crate) const ADA: &str = "$2y$04$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
pub(crate) const BOB: &str = "$argon2id$v=19$m=16,t=2,p=1$MTIzNDU2Nzg$TbRNLPOkXTmJyCjtdbzVYg";

/// A filter with the users ada, whose password is `sesame`, and bob, whose is `simsim`, and these keys.
fn filter(host: &mut Host, more: &str) -> AuthBasic {
    host.password(ADA, "sesame");
    host.password(BOB, "simsim");
    host.configure(&format!(r#"{{"users": {{"ada": "{ADA}", "bob": "{BOB}"}}{more}}}"#)).unwrap()
}

/// As clients write it.
fn basic(user: &str, password: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let written = format!("{user}:{password}");
    let mut text = "Basic ".to_owned();
    for group in written.as_bytes().chunks(3) {
        let bits = (0..3).fold(0, |bits, place| bits << 8 | usize::from(*group.get(place).unwrap_or(&0)));
        for place in 0..4 {
            let letter = char::from(LETTERS[bits >> (18 - 6 * place) & 63]);
            text.push(if place <= group.len() { letter } else { '=' });
        }
    }
    text
}

/// What comes of a request of this user.
fn shows(host: &mut Host, filter: &AuthBasic, user: &str, password: &str) -> Flow {
    host.request.fields.clear();
    host.request.header("authorization", basic(user, password));
    host.on_request(filter)
}

/// Status, reason, detail and challenge of the last answer; nothing in it helps who is not let in.
fn refused(host: &mut Host) -> (u16, String, String, Option<String>) {
    let reply = host.reply.take().expect("it answers");
    assert_eq!(reply.get("cache-control"), Some("no-store"));
    let texts = ["Unauthorized\n", "Bad request\n", "Not available now\n"];
    assert!(texts.contains(&reply.text().unwrap()), "{reply:?}");
    let challenge = reply.get("www-authenticate").map(str::to_owned);
    (reply.status, reply.code, reply.detail, challenge)
}

const CHALLENGE: &str = r#"Basic realm="Restricted", charset="UTF-8""#;

#[test]
fn a_password_says_who_asks_and_goes_no_further() {
    let mut host = Host::new();
    let filter = filter(&mut host, r#", "headers": {"x-user": "id"}"#);
    host.request.header("X-User", "root").header("x_user", "root").header("Authorization", basic("ada", "sesame"));
    host.vars.insert("auth.roles".into(), "not ours".into());
    assert_eq!(host.on_request(&filter), Flow::Next);
    let vars: Vec<_> = host.vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(vars, [("auth.method", "basic"), ("auth.roles", "not ours"), ("user.id", "ada")]);
    let fields: Vec<_> = host.request.fields.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
    assert_eq!(fields, [("x-user", &b"ada"[..])]);
    assert_eq!(shows(&mut host, &filter, "bob", "simsim"), Flow::Next);
    assert_eq!(host.vars["user.id"], "bob");
}

#[test]
fn the_upstream_gets_the_password_only_where_that_is_wanted() {
    let mut host = Host::new();
    let forwards = filter(&mut host, r#", "forward": true"#);
    assert_eq!(shows(&mut host, &forwards, "ada", "sesame"), Flow::Next);
    assert_eq!(host.request.get("authorization"), Some("Basic YWRhOnNlc2FtZQ=="));
}

#[test]
fn without_a_password_or_with_a_wrong_one_nobody_is_let_in() {
    let mut host = Host::new();
    let usual = filter(&mut host, "");
    assert_eq!(host.on_request(&usual), Flow::Stop);
    assert_eq!(refused(&mut host), (401, "no-credentials".into(), String::new(), Some(CHALLENGE.into())));
    host.request.header("authorization", "Bearer abc");
    assert_eq!(host.on_request(&usual), Flow::Stop);
    assert_eq!(refused(&mut host).1, "no-credentials");
    for (user, password, code, detail) in [
        ("ada", "simsim", "wrong-password", "that of `ada`"),
        ("ada", "", "wrong-password", "that of `ada`"),
        ("ada", "Sesame", "wrong-password", "that of `ada`"),
        // Of who is not there nothing is told: it may be a password in the wrong place.
        ("eve", "sesame", "unknown-user", ""),
        ("Ada", "sesame", "unknown-user", ""),
        ("", "", "unknown-user", ""),
    ] {
        assert_eq!(shows(&mut host, &usual, user, password), Flow::Stop, "{user}:{password}");
        let wanted = (401, code.to_owned(), detail.to_owned(), Some(CHALLENGE.to_owned()));
        assert_eq!(refused(&mut host), wanted, "{user}:{password}");
    }
    assert!(host.vars.is_empty());
}

#[test]
fn who_is_not_there_is_refused_even_with_the_password_that_was_looked_at() {
    let mut host = Host::new();
    let usual = filter(&mut host, "");
    for user in 0..50 {
        for password in ["sesame", "simsim"] {
            assert_eq!(shows(&mut host, &usual, &format!("nobody-{user}"), password), Flow::Stop);
            assert_eq!(refused(&mut host).1, "unknown-user");
        }
    }
}

#[test]
fn malformed_credentials_are_a_malformed_request() {
    let mut host = Host::new();
    let usual = filter(&mut host, r#", "optional": true"#);
    for value in ["Basic", "Basic YWRhOnNlc2FtZQ", "Basic !", "Basic YWRh", "Basic YWRhOgo="] {
        host.request.fields.clear();
        host.request.header("authorization", value);
        assert_eq!(host.on_request(&usual), Flow::Stop, "{value}");
        let (status, code, detail, challenge) = refused(&mut host);
        assert_eq!((status, code.as_str(), challenge), (400, "malformed-credentials", None), "{value}");
        assert!(!detail.is_empty() && !detail.contains("YWRh"), "{detail}");
    }
    host.request.fields.clear();
    host.request.header("authorization", basic("ada", "sesame")).header("authorization", "Bearer abc");
    assert_eq!(host.on_request(&usual), Flow::Stop);
    assert_eq!(refused(&mut host), (400, "several-credentials".into(), String::new(), None));
}

#[test]
fn an_optional_user_may_be_missing_and_never_wrong() {
    let mut host = Host::new();
    let optional = filter(&mut host, r#", "optional": true, "realm": "the vault", "headers": {"x-user": "id"}"#);
    host.vars.insert("user.id".into(), "who a filter before found out".into());
    host.request.header("x-user", "root");
    assert_eq!(host.on_request(&optional), Flow::Next);
    assert_eq!((host.vars["user.id"].as_str(), host.request.get("x-user")), ("who a filter before found out", None));
    host.request.header("authorization", "Bearer abc");
    assert_eq!(host.on_request(&optional), Flow::Next);
    assert_eq!(host.request.get("authorization"), Some("Bearer abc"));
    assert_eq!(shows(&mut host, &optional, "ada", "wrong"), Flow::Stop);
    assert_eq!(refused(&mut host).3.as_deref(), Some(r#"Basic realm="the vault", charset="UTF-8""#));
}
