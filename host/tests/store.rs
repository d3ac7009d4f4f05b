//! The store in memory: against a model that has all the room in the world, against little room, and by many threads.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use weir_host::store::{
    DEFAULT_SIZE, Error, MOST_KEY, MOST_OPERATIONS, MOST_STEPS, MOST_VALUE, Memory, Operation, Options, Outcome, Stand,
    Step, Store,
};

const KIB: usize = 1 << 10;

/// A store whose time passes only when a test says so.
fn store(bytes: usize) -> (Memory, Arc<AtomicU64>) {
    let time = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&time);
    (Memory::with_clock(bytes, move || clock.load(Ordering::Relaxed)), time)
}

fn lasting() -> Options {
    Options::default()
}

fn living(ttl: u64) -> Options {
    Options { ttl: Some(ttl), durable: false }
}

#[test]
fn a_value_is_there_until_its_time_is_over() {
    let (store, time) = store(64 * KIB);
    store.set("a", "session", b"x", living(100)).unwrap();
    store.set("a", "setting", b"y", lasting()).unwrap();
    time.store(99, Ordering::Relaxed);
    assert_eq!(store.get("a", "session").unwrap().as_deref(), Some(&b"x"[..]));
    time.store(100, Ordering::Relaxed);
    assert_eq!(store.get("a", "session"), Ok(None));
    assert_eq!(store.delete("a", "session"), Ok(false));
    time.store(u64::MAX, Ordering::Relaxed);
    assert_eq!(store.get("a", "setting").unwrap().as_deref(), Some(&b"y"[..]));
    assert_eq!(store.delete("a", "setting"), Ok(true));
    store.set("a", "gone", b"z", living(0)).unwrap();
    assert_eq!(store.get("a", "gone"), Ok(None));
}

#[test]
fn owners_never_see_each_others_keys() {
    let (store, _) = store(64 * KIB);
    for (owner, key) in [("a", "bc"), ("ab", "c"), ("", "abc"), ("abc", "")] {
        assert_eq!(store.get(owner, key), Ok(None), "{owner} {key}");
        store.set(owner, key, owner.as_bytes(), lasting()).unwrap();
    }
    for (owner, key) in [("a", "bc"), ("ab", "c"), ("", "abc"), ("abc", "")] {
        assert_eq!(store.get(owner, key).unwrap().as_deref(), Some(owner.as_bytes()), "{owner} {key}");
    }
}

#[test]
fn a_counter_keeps_the_time_to_live_that_it_was_made_with() {
    let (store, time) = store(64 * KIB);
    assert_eq!(store.increment("a", "hits", 2, Some(100)), Ok(2));
    time.store(60, Ordering::Relaxed);
    assert_eq!(store.increment("a", "hits", 3, Some(100)), Ok(5));
    assert_eq!(store.get("a", "hits").unwrap().as_deref(), Some(&b"5"[..]));
    time.store(100, Ordering::Relaxed);
    assert_eq!(store.increment("a", "hits", 1, Some(100)), Ok(1));
}

#[test]
fn only_numbers_are_added_to() {
    let (store, _) = store(64 * KIB);
    for text in ["", "x", "1.0", "+1", "01", "-0", " 1", "9223372036854775808", "\u{0661}"] {
        store.set("a", "value", text.as_bytes(), lasting()).unwrap();
        assert_eq!(store.increment("a", "value", 1, None), Err(Error::NotANumber), "{text:?}");
        assert_eq!(store.get("a", "value").unwrap().as_deref(), Some(text.as_bytes()), "{text:?}");
    }
    store.set("a", "value", b"-41", lasting()).unwrap();
    assert_eq!(store.increment("a", "value", -1, None), Ok(-42));
    store.set("a", "most", i64::MAX.to_string().as_bytes(), lasting()).unwrap();
    assert_eq!(store.increment("a", "most", 1, None), Err(Error::NotANumber));
    assert_eq!(store.increment("a", "most", i64::MIN, None), Ok(-1));
    assert_eq!(store.increment("a", "most", i64::MIN, None), Err(Error::NotANumber));
}

