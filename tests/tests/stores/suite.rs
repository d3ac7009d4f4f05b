//! The suite: what every store does.

use std::thread;

use weir_tests::{Client, until};

use crate::backend::Backend;
pub(crate) use crate::bed::Bed;
use crate::bed::said;

/// Far more than a test takes.
const LONG: u64 = 600_000;
/// Connections that ask at the same time.
const CLIENTS: usize = 8;

pub(crate) fn values_are_what_was_written(bed: &Bed<impl Backend>) {
    bed.expect(&[
        ("get a", "none"),
        ("remove a", "false"),
        ("set a one", "done"),
        ("get a", "=one"),
        ("set a two", "done"),
        ("get a", "=two"),
        ("set b 0x", "done"),
        ("get b", "="),
        ("remove a", "true"),
        ("get a", "none"),
        ("remove a", "false"),
        ("get b", "="),
    ]);
}

pub(crate) fn keys_and_values_are_any_bytes(bed: &Bed<impl Backend>) {
    // A newline, a brace, letters beyond ASCII, no letter at all.
    for key in ["0x610a62", "0x7b617d", "0xc3bc", "0x00", "0x", "a:b", "*", "a*1024"] {
        let wrong = format!("get {key}");
        bed.expect(&[(wrong.as_str(), "none")]);
        for (value, read) in [
            ("0x00ff0a0d", "=0x00ff0a0d"),
            ("0x0d0a", "=0x0d0a"),
            ("0x80", "=0x80"),
            ("x*65536", "65536 bytes"),
            ("-1", "=-1"),
        ] {
            bed.expect(&[(format!("set {key} {value}"), "done"), (format!("get {key}"), read)]);
        }
        bed.expect(&[(format!("remove {key}"), "true"), (format!("get {key}"), "none")]);
    }
}

pub(crate) fn values_go_when_their_time_is_over(bed: &Bed<impl Backend>) {
    bed.expect(&[(format!("set long x {LONG}"), "done")]);
    bed.expect(&[("set short x 30", "done"), ("add number 7 30", "7"), ("swap swapped - x 30", "true")]);
    bed.expect(&[("advance step 0 3 9 30", "3 taken"), ("set kept x 30", "done"), ("set now x 0", "done")]);
    bed.expect(&[("get now", "none")]);
    // Written anew without a time to live, it stays.
    bed.expect(&[("set kept y", "done")]);
    for key in ["short", "number", "swapped", "step"] {
        until("the value goes", || bed.ask(&format!("get {key}")) == "none");
    }
    bed.expect(&[("get long", "=x"), ("get kept", "=y"), ("remove short", "false"), ("swap short - z", "true")]);
    bed.expect(&[("add number 1", "1"), ("advance step 5 1 9", "6 taken")]);
    // As long as the longest time there is.
    bed.expect(&[(format!("set ever x {}", u64::MAX).as_str(), "done"), ("get ever", "=x")]);
    bed.expect(&[(format!("add ages 1 {}", u64::MAX).as_str(), "1"), ("add ages 1", "2")]);
    bed.expect(&[(format!("advance eons 0 1 5 {}", u64::MAX).as_str(), "1 taken"), ("get eons", "=1")]);
}

pub(crate) fn numbers_are_added_to(bed: &Bed<impl Backend>) {
    bed.expect(&[
        ("add n 5", "5"),
        ("subtract n 7", "-2"),
        ("get n", "=-2"),
        ("add n 0", "-2"),
        ("subtract new 3", "-3"),
        ("set text 41", "done"),
        ("add text 1", "42"),
        ("set most 9223372036854775807", "done"),
        ("add most 1", "not-a-number"),
        ("get most", "=9223372036854775807"),
        ("subtract most 9223372036854775807", "0"),
        ("add n 9223372036854775808", "not-a-number"),
        ("subtract n 9223372036854775808", "not-a-number"),
        ("set least -9223372036854775808", "done"),
        ("subtract least 1", "not-a-number"),
        ("add least 9223372036854775807", "-1"),
    ]);
    // Only what an addition would write is a number: what is read does not depend on who wrote it.
    for text in ["x", "0x", "1.0", "+1", "01", "-0", "0x2031", "1e3", "9223372036854775808"] {
        bed.expect(&[(format!("set wrong {text}").as_str(), "done"), ("add wrong 1", "not-a-number")]);
        bed.expect(&[("advance wrong 0 1 9", "not-a-number")]);
    }
    bed.expect(&[("get wrong", "=9223372036854775808")]);
}

