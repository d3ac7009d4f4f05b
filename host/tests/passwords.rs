//! Passwords against hashes that other programs made (argon2-cffi, libxcrypt, passlib, hashlib), the bounds on what a
//! hash may ask for, and the queue before the threads.

use std::task::{Context, Poll, Waker};

use weir_host::crypto::{MOST_PASSWORD, PasswordError as Error, Passwords, verify};

const PASSWORD: &[u8] = b"correct horse";

const HASHES: [&str; 15] = [
    "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$+j6fpp969JWgSLHyZRDuFMvgabplCo/vJO3PVDSbjOo",
    "$argon2id$v=16$m=256,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$WAgW5Uz7PdywIiJOUDNROglQzNYE+MSS1VUtnpef0fo",
    "$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$23nZJWEVcV7e+6c0uk3+c/GoEqwhBxVq5uyCuXLwEJU",
    "$argon2i$m=256,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$8neBUFmP42sg7qyWqyNvnpxmAGSU3ug/IbemiX0wFlo",
    "$argon2d$v=19$m=256,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$laKohV9rnzZ4eIJ6Xr4VA9rEJjUBaFiXeg9Yxw0teJY",
    "$argon2d$v=16$m=256,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$Vsduz//pjrOcSmahztJiAdx9286fBYiMKmsq/67Y1gc",
    "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$7YbYS2w24dSTBgFeLZ/Pp5pFxLjWTXyOMrr1Ld8BcEI",
    "$2a$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
    "$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
    "$2y$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
    "$pbkdf2-sha256$1000$//vvc2FsdHNhbHRzYWx0$3ZxNDinEpCCsi76uYU2k2XEPaLIOX.cwVJisWI0Q1rc",
    "$pbkdf2-sha512$1000$//vvc2FsdHNhbHRzYWx0$Rugttr/ZLe2P6DdR9lzcrKa.btfC8IluCk5ck4DTgrx5dtLGwNDmh5YrYBC4LVRwxcfffhXhS/Ggy4iKNM10bA",
    "$pbkdf2-sha256$i=600000,l=32$c2FsdHNhbHRzYWx0$la3ctjVPf0hWwihJcw5YAgDmlnMLqKt02/fxxFyAC28",
    "$pbkdf2-sha512$i=1000$c2FsdHNhbHRzYWx0$oSKce4SGrSKsJabCWZfpe2MmVOPtl4paOjoD1njLdjo3le9sMBwq0q7ivJFcrXSTMQ0HjlOn/J48J9WZe4uR0g",
    "$pbkdf2-sha256$i=10$c2FsdHNhbHRzYWx0$6K7LgezlFeGTQyxAF5pQsdKnRj7eO1eX/Gr2LkfiPFvMOcTuqJ7rELB9ALUp85nUbWAPUyJfBgh7y5Q8WOijcw",
];

#[test]
fn the_right_password_belongs_to_its_hash_and_no_other_does() {
    for hash in HASHES {
        assert_eq!(verify(hash, PASSWORD), Ok(true), "{hash}");
        for wrong in [&b"correct horsE"[..], b"correct horse ", b"correct hors", b""] {
            assert_eq!(verify(hash, wrong), Ok(false), "{hash}");
        }
    }
    assert_eq!(verify("$2y$04$abcdefghijklmnopqrstuubyCG3zY1GIXMyxfivm.ClDiInHzxjiq", b""), Ok(true));
}

#[test]
fn bcrypt_uses_72_bytes_as_those_who_made_the_hash_did() {
    let hash = "$2y$05$abcdefghijklmnopqrstuujf8SX2ahXLwp9w/B.Y5XdysS6yR576q";
    for length in [72, 73, 80] {
        assert_eq!(verify(hash, &vec![b'x'; length]), Ok(true), "{length}");
    }
    assert_eq!(verify(hash, &[b'x'; 71]), Ok(false));
}