#[test]
fn a_swap_compares_what_get_reads() {
    let (store, time) = store(64 * KIB);
    let swap =
        |expected: Option<&[u8]>, new: Option<&[u8]>| store.compare_and_swap("a", "lock", expected, new, living(100));
    assert_eq!(swap(Some(b"x"), Some(b"y")), Ok(false));
    assert_eq!(swap(None, None), Ok(true));
    assert_eq!(swap(None, Some(b"one")), Ok(true));
    assert_eq!(swap(None, Some(b"two")), Ok(false));
    assert_eq!(swap(Some(b"one"), Some(b"two")), Ok(true));
    time.store(100, Ordering::Relaxed);
    assert_eq!(swap(Some(b"two"), None), Ok(false), "it has expired");
    assert_eq!(store.increment("a", "lock", 7, None), Ok(7));
    assert_eq!(swap(Some(b"7"), None), Ok(true));
    assert_eq!(store.get("a", "lock"), Ok(None));
}

#[test]
fn what_is_beyond_a_limit_is_refused_and_changes_nothing() {
    let (store, _) = store(1024 * KIB);
    let (key, long) = ("k".repeat(MOST_KEY), "k".repeat(MOST_KEY + 1));
    let value = vec![0; MOST_VALUE + 1];
    store.set("a", &key, &value[1..], lasting()).unwrap();
    assert_eq!(store.set("a", &key, &value, lasting()), Err(Error::TooLarge));
    assert_eq!(store.get("a", &key).unwrap().unwrap().len(), MOST_VALUE);
    assert_eq!(store.compare_and_swap("a", "other", None, Some(&value), lasting()), Err(Error::TooLarge));
    assert_eq!(store.get("a", &long), Err(Error::TooLarge));
    assert_eq!(store.set("a", &long, b"", lasting()), Err(Error::TooLarge));
    assert_eq!(store.delete("a", &long), Err(Error::TooLarge));
    assert_eq!(store.increment("a", &long, 1, None), Err(Error::TooLarge));
    let durable = Options { ttl: None, durable: true };
    assert_eq!(store.set("a", "other", b"", durable), Err(Error::Unsupported));
    assert_eq!(store.compare_and_swap("a", "other", None, Some(b""), durable), Err(Error::Unsupported));
    assert_eq!(store.usage().values, 1);
}

#[test]
fn a_batch_does_one_after_the_other_and_goes_on_after_a_failure() {
    let (store, _) = store(64 * KIB);
    let operations = [
        Operation::Set("x", b"a", lasting()),
        Operation::Increment("x", 1, None),
        Operation::Get("x"),
        Operation::Increment("n", 5, Some(10)),
        Operation::Get("n"),
        Operation::Delete("x"),
        Operation::Delete("x"),
        Operation::Get("x"),
    ];
    let expected = [
        Outcome::Done,
        Outcome::Failed(Error::NotANumber),
        Outcome::Value(Some("a".into())),
        Outcome::Number(5),
        Outcome::Value(Some("5".into())),
        Outcome::Deleted(true),
        Outcome::Deleted(false),
        Outcome::Value(None),
    ];
    assert_eq!(store.batch("a", &operations).unwrap(), expected);
    let many = [Operation::Increment("n", 1, None); MOST_OPERATIONS + 1];
    assert_eq!(store.batch("a", &many), Err(Error::TooLarge));
    assert_eq!(store.batch("a", &many[1..]).unwrap().last(), Some(&Outcome::Number(5 + 64)));
}

fn up_to(key: &str, by: u64, most: i64, ttl: Option<u64>) -> Step<'_> {
    Step { key, floor: 0, by, most, ttl }
}