pub(crate) fn a_swap_compares(bed: &Bed<impl Backend>) {
    bed.expect(&[
        ("swap a x y", "false"),
        ("get a", "none"),
        ("swap a - -", "true"),
        ("swap a - one", "true"),
        ("swap a - two", "false"),
        ("swap a two three", "false"),
        ("swap a one two", "true"),
        ("get a", "=two"),
        ("swap a two 0x00ff", "true"),
        ("swap a 0x00 x", "false"),
        ("swap a 0x00ff -", "true"),
        ("get a", "none"),
        ("swap e - 0x", "true"),
        // A value of no bytes is not no value.
        ("swap e - x", "false"),
        ("swap e 0x x", "true"),
        ("add n 12", "12"),
        ("swap n 12 13", "true"),
        ("add n 1", "14"),
    ]);
}

pub(crate) fn a_batch_does_one_after_the_other(bed: &Bed<impl Backend>) {
    bed.expect(&[
        ("set b 1; add n 5; subtract n 2; get b; remove b; get b; remove b", "done; 5; 3; =1; true; none; false"),
        // It goes on after a failure.
        ("set t x; add t 1; get t; add n 1", "done; not-a-number; =x; 4"),
        ("set a 0x00ff; get a", "done; =0x00ff"),
        ("set gone x 0; get gone", "done; none"),
    ]);
    let many = |times: usize| vec!["add many 1"; times].join("; ");
    assert_eq!(bed.ask(&many(65)), "too-large");
    assert!(bed.ask(&many(64)).ends_with("; 64"));
    // A value or a key that is too large fails alone.
    bed.expect(&[("set l x*65537; get l; get k*1025; set l y", "too-large; none; too-large; done")]);
}

pub(crate) fn steps_stay_within_their_bound(bed: &Bed<impl Backend>) {
    bed.expect(&[
        ("advance n 0 3 5", "3 taken"),
        ("advance n 0 3 5", "3 left"),
        ("advance n 0 2 5", "5 taken"),
        ("advance n 0 1 5", "5 left"),
        ("advance n 0 0 5", "5 taken"),
        ("get n", "=5"),
        ("subtract n 4", "1"),
        ("advance n 0 4 5", "5 taken"),
        // What is below the floor, or not there, counts as it; what is left is not written.
        ("advance n 10 5 20", "15 taken"),
        ("advance m 10 5 12", "10 left"),
        ("get m", "none"),
        ("advance m -10 5 -5", "-5 taken"),
        // The first that is left ends it.
        ("advance x 0 1 9; advance n 0 9 20; advance x 0 1 9", "1 taken; 15 left"),
        ("get x", "=1"),
        ("advance x 0 1 9; advance y 0 1 9; advance x 0 1 9", "2 taken; 1 taken; 3 taken"),
    ]);
    // Up to 2^53 numbers are exact, and no further.
    let most = 1_i64 << 53;
    bed.expect(&[
        (format!("advance large 0 {most} {most}"), format!("{most} taken").as_str()),
        (format!("advance large 0 1 {most}"), format!("{most} left").as_str()),
        (format!("advance small -{most} 1 0"), format!("{} taken", 1 - most).as_str()),
        (format!("advance large 0 1 {}", most + 1), "not-a-number"),
        (format!("advance large 0 {} {most}", most + 1), "not-a-number"),
        (format!("advance large {} 1 {most}", most + 1), "not-a-number"),
        (format!("advance large -{} 1 {most}", most + 1), "not-a-number"),
        ("add large 1".to_owned(), format!("{}", most + 1).as_str()),
        ("advance large 0 1 5".to_owned(), "not-a-number"),
    ]);
    bed.expect(&[("set t x", "done"), ("advance a 0 1 5; advance t 0 1 5; advance a 0 1 5", "not-a-number")]);
    // What was taken before that one stays, but what is wrong with the steps themselves is found before any is taken.
    bed.expect(&[("get a", "=1"), ("advance a 0 1 5; advance k*1025 0 1 5", "too-large"), ("get a", "=1")]);
    let many = |times: usize| vec!["advance many 0 1 99"; times].join("; ");
    assert_eq!(bed.ask(&many(65)), "too-large");
    assert!(bed.ask(&many(64)).ends_with("; 64 taken"));
}

pub(crate) fn a_step_renews_the_time_and_an_addition_does_not(bed: &Bed<impl Backend>) {
    until("both steps come within a short time", || {
        bed.ask("remove n");
        bed.ask("advance n 0 1 9 200; advance n 0 1 9 600000") == "1 taken; 2 taken"
    });
    // The first time to live is over when one that began later is.
    bed.expect(&[("set later x 250", "done")]);
    until("the time passes", || bed.ask("get later") == "none");
    bed.expect(&[("get n", "=2")]);
    // From a time to live to none, and back.
    bed.expect(&[("advance n 0 1 9", "3 taken"), ("get n", "=3"), ("advance n 0 1 9 30", "4 taken")]);
    until("the value goes", || bed.ask("get n") == "none");
    bed.expect(&[("add m 1 200; add m 1 600000", "1; 2")]);
    until("the value goes", || bed.ask("get m") == "none");
}