#[test]
fn what_is_no_hash_is_refused() {
    let long = format!("$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHRzb21lc2FsdA${}", "A".repeat(512));
    let unknown = [
        "",
        "$",
        "plain",
        "{SHA}qvTGHdzF6KLavt4PO0gs2a6pQ00=",
        "$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00",
        "$6$saltsalt$x",
        "$2x$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
        "$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy",
        "$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2x",
        "$2b$03$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
        "$2b$+5$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
        "$2b$32$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
        "$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3l\u{e9}",
        "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHRzb21lc2FsdA",
        "$argon2id$v=19$m=256,t=2$c29tZXNhbHRzb21lc2FsdA$+j6fpp969JWgSLHyZRDuFMvgabplCo/vJO3PVDSbjOo",
        "$argon2id$v=19$m=8,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$+j6fpp969JWgSLHyZRDuFMvgabplCo/vJO3PVDSbjOo",
        "$argon2id$v=18$m=256,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$+j6fpp969JWgSLHyZRDuFMvgabplCo/vJO3PVDSbjOo",
        "$argon2id$v=19$m=256,t=0,p=2$c29tZXNhbHRzb21lc2FsdA$+j6fpp969JWgSLHyZRDuFMvgabplCo/vJO3PVDSbjOo",
        "$argon2id$v=19$m=256,t=2,p=0$c29tZXNhbHRzb21lc2FsdA$+j6fpp969JWgSLHyZRDuFMvgabplCo/vJO3PVDSbjOo",
        "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$",
        "$argon2ix$v=19$m=256,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$+j6fpp969JWgSLHyZRDuFMvgabplCo/vJO3PVDSbjOo",
        "$pbkdf2-sha1$1000$//vvc2FsdHNhbHRzYWx0$3ZxNDinEpCCsi76uYU2k2XEPaLIOX.cwVJisWI0Q1rc",
        "$pbkdf2-sha256$0$//vvc2FsdHNhbHRzYWx0$3ZxNDinEpCCsi76uYU2k2XEPaLIOX.cwVJisWI0Q1rc",
        "$pbkdf2-sha256$+5$//vvc2FsdHNhbHRzYWx0$3ZxNDinEpCCsi76uYU2k2XEPaLIOX.cwVJisWI0Q1rc",
        "$pbkdf2-sha256$i=$//vvc2FsdHNhbHRzYWx0$3ZxNDinEpCCsi76uYU2k2XEPaLIOX.cwVJisWI0Q1rc",
        "$pbkdf2-sha256$i=5,l=31$//vvc2FsdHNhbHRzYWx0$3ZxNDinEpCCsi76uYU2k2XEPaLIOX.cwVJisWI0Q1rc",
        "$pbkdf2-sha256$5$//vvc2FsdHNhbHRzYWx0",
        "$pbkdf2-sha256$5$//vvc2FsdHNhbHRzYWx0$3ZxN",
        "$pbkdf2-sha256$5$//vvc2FsdHNhbHRzYWx0$3ZxNDinEpCCsi76uYU2k2XEPaLIOX.cwVJisWI0Q1rc$",
        &long,
    ];
    for hash in unknown {
        assert_eq!(verify(hash, PASSWORD), Err(Error::UnknownFormat), "{hash}");
    }
}

#[test]
fn what_asks_for_too_much_is_refused_before_it_is_computed() {
    let costly = [
        // Any of these would take hours, or all of the memory.
        "$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$+j6fpp969JWgSLHyZRDuFMvgabplCo/vJO3PVDSbjOo",
        "$argon2id$v=19$m=65537,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$+j6fpp969JWgSLHyZRDuFMvgabplCo/vJO3PVDSbjOo",
        "$argon2id$v=19$m=8,t=4294967295,p=1$c29tZXNhbHRzb21lc2FsdA$+j6fpp969JWgSLHyZRDuFMvgabplCo/vJO3PVDSbjOo",
        "$argon2id$v=19$m=65536,t=11,p=1$c29tZXNhbHRzb21lc2FsdA$+j6fpp969JWgSLHyZRDuFMvgabplCo/vJO3PVDSbjOo",
        "$2b$15$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
        "$2b$31$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
        "$pbkdf2-sha256$2000001$//vvc2FsdHNhbHRzYWx0$3ZxNDinEpCCsi76uYU2k2XEPaLIOX.cwVJisWI0Q1rc",
        "$pbkdf2-sha256$99999999999999999999$//vvc2FsdHNhbHRzYWx0$3ZxNDinEpCCsi76uYU2k2XEPaLIOX.cwVJisWI0Q1rc",
        // 64 bytes of SHA-256 are two blocks.
        "$pbkdf2-sha256$i=1000001$c2FsdHNhbHRzYWx0$6K7LgezlFeGTQyxAF5pQsdKnRj7eO1eX/Gr2LkfiPFvMOcTuqJ7rELB9ALUp85nUbWAPUyJfBgh7y5Q8WOijcw",
    ];
    for hash in costly {
        assert_eq!(verify(hash, PASSWORD), Err(Error::TooCostly), "{hash}");
    }
    assert_eq!(verify(HASHES[0], &vec![b'x'; MOST_PASSWORD + 1]), Err(Error::TooCostly));
    assert_eq!(verify(HASHES[0], &vec![b'x'; MOST_PASSWORD]), Ok(false));
}

