//! Users of a file, which changes.

use std::fmt::Write;
use std::rc::Rc;

use super::{ADA, BOB, refused, shows};
use crate::AuthBasic;
use crate::htpasswd::Text;
use weir::document::Parse;
use weir::testing::Host;
use weir::{Ended, Flow, Level};

fn filter(host: &mut Host, text: Option<&str>) -> AuthBasic {
    host.password(ADA, "sesame");
    host.password(BOB, "simsim");
    host.document("/file", text);
    host.configure(r#"{"file": "/file", "refresh": "5m"}"#).unwrap()
}

#[test]
fn a_file_is_read_as_htpasswd_and_nginx_write_it() {
    let mut host = Host::new();
    let text = format!("\u{feff}# users\r\n\r\nada lovelace:{ADA}\r\n#eve:{BOB}\nZo\u{eb}:{BOB}:since March\n");
    let filter = filter(&mut host, Some(&text));
    assert_eq!(host.kept_fresh["/file"], std::time::Duration::from_secs(300));
    for (user, password, flow) in [
        ("ada lovelace", "sesame", Flow::Next),
        ("Zo\u{eb}", "simsim", Flow::Next),
        ("eve", "simsim", Flow::Stop),
        ("#eve", "simsim", Flow::Stop),
    ] {
        assert_eq!(shows(&mut host, &filter, user, password), flow, "{user}");
    }
    assert_eq!(host.log, []);
}

#[test]
fn a_broken_text_changes_nothing_and_is_told_once_with_its_line() {
    for (broken, words) in [
        (
            format!("eve:{BOB}\nbob:{{SHA}}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n"),
            "line 2: SHA-1 is no slow hash; make one with `htpasswd -nB",
        ),
        ("eve:$apr1$VZqaXSY4$hk7pSrYS1LnYdKyhkCKuN1\n".to_owned(), "line 1: MD5"),
        ("eve:hunter2\n".to_owned(), "line 1: this is no slow hash, but a password itself"),
        (format!("eve:{BOB}\n\n#\neve:{ADA}\n"), "line 4: this user stands in line 1 already"),
        (format!(":{BOB}\n"), "line 1: a user's name has 1 to 255 bytes"),
        (format!("e\tve:{BOB}\n"), "line 1: a user's name has no colon"),
        ("eve\n".to_owned(), "line 1: this is no `NAME:HASH`"),
    ] {
        let mut host = Host::new();
        let filter = filter(&mut host, Some(&format!("ada:{ADA}\n")));
        assert_eq!(shows(&mut host, &filter, "ada", "sesame"), Flow::Next);
        host.document("/file", Some(&broken));
        for _ in 0..3 {
            assert_eq!(shows(&mut host, &filter, "ada", "sesame"), Flow::Next, "{broken}");
            assert_eq!(shows(&mut host, &filter, "eve", "simsim"), Flow::Stop, "{broken}");
        }
        let (level, line) = &host.log[0];
        assert_eq!((*level, host.log.len()), (Level::Error, 1), "{:?}", host.log);
        assert!(line.contains(words) && line.ends_with("what it was before counts"), "{line}");
        for secret in ["hunter2", "W6ph5", "VZqaXSY4", &ADA[7..20], &BOB[30..]] {
            assert!(!line.contains(secret), "{line}");
        }
    }
}

#[test]
fn a_user_stands_in_the_configuration_or_in_the_file() {
    let mut host = Host::new();
    host.password(ADA, "sesame");
    host.password(BOB, "simsim");
    host.document("/file", Some(&format!("bob:{BOB}\nada:{BOB}\n")));
    let filter: AuthBasic = host.configure(&format!(r#"{{"users": {{"ada": "{ADA}"}}, "file": "/file"}}"#)).unwrap();
    // Whatever the file is like.
    assert_eq!(shows(&mut host, &filter, "ada", "sesame"), Flow::Next);
    assert_eq!(shows(&mut host, &filter, "bob", "simsim"), Flow::Pause);
    assert!(host.log[0].1.contains("line 2: this user stands in `users` already"), "{:?}", host.log);
    host.document("/file", Some(&format!("bob:{BOB}\n")));
    assert_eq!(host.on_resume(&filter), Flow::Next);
    assert_eq!(host.vars["user.id"], "bob");
}

#[test]
fn as_long_as_there_was_no_file_requests_wait_and_are_then_refused() {
    let mut host = Host::new();
    let waits = filter(&mut host, None);
    assert_eq!(shows(&mut host, &waits, "ada", "sesame"), Flow::Pause);
    host.document_becomes("/file", &format!("ada:{ADA}\n"));
    assert_eq!(host.on_resume(&waits), Flow::Next);

    let mut host = Host::new();
    let waits = filter(&mut host, None);
    assert_eq!(host.on_request(&waits), Flow::Stop);
    assert_eq!(refused(&mut host).1, "no-credentials");
    assert_eq!(shows(&mut host, &waits, "ada", "sesame"), Flow::Pause);
    host.pause_ends(Ended::Failed);
    assert_eq!(host.on_resume(&waits), Flow::Stop);
    assert_eq!(host.reply.as_ref().unwrap().get("retry-after"), Some("5"));
    let (status, code, _, challenge) = refused(&mut host);
    assert_eq!((status, code.as_str(), challenge), (503, "no-users", None));
}

#[test]
fn a_long_file_is_read_in_several_hooks_and_nobody_goes_by_the_one_before_meanwhile() {
    let users = |from: usize, to: usize| {
        (from..to).fold(String::new(), |mut text, number| {
            writeln!(text, "user-{number}:{ADA}").unwrap();
            text
        })
    };
    let mut host = Host::new();
    let filter = filter(&mut host, Some(&users(0, 5_000)));
    assert_eq!(shows(&mut host, &filter, "user-4999", "sesame"), Flow::Pause);
    let mut hooks = 1;
    while host.on_resume(&filter) == Flow::Pause {
        hooks += 1;
    }
    assert!((3..16).contains(&hooks), "{hooks}");
    assert_eq!(host.vars["user.id"], "user-4999");
    assert_eq!(shows(&mut host, &filter, "user-0", "sesame"), Flow::Next);
    // The user has gone: what was remembered of the password lets nobody in, not for one request.
    host.document("/file", Some(&users(1, 5_001)));
    assert_eq!(shows(&mut host, &filter, "user-0", "sesame"), Flow::Pause);
    while host.on_resume(&filter) == Flow::Pause {}
    assert_eq!(refused(&mut host).1, "unknown-user");
}

#[test]
fn a_file_has_so_many_users_and_no_more() {
    let parse = Text { written: Rc::default() };
    let read = |count: u32| {
        let text = (1..=count).fold(String::new(), |mut text, number| {
            writeln!(text, "{number}:{ADA}").unwrap();
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
    assert_eq!(read(20_001), Err("line 20001: a file has at most 20000 users".to_owned()));
    let mut odd = parse.begin(b"ad\xff:x\n".to_vec());
    assert_eq!(parse.go_on(&mut odd).unwrap_err(), "line 1: this is not UTF-8");
}
