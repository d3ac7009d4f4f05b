//! When a slow hash is computed, and what is remembered of it.

use std::time::Duration;

use super::{ADA, BOB, filter, refused, shows};
use crate::AuthBasic;
use weir::testing::Host;
use weir::{Flow, Level, password, store};

/// As if the slow hash could not be computed: whoever needs it is refused.
fn no_slow_hash(host: &mut Host) {
    host.password(ADA, "nobody's");
}

#[test]
fn a_password_that_was_right_needs_no_slow_hash_for_a_while() {
    let mut host = Host::new();
    let usual = filter(&mut host, "");
    assert_eq!(shows(&mut host, &usual, "ada", "sesame"), Flow::Next);
    no_slow_hash(&mut host);
    assert_eq!(shows(&mut host, &usual, "ada", "sesame"), Flow::Next);
    assert_eq!(host.vars["user.id"], "ada");
    // It is about this password and this user.
    for (user, password) in [("ada", "sesam"), ("ada", "simsim"), ("ad", "a:sesame"), ("adas", "esame")] {
        assert_eq!(shows(&mut host, &usual, user, password), Flow::Stop, "{user}:{password}");
    }
    host.advance(Duration::from_mins(5));
    assert_eq!(shows(&mut host, &usual, "ada", "sesame"), Flow::Stop);
    assert_eq!(refused(&mut host).1, "wrong-password");
}

#[test]
fn what_is_in_use_stays_known() {
    let mut host = Host::new();
    let usual = filter(&mut host, r#", "cache": "10m""#);
    assert_eq!(shows(&mut host, &usual, "ada", "sesame"), Flow::Next);
    no_slow_hash(&mut host);
    for _ in 0..10 {
        host.advance(Duration::from_mins(6));
        assert_eq!(shows(&mut host, &usual, "ada", "sesame"), Flow::Next);
    }
    host.advance(Duration::from_mins(10));
    assert_eq!(shows(&mut host, &usual, "ada", "sesame"), Flow::Stop);
}

#[test]
fn with_no_time_to_remember_each_request_takes_a_slow_hash() {
    let mut host = Host::new();
    let usual = filter(&mut host, r#", "cache": "0s""#);
    assert_eq!(shows(&mut host, &usual, "ada", "sesame"), Flow::Next);
    no_slow_hash(&mut host);
    assert_eq!(shows(&mut host, &usual, "ada", "sesame"), Flow::Stop);
}

#[test]
fn wrong_passwords_are_not_remembered() {
    let mut host = Host::new();
    let usual = filter(&mut host, "");
    host.password(ADA, "another");
    assert_eq!(shows(&mut host, &usual, "ada", "sesame"), Flow::Stop);
    host.password(ADA, "sesame");
    assert_eq!(shows(&mut host, &usual, "ada", "sesame"), Flow::Next);
}

#[test]
fn another_hash_of_the_user_ends_what_was_remembered() {
    let mut host = Host::new();
    let another = ADA.replace("aaaa", "bbbb");
    host.password(ADA, "sesame");
    host.password(&another, "new");
    host.document("/file", Some(&format!("ada:{ADA}\n")));
    let filed: AuthBasic = host.configure(r#"{"file": "/file"}"#).unwrap();
    assert_eq!(shows(&mut host, &filed, "ada", "sesame"), Flow::Next);
    host.document("/file", Some(&format!("ada:{another}\n")));
    assert_eq!(shows(&mut host, &filed, "ada", "sesame"), Flow::Stop);
    assert_eq!(shows(&mut host, &filed, "ada", "new"), Flow::Next);
    host.document("/file", Some("# nobody\n"));
    assert_eq!(shows(&mut host, &filed, "ada", "new"), Flow::Stop);
    assert_eq!(refused(&mut host).1, "unknown-user");
}

#[test]
fn a_store_that_does_not_work_costs_slow_hashes_and_lets_nobody_in() {
    let mut host = Host::new();
    let usual = filter(&mut host, "");
    for error in [store::Error::Unavailable, store::Error::TooLarge] {
        host.stores.fail(Some(error));
        assert_eq!(shows(&mut host, &usual, "ada", "sesame"), Flow::Next);
        assert_eq!(shows(&mut host, &usual, "ada", "wrong"), Flow::Stop);
        assert_eq!(refused(&mut host).1, "wrong-password");
    }
    assert!(host.log.iter().all(|(level, _)| *level == Level::Warn), "{:?}", host.log);
}

#[test]
fn while_too_many_passwords_are_checked_others_are_told_to_come_again() {
    let mut host = Host::new();
    let usual = filter(&mut host, "");
    // One is known before.
    assert_eq!(shows(&mut host, &usual, "bob", "simsim"), Flow::Next);
    host.passwords_fail(Some(password::Error::Overloaded));
    for (user, password) in [("ada", "sesame"), ("ada", "wrong"), ("eve", "sesame")] {
        assert_eq!(shows(&mut host, &usual, user, password), Flow::Stop);
        assert_eq!(host.reply.as_ref().unwrap().get("retry-after"), Some("1"));
        let (status, code, _, challenge) = refused(&mut host);
        assert_eq!((status, code.as_str(), challenge), (503, "busy", None));
    }
    assert_eq!(shows(&mut host, &usual, "bob", "simsim"), Flow::Next);
}

#[test]
fn of_what_bcrypt_would_cut_nothing_is_let_in() {
    let (fits, over) = ("x".repeat(72), "x".repeat(73));
    let mut host = Host::new();
    let usual = filter(&mut host, "");
    host.password(ADA, &fits);
    assert_eq!(shows(&mut host, &usual, "ada", &fits), Flow::Next);
    host.password(ADA, &over);
    assert_eq!(shows(&mut host, &usual, "ada", &over), Flow::Stop);
    assert_eq!(refused(&mut host).1, "wrong-password");
    // argon2 takes all of it.
    host.password(BOB, &over);
    assert_eq!(shows(&mut host, &usual, "bob", &over), Flow::Next);
}

#[test]
fn a_hash_that_the_host_does_not_check_lets_nobody_in_and_is_told() {
    let mut host = Host::new();
    let filter: AuthBasic = host.configure(&format!(r#"{{"users": {{"ada": "{ADA}"}}}}"#)).unwrap();
    assert_eq!(shows(&mut host, &filter, "ada", "sesame"), Flow::Stop);
    let (status, code, _, challenge) = refused(&mut host);
    assert_eq!((status, code.as_str(), challenge.as_deref()), (401, "unusable-hash", Some(super::CHALLENGE)));
    assert_eq!(host.log[0].0, Level::Error);
}

#[test]
fn the_store_has_neither_names_nor_passwords() {
    let mut host = Host::new();
    let usual = filter(&mut host, "");
    assert_eq!(shows(&mut host, &usual, "ada", "sesame"), Flow::Next);
    let held = format!("{:?}", host.stores);
    assert!(held.contains("verified/"), "{held}");
    for secret in ["ada", "sesame", "c2VzYW1l", &ADA[7..20]] {
        assert!(!held.contains(secret), "{held}");
    }
    // SHA-256 of the password, and of both.
    assert!(!held.contains("d0c04f4b"), "{held}");
}