/// About a second of work.
const SLOW: &str = "$2b$14$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2";
const QUICK: &str = "$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2";

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn threads_answer_as_the_function_does() {
    let passwords = Passwords::new();
    block_on(async {
        let asked: Vec<_> = HASHES.iter().map(|hash| passwords.verify(hash, PASSWORD.to_vec())).collect();
        let wrong = passwords.verify(HASHES[0], b"wrong".to_vec());
        for future in asked {
            assert_eq!(future.await, Ok(true));
        }
        assert_eq!(wrong.await, Ok(false));
        assert_eq!(passwords.verify("plain", PASSWORD.to_vec()).await, Err(Error::UnknownFormat));
        assert_eq!(
            passwords.verify("$2b$15$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2", Vec::new()).await,
            Err(Error::TooCostly)
        );
    });
}

#[test]
fn a_full_queue_refuses_and_who_gives_up_leaves_it() {
    let passwords = Passwords::with_limits(1, 2);
    block_on(async {
        // One of them is being computed at most, which takes longer than asking, and two may wait.
        let mut asked: Vec<_> = (0..4).map(|_| Box::pin(passwords.verify(SLOW, PASSWORD.to_vec()))).collect();
        let mut context = Context::from_waker(Waker::noop());
        let refused = |answer| answer == Poll::Ready(Err(Error::Overloaded));
        assert!(asked.iter_mut().any(|future| refused(future.as_mut().poll(&mut context))));
        drop(asked);
        assert_eq!(passwords.verify(QUICK, PASSWORD.to_vec()).await, Ok(true), "their places are free");
    });
}

#[test]
fn slow_hashes_wait_for_seconds_and_no_longer() {
    let passwords = Passwords::with_limits(1, 64);
    block_on(async {
        // A second each: one is computed, three may wait, so the sixth has no place whatever the first is doing.
        let mut asked: Vec<_> = (0..6).map(|_| Box::pin(passwords.verify(SLOW, PASSWORD.to_vec()))).collect();
        let mut context = Context::from_waker(Waker::noop());
        let refused = asked.iter_mut().map(|future| future.as_mut().poll(&mut context));
        let refused: Vec<bool> = refused.map(|answer| answer == Poll::Ready(Err(Error::Overloaded))).collect();
        assert_eq!((refused[..3].to_vec(), refused[5]), (vec![false; 3], true), "{refused:?}");
        // What has been given up counts no longer, and where somebody waits quick ones have room.
        drop(asked.split_off(1));
        assert_eq!(passwords.verify(QUICK, PASSWORD.to_vec()).await, Ok(true));
    });
}

#[test]
fn answers_come_in_the_end_when_all_threads_are_taken() {
    let passwords = Passwords::with_limits(2, 64);
    block_on(async {
        let asked: Vec<_> = (0..60).map(|_| passwords.verify(QUICK, PASSWORD.to_vec())).collect();
        for future in asked {
            assert_eq!(future.await, Ok(true));
        }
    });
}

#[test]
fn a_password_that_waits_at_the_end_gets_an_answer() {
    let passwords = Passwords::with_limits(1, 3);
    let first = passwords.verify(QUICK, PASSWORD.to_vec());
    let second = passwords.verify(SLOW, PASSWORD.to_vec());
    let third = passwords.verify(QUICK, PASSWORD.to_vec());
    block_on(async {
        assert_eq!(first.await, Ok(true));
        drop(passwords);
        assert_eq!(third.await, Err(Error::Overloaded));
        drop(second);
    });
}