pub(crate) fn what_is_beyond_a_limit_is_refused(bed: &Bed<impl Backend>) {
    let key = "k*1025";
    for what in ["get K", "set K x", "remove K", "add K 1", "subtract K 1", "swap K - x", "advance K 0 1 5"] {
        bed.expect(&[(what.replace('K', key), "too-large")]);
    }
    bed.expect(&[
        ("set a x*65536", "done"),
        ("set a y*65537", "too-large"),
        ("swap a 0x y*65537", "too-large"),
        ("get a", "65536 bytes"),
        ("set k*1024 x", "done"),
        ("get k*1024", "=x"),
    ]);
}

pub(crate) fn entries_never_see_each_others_keys(bed: &Bed<impl Backend>) {
    bed.expect(&[("set mine yes", "done"), ("add n 5", "5"), ("advance s 0 5 5", "5 taken")]);
    for (what, words) in [
        ("get mine", "none"),
        ("remove mine", "false"),
        ("add n 1", "1"),
        ("advance s 0 5 5", "5 taken"),
        ("swap mine - theirs", "true"),
        ("get mine; get n", "=theirs; =1"),
    ] {
        assert_eq!(bed.ask_other(what), words, "{what}");
    }
    bed.expect(&[("get mine", "=yes"), ("get n", "=5")]);
}

/// What this comes to on so many connections at the same time.
fn together<B: Backend>(bed: &Bed<B>, act: impl Fn(&mut Client) -> usize + Sync) -> usize {
    let address = bed.proxy.address;
    let act = &act;
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(move || act(&mut Client::connect(address)))).collect();
        clients.into_iter().map(|client| client.join().expect("a client ends")).sum()
    })
}

pub(crate) fn additions_of_many_are_all_counted(bed: &Bed<impl Backend>) {
    const ROUNDS: usize = 100;
    together(bed, |client| {
        for _ in 0..ROUNDS {
            said(client, "/", "add n 3; subtract n 1; add m 1");
        }
        0
    });
    assert_eq!(bed.ask("get n; get m"), format!("={}; ={}", CLIENTS * ROUNDS * 2, CLIENTS * ROUNDS));
}

pub(crate) fn one_of_many_wins_a_swap(bed: &Bed<impl Backend>) {
    const ROUNDS: usize = 40;
    let won = together(bed, |client| {
        (0..ROUNDS).filter(|round| said(client, "/", &format!("swap lock{round} - mine")) == "true").count()
    });
    assert_eq!(won, ROUNDS);
    // Counting by swaps alone.
    together(bed, |client| {
        for _ in 0..ROUNDS / 4 {
            loop {
                let before = said(client, "/", "get count");
                let number: usize = before.strip_prefix('=').map_or(0, |text| text.parse().expect("a number"));
                let from = if number == 0 { "-".to_owned() } else { number.to_string() };
                if said(client, "/", &format!("swap count {from} {}", number + 1)) == "true" {
                    break;
                }
            }
        }
        0
    });
    assert_eq!(bed.ask("get count"), format!("={}", CLIENTS * (ROUNDS / 4)));
}

pub(crate) fn many_never_advance_beyond_the_bound(bed: &Bed<impl Backend>) {
    let taken = together(bed, |client| {
        let step = format!("advance n 0 3 500 {LONG}");
        (0..50).filter(|_| said(client, "/", &step).ends_with("taken")).count()
    });
    assert_eq!(taken, 166);
    assert_eq!(bed.ask("get n"), "=498");
}

pub(crate) fn a_reload_keeps_values(bed: &Bed<impl Backend>) {
    bed.expect(&[(format!("set a x {LONG}"), "done"), ("add n 5".to_owned(), "5")]);
    let text = std::fs::read_to_string(bed.proxy.file()).expect("the configuration can be read");
    bed.proxy.write_text(&format!("x-note: another\n{text}"));
    bed.proxy.signal("HUP");
    bed.proxy.log.wait("is reloaded");
    bed.expect(&[("get a", "=x"), ("add n 1", "6")]);
}

pub(crate) fn another_process_finds_what_was_kept(bed: &mut Bed<impl Backend>) {
    bed.expect(&[(format!("set a 0x00ff {LONG}"), "done"), ("set b x".to_owned(), "done")]);
    bed.expect(&[("add n 5", "5"), ("set gone x", "done"), ("remove gone", "true"), ("set short x 30", "done")]);
    bed.proxy.signal("TERM");
    assert!(bed.proxy.exit().success());
    let next = bed.proxy.again();
    let words = ["get a", "get b", "get n", "get gone"].map(|what| crate::bed::ask(&next, "/", what));
    assert_eq!(words, if bed.is_kept { ["=0x00ff", "=x", "=5", "none"] } else { ["none"; 4] });
    until("a time to live goes on", || crate::bed::ask(&next, "/", "get short") == "none");
}