#[test]
fn steps_stay_within_their_bound_and_end_at_the_first_that_is_not_taken() {
    let (store, time) = store(64 * KIB);
    let advance = |steps: &[Step<'_>]| store.advance("a", steps);
    let (taken, left) = (|value| Stand { value, taken: true }, |value| Stand { value, taken: false });
    assert_eq!(advance(&[up_to("n", 3, 5, Some(100))]), Ok(vec![taken(3)]));
    assert_eq!(advance(&[up_to("n", 3, 5, Some(100))]), Ok(vec![left(3)]));
    let steps = [up_to("m", 1, 1, None), up_to("n", 2, 5, Some(100)), up_to("m", 1, 1, None), up_to("o", 1, 1, None)];
    assert_eq!(advance(&steps), Ok(vec![taken(1), taken(5), left(1)]));
    assert_eq!(store.get("a", "o"), Ok(None));
    // A bucket: what is behind the floor counts as it.
    let bucket = |now: i64| Step { key: "bucket", floor: now, by: 10, most: now + 20, ttl: Some(20) };
    assert_eq!(advance(&[bucket(1000), bucket(1000), bucket(1000)]), Ok(vec![taken(1010), taken(1020), left(1020)]));
    assert_eq!(advance(&[bucket(1015), bucket(1015)]), Ok(vec![taken(1030), left(1030)]));
    assert_eq!(advance(&[bucket(2000)]), Ok(vec![taken(2010)]));
    assert_eq!(store.increment("a", "bucket", -10, None), Ok(2000), "what was taken can be given back");
    // Each step that is taken gives the value its time anew, one that is not gives none.
    assert_eq!(advance(&[up_to("short", 1, 2, Some(100))]), Ok(vec![taken(1)]));
    time.store(90, Ordering::Relaxed);
    assert_eq!(advance(&[up_to("short", 1, 2, Some(100))]), Ok(vec![taken(2)]));
    time.store(180, Ordering::Relaxed);
    assert_eq!(advance(&[up_to("short", 1, 2, Some(100))]), Ok(vec![left(2)]));
    time.store(190, Ordering::Relaxed);
    assert_eq!(advance(&[up_to("short", 1, 2, Some(100))]), Ok(vec![taken(1)]));
    assert_eq!(advance(&[]), Ok(vec![]));
}

#[test]
fn steps_are_of_whole_numbers_within_2_to_53() {
    const MOST: i64 = 1 << 53;
    let (store, _) = store(64 * KIB);
    let bounds = |floor: i64, by: u64, most: i64| store.advance("a", &[Step { key: "n", floor, by, most, ttl: None }]);
    assert_eq!(bounds(0, MOST as u64, MOST).unwrap()[0].value, MOST);
    for (floor, by, most) in [(0, 0, MOST + 1), (0, MOST as u64 + 1, MOST), (MOST + 1, 0, 0), (-MOST - 1, 0, 0)] {
        assert_eq!(bounds(floor, by, most), Err(Error::NotANumber), "{floor} {by} {most}");
    }
    assert_eq!(bounds(0, u64::MAX, 0), Err(Error::NotANumber));
    store.increment("a", "n", 1, None).unwrap();
    assert_eq!(bounds(0, 1, 5), Err(Error::NotANumber), "the value is beyond");
    store.set("a", "text", b"x", lasting()).unwrap();
    let (bad, good) = (up_to("text", 1, 5, None), up_to("good", 1, 5, None));
    assert_eq!(store.advance("a", &[good, bad, good]), Err(Error::NotANumber));
    assert_eq!(store.get("a", "good").unwrap().as_deref(), Some(&b"1"[..]), "what was taken before a failure stays");
    // What is wrong with the steps themselves is found before any is taken.
    let long = "k".repeat(MOST_KEY + 1);
    assert_eq!(store.advance("a", &[good, up_to(&long, 1, 5, None)]), Err(Error::TooLarge));
    assert_eq!(store.advance("a", &[good, up_to("x", 1, MOST + 1, None)]), Err(Error::NotANumber));
    assert_eq!(store.advance("a", &[good; MOST_STEPS + 1]), Err(Error::TooLarge));
    assert_eq!(store.advance("a", &[good]).unwrap()[0].value, 2);
}

#[test]
fn values_that_are_renewed_do_not_keep_what_has_expired_from_making_room() {
    let (store, time) = store(64 * KIB);
    let renewed: Vec<String> = (0..100).map(|n| format!("renewed {n}")).collect();
    let fill = |round: u64| {
        (0..1_000_000).take_while(|n| store.increment("b", &format!("{round} {n}"), 1, Some(10)).is_ok()).count()
    };
    let renew = || {
        for key in &renewed {
            store.advance("a", &[up_to(key, 1, 1000, Some(15))]).unwrap();
        }
    };
    renew();
    let first = fill(0);
    assert!(first > 50);
    for round in 1..5 {
        time.fetch_add(10, Ordering::Relaxed);
        renew();
        assert_eq!(fill(round), first);
        assert_eq!(store.get("a", "renewed 99").unwrap().unwrap(), (round + 1).to_string());
    }
}

#[test]
fn many_threads_never_advance_beyond_the_bound() {
    let store = Memory::new(DEFAULT_SIZE);
    let taken = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..1000 {
                    let stands = store.advance("a", &[up_to("n", 3, 10_000, Some(60_000))]).unwrap();
                    taken.fetch_add(u64::from(stands[0].taken), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(taken.into_inner(), 3333);
    assert_eq!(store.get("a", "n").unwrap().as_deref(), Some(&b"9999"[..]));
}

#[test]
fn a_flood_of_new_keys_harms_no_counter_that_is_there() {
    let (store, _) = store(256 * KIB);
    for _ in 0..3 {
        store.increment("limit", "victim", 1, Some(60_000)).unwrap();
    }
    let refused = (0..10_000).filter(|n| store.increment("limit", &format!("flood {n}"), 1, Some(60_000)).is_err());
    assert!(refused.count() > 9000, "256 KiB do not hold 1000 counters");
    assert!(store.usage().refused > 9000);
    assert_eq!(store.increment("limit", "victim", 1, Some(60_000)), Ok(4));
    assert_eq!(store.increment("other", "first", 1, Some(60_000)), Ok(1), "another entry has room left");
    store.set("other", "session", &[0; 1000], living(60_000)).unwrap();
    assert!(store.usage().bytes <= 256 * KIB);
}

#[test]
fn what_has_expired_makes_room() {
    let (store, time) = &store(64 * KIB);
    let fill =
        |round: u64| (0..).take_while(move |n| store.increment("a", &format!("{round} {n}"), 1, Some(10)).is_ok());
    let first = fill(0).count();
    assert!(first > 100);
    time.store(10, Ordering::Relaxed);
    assert_eq!(fill(1).count(), first);
}

#[test]
fn values_without_a_time_to_live_give_way_oldest_first_and_are_counted() {
    let (store, _) = store(64 * KIB);
    store.set("a", "counted", b"x", living(1)).unwrap();
    store.set("a", "old", b"x", lasting()).unwrap();
    store.set("a", "rewritten", b"x", lasting()).unwrap();
    store.set("a", "rewritten", b"y", lasting()).unwrap();
    let mut n = 0;
    while store.usage().evicted == 0 {
        store.set("a", &format!("new {n}"), b"x", lasting()).unwrap();
        n += 1;
    }
    assert_eq!(store.get("a", "old"), Ok(None));
    assert_eq!(store.get("a", "rewritten").unwrap().as_deref(), Some(&b"y"[..]));
    for n in 0..1000 {
        store.set("a", &format!("newer {n}"), b"x", lasting()).unwrap();
    }
    assert_eq!(store.get("a", "counted").unwrap().as_deref(), Some(&b"x"[..]));
    assert_eq!(store.get("a", "new 0"), Ok(None));
    assert_eq!(store.usage().refused, 0);
}

#[test]
fn who_holds_the_most_gives_way() {
    let (store, _) = store(64 * KIB);
    let fill = |owner: &str, values: usize| {
        for n in 0..values {
            store.set(owner, &n.to_string(), b"x", lasting()).unwrap();
        }
    };
    let holds = |owner: &str| (0..1000).filter(|n| store.get(owner, &n.to_string()).unwrap().is_some()).count();
    fill("small", 10);
    fill("large", 1000);
    let (before, evicted) = (holds("large"), store.usage().evicted);
    assert!((100..300).contains(&before) && evicted > 0, "an owner beyond its share gives up its own");
    fill("other", 60);
    assert_eq!((holds("small"), holds("other")), (10, 60));
    assert_eq!(before - holds("large"), usize::try_from(store.usage().evicted - evicted).unwrap());
    assert!(holds("large") < before);
}

#[test]
fn a_value_that_finds_no_room_leaves_the_one_before() {
    let (store, _) = store(16 * KIB);
    store.set("a", "x", b"before", living(1000)).unwrap();
    assert_eq!(store.set("a", "x", &[0; 16 * KIB], living(1000)), Err(Error::TooLarge));
    assert_eq!(store.get("a", "x").unwrap().as_deref(), Some(&b"before"[..]));
    store.set("a", "y", b"x", living(1000)).unwrap();
}

#[test]
fn sums_of_many_threads_are_exact() {
    const THREADS: i64 = 8;
    const ROUNDS: i64 = 2000;
    let store = Memory::new(DEFAULT_SIZE);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let store = &store;
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    store.increment("a", &format!("{}", round % 7), 1, Some(60_000)).unwrap();
                    loop {
                        let value = store.get("a", "swapped").unwrap();
                        let number =
                            value.as_deref().map_or(0, |text| std::str::from_utf8(text).unwrap().parse().unwrap());
                        let new: i64 = number + 1;
                        let new = new.to_string();
                        if store.compare_and_swap("a", "swapped", value.as_deref(), Some(new.as_bytes()), lasting())
                            == Ok(true)
                        {
                            break;
                        }
                    }
                    store.set("b", &format!("{thread}"), b"noise", living(1)).unwrap();
                }
            });
        }
    });
    let sum = |key: &str| store.increment("a", key, 0, None).unwrap();
    assert_eq!((0..7).map(|key| sum(&key.to_string())).sum::<i64>(), THREADS * ROUNDS);
    assert_eq!(sum("swapped"), THREADS * ROUNDS);
}

