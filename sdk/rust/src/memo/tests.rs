//! What is kept, for how long, and what makes room.

use std::time::Duration;

use super::Memo;
use crate::testing::Host;

const LATER: Duration = Duration::from_secs(100);
const NOW: Duration = Duration::from_secs(10);

fn enter(test: impl FnOnce()) {
    Host::new().enter(test);
}

#[test]
fn a_value_is_there_until_its_time_is_over() {
    enter(|| {
        let mut memo = Memo::new(10, 10_000);
        assert_eq!(memo.get(b"a", NOW), None::<&u32>);
        memo.insert(b"a", 1, 0, LATER, NOW);
        memo.insert(b"past", 2, 0, NOW, NOW);
        assert_eq!(memo.get(b"a", Duration::from_nanos(99_999_999_999)), Some(&1));
        assert_eq!(memo.get(b"past", NOW), None);
        assert_eq!(memo.len(), 1);
        assert_eq!(memo.get(b"a", LATER), None);
        assert!(memo.is_empty());
        // A shorter time in place of a longer one counts, too.
        memo.insert(b"a", 1, 0, LATER, NOW);
        memo.insert(b"a", 3, 0, NOW, NOW);
        assert_eq!(memo.get(b"a", NOW), None);
    });
}

#[test]
fn what_was_not_asked_for_the_longest_goes_first() {
    enter(|| {
        let mut memo = Memo::new(3, 10_000);
        for (value, key) in [b"a", b"b", b"c"].into_iter().enumerate() {
            memo.insert(key, value, 0, LATER, NOW);
        }
        assert_eq!(memo.get(b"a", NOW), Some(&0));
        memo.insert(b"d", 3, 0, LATER, NOW);
        assert_eq!([b"a", b"b", b"c", b"d"].map(|key| memo.get(key, NOW).copied()), [Some(0), None, Some(2), Some(3)]);
    });
}

#[test]
fn bytes_are_bounded_and_what_is_too_large_is_not_kept() {
    enter(|| {
        let mut memo = Memo::new(1000, 2_000);
        for number in 0..100_u8 {
            memo.insert(&[number], number, 300, LATER, NOW);
            assert!(memo.bytes <= 2_000);
        }
        assert!((3..7).contains(&memo.len()), "{}", memo.len());
        assert_eq!(memo.get(&[99], NOW), Some(&99));
        memo.insert(&[99], 1, 3_000, LATER, NOW);
        assert_eq!(memo.get(&[99], NOW), None);
        memo.clear();
        assert_eq!((memo.len(), memo.bytes), (0, 0));
        let mut none = Memo::new(0, 2_000);
        none.insert(b"a", 1, 0, LATER, NOW);
        assert!(none.is_empty());
    });
}

#[test]
fn many_keys_of_all_lengths_come_and_go() {
    enter(|| {
        let mut memo = Memo::new(200, 1 << 20);
        let mut kept: Vec<Vec<u8>> = Vec::new();
        let mut state = 7_u64;
        for round in 0..5_000_u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let pick = (state >> 33) % 500;
            let key = format!("{pick}").repeat(usize::try_from(pick % 7).unwrap()).into_bytes();
            kept.retain(|other| *other != key);
            if round % 5 == 0 {
                memo.remove(&key);
            } else {
                memo.insert(&key, key.clone(), key.len(), LATER, NOW);
                kept.push(key);
                if kept.len() > 200 {
                    kept.remove(0);
                }
            }
            assert_eq!(memo.len(), kept.len());
        }
        // Asked for in their order, so that it stays as it is.
        for key in &kept {
            assert_eq!(memo.get(key, NOW), Some(key));
        }
        for key in &kept {
            memo.remove(key);
        }
        assert_eq!((memo.len(), memo.bytes, memo.newest, memo.oldest), (0, 0, None, None));
    });
}

#[test]
fn keys_are_hashed_with_bits_that_nobody_knows() {
    assert_ne!(super::hash(1, b"key"), super::hash(2, b"key"));
    assert_ne!(super::hash(1, b"key"), super::hash(1, b"key\0"));
    let mut memo = Memo::new(1, 1000);
    assert_eq!(memo.get(b"key", NOW), None::<&()>);
    // No host is there, so this would panic if random bits were taken before they are needed.
    memo.remove(b"key");
}