/// Owner and key.
type Name = (&'static str, &'static str);

/// What a store is to do, said in the plainest way.
#[derive(Default)]
struct Model {
    values: HashMap<Name, (Vec<u8>, Option<u64>)>,
    now: u64,
}

impl Model {
    fn get(&self, name: Name) -> Option<&Vec<u8>> {
        self.values.get(&name).filter(|(_, expires)| expires.is_none_or(|at| at > self.now)).map(|(value, _)| value)
    }

    fn set(&mut self, name: Name, value: Vec<u8>, ttl: Option<u64>) {
        self.values.insert(name, (value, ttl.map(|ttl| self.now.saturating_add(ttl))));
    }
}

/// The number that is written so, in its one spelling.
fn number(text: &[u8]) -> Option<i64> {
    let number: i64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (number.to_string().as_bytes() == text).then_some(number)
}

#[derive(Clone, Debug)]
enum Move {
    Get,
    Set(Vec<u8>, Option<u64>),
    Delete,
    Increment(i64, Option<u64>),
    /// Floor, amount, bound, time to live.
    Advance(i64, u64, i64, Option<u64>),
    Swap(bool, Option<Vec<u8>>, Option<u64>),
    Wait(u64),
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![any::<i8>().prop_map(|n| n.to_string().into_bytes()), prop::collection::vec(any::<u8>(), 0..200)]
}

fn ttl() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![Just(None), (0..20u64).prop_map(Some), Just(Some(u64::MAX))]
}

fn one_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        Just(Move::Get),
        (value(), ttl()).prop_map(|(value, ttl)| Move::Set(value, ttl)),
        Just(Move::Delete),
        (prop_oneof![-5..5i64, any::<i64>()], ttl()).prop_map(|(by, ttl)| Move::Increment(by, ttl)),
        (-9..9i64, 0..9u64, prop_oneof![0..30i64, Just(1 << 53)], ttl())
            .prop_map(|(floor, by, most, ttl)| Move::Advance(floor, by, most, ttl)),
        (any::<bool>(), prop::option::of(value()), ttl()).prop_map(|(hits, new, ttl)| Move::Swap(hits, new, ttl)),
        (1..8u64).prop_map(Move::Wait),
    ]
}

fn moves() -> impl Strategy<Value = Vec<(Name, Move)>> {
    let owner = prop::sample::select(vec!["a", "b"]);
    let key = prop::sample::select(vec!["1", "2", "3", "4", "5", "6"]);
    prop::collection::vec(((owner, key), one_move()), 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn with_room_enough_it_does_what_the_model_does(moves in moves()) {
        let (store, time) = store(1 << 20);
        let mut model = Model::default();
        for (name @ (owner, key), one) in moves {
            let before = model.get(name).cloned();
            match one {
                Move::Get => {}
                Move::Set(value, ttl) => {
                    prop_assert_eq!(store.set(owner, key, &value, Options { ttl, durable: false }), Ok(()));
                    model.set(name, value, ttl);
                }
                Move::Delete => {
                    prop_assert_eq!(store.delete(owner, key), Ok(before.is_some()));
                    model.values.remove(&name);
                }
                Move::Increment(by, ttl) => {
                    let text = before.unwrap_or_else(|| b"0".to_vec());
                    let sum = number(&text).and_then(|number| number.checked_add(by));
                    prop_assert_eq!(store.increment(owner, key, by, ttl), sum.ok_or(Error::NotANumber));
                    if let Some(sum) = sum {
                        match model.get(name) {
                            Some(_) => model.values.get_mut(&name).unwrap().0 = sum.to_string().into_bytes(),
                            None => model.set(name, sum.to_string().into_bytes(), ttl),
                        }
                    }
                }
                Move::Advance(floor, by, most, ttl) => {
                    let wanted = match &before {
                        Some(text) => number(text).filter(|number| number.abs() <= 1 << 53).map(|number| number.max(floor)),
                        None => Some(floor),
                    };
                    let wanted = wanted.map(|value| match value + by.cast_signed() {
                        sum if sum <= most => Stand { value: sum, taken: true },
                        _ => Stand { value, taken: false },
                    });
                    let stands = store.advance(owner, &[Step { key, floor, by, most, ttl }]);
                    prop_assert_eq!(stands, wanted.map(|stand| vec![stand]).ok_or(Error::NotANumber));
                    if let Some(Stand { value, taken: true }) = wanted {
                        model.set(name, value.to_string().into_bytes(), ttl);
                    }
                }
                Move::Swap(hits, new, ttl) => {
                    let expected = if hits { before.clone() } else { Some(b"something else".to_vec()) };
                    let is_same = expected == before;
                    let options = Options { ttl, durable: false };
                    let swapped = store.compare_and_swap(owner, key, expected.as_deref(), new.as_deref(), options);
                    prop_assert_eq!(swapped, Ok(is_same));
                    match new {
                        Some(new) if is_same => model.set(name, new, ttl),
                        None if is_same => drop(model.values.remove(&name)),
                        _ => {}
                    }
                }
                Move::Wait(milliseconds) => {
                    model.now += milliseconds;
                    time.store(model.now, Ordering::Relaxed);
                }
            }
            let found = store.get(owner, key).unwrap();
            prop_assert_eq!(found.as_deref(), model.get(name).map(Vec::as_slice));
        }
        prop_assert_eq!((store.usage().evicted, store.usage().refused), (0, 0));
    }

    #[test]
    fn with_little_room_nothing_that_lives_is_lost_and_the_bound_holds(moves in moves(), room in 300..3000usize) {
        let (store, time) = store(room);
        let mut model = Model::default();
        for (name @ (owner, key), one) in moves {
            match one {
                Move::Set(value, ttl) => match store.set(owner, key, &value, Options { ttl, durable: false }) {
                    Ok(()) => model.set(name, value, ttl),
                    Err(error) => prop_assert_eq!(error, Error::TooLarge),
                },
                Move::Wait(milliseconds) => {
                    model.now += milliseconds;
                    time.store(model.now, Ordering::Relaxed);
                }
                _ => {}
            }
            prop_assert!(store.usage().bytes <= room);
            for (&(owner, key), (value, expires)) in &model.values {
                let found = store.get(owner, key).unwrap();
                let is_right = match expires {
                    Some(at) if *at > model.now => found.as_deref() == Some(value),
                    Some(_) => found.is_none(),
                    None => found.is_none_or(|found| found == *value),
                };
                prop_assert!(is_right, "{owner} {key}");
            }
        }
    }
}
