//! The stories that one worker keeps for those who ask why, within bounds.
//!
//! Refusals and failures have a room, samples of the rest another. In each, stories are kept by who made the response and
//! why, and what must make room is the oldest of the kind that has most: so a flood of one kind pushes out its own, and
//! the newest of every kind stays. Of one kind only so many are told in a second: telling must not cost what is refused.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::story::Story;

/// Kinds that are told apart.
const MOST_KINDS: usize = 64;

/// Stories of one kind in one second.
const MOST_IN_A_SECOND: u32 = 1000;

/// Stories that are looked at in one go: meanwhile the worker waits if it has one to keep.
const SLICE: usize = 256;

/// Bytes for each story that may be kept; most take less.
const BYTES_EACH: usize = 4 << 10;

/// One worker's stories. The worker writes, whoever is asked reads; they seldom meet.
#[derive(Debug)]
pub struct Ring {
    began: Instant,
    /// One in so many of those that went well; 0 for none.
    sample: AtomicU32,
    rooms: Mutex<[Room; 2]>,
}

/// Why a story is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Something was refused, or failed.
    Always = 0,
    /// By chance.
    Sampled = 1,
}

/// What there is to be found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Refusals and failures that are kept.
    pub kept: usize,
    /// Those that had to make room, or came too many at once.
    pub gone: u64,
    /// Samples of the rest that are kept.
    pub samples: usize,
}

#[derive(Debug, Default)]
struct Room {
    kinds: Vec<Kind>,
    count: usize,
    bytes: usize,
    most: usize,
    gone: u64,
    /// The number of the next story.
    next: u64,
}

/// Stories of one kind with their numbers, the oldest first.
#[derive(Debug, Default)]
struct Kind {
    by: String,
    reason: String,
    stories: VecDeque<(u64, Arc<Story>)>,
    second: u64,
    in_second: u32,
}

impl Default for Ring {
    fn default() -> Self {
        Self { began: Instant::now(), sample: AtomicU32::new(0), rooms: Mutex::default() }
    }
}

impl Ring {
    /// Keeps so many of either sort, and one in `sample` of those that went well.
    pub fn allow(&self, most: usize, sample: u32) {
        self.sample.store(sample, Ordering::Relaxed);
        for room in self.rooms().iter_mut() {
            room.most = most;
            room.make_room();
        }
    }

    /// One in so many of those that went well; 0 for none.
    pub fn sample(&self) -> u32 {
        self.sample.load(Ordering::Relaxed)
    }

    /// Keeps a story of this kind, unless there were too many a moment ago; then it is not even told.
    pub fn keep(&self, kept: Kept, by: &str, reason: &str, now: Instant, tell: impl FnOnce() -> Story) {
        let second = now.saturating_duration_since(self.began).as_secs();
        let may = {
            let mut rooms = self.rooms();
            let room = &mut rooms[kept as usize];
            if room.most == 0 {
                return;
            }
            let may = room.kind(by, reason).may_have(second);
            room.gone += u64::from(!may);
            may
        };
        if may {
            // Told outside, so that whoever reads does not wait for it.
            let story = Arc::new(tell().cut());
            self.rooms()[kept as usize].add(by, reason, story);
        }
    }

    /// Those that fit, the newest first, at most so many.
    pub fn find(&self, most: usize, fits: impl Fn(&Story) -> bool) -> Vec<Arc<Story>> {
        let mut found: Vec<Arc<Story>> = Vec::new();
        for room in [Kept::Always, Kept::Sampled] {
            let names = |kind: &Kind| (kind.by.clone(), kind.reason.clone());
            let kinds: Vec<_> = self.rooms()[room as usize].kinds.iter().map(names).collect();
            for (by, reason) in kinds {
                let (mut below, already) = (u64::MAX, found.len());
                while found.len() - already < most {
                    let slice = self.rooms()[room as usize].slice(&by, &reason, below);
                    let Some((oldest, _)) = slice.last() else { break };
                    below = *oldest;
                    let room = most - (found.len() - already);
                    found.extend(slice.into_iter().map(|(_, story)| story).filter(|story| fits(story)).take(room));
                }
            }
        }
        found.sort_by_key(|story| std::cmp::Reverse(story.time));
        found.truncate(most);
        found
    }

    /// What there is to be found.
    pub fn extent(&self) -> Extent {
        let rooms = self.rooms();
        let [always, sampled] = &*rooms;
        Extent { kept: always.count, gone: always.gone, samples: sampled.count }
    }

    fn rooms(&self) -> MutexGuard<'_, [Room; 2]> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    fn kind(&mut self, by: &str, reason: &str) -> &mut Kind {
        let find = |by: &str, reason: &str| self.kinds.iter().position(|kind| kind.by == by && kind.reason == reason);
        // Kinds beyond the most are one together.
        let place = find(by, reason).or_else(|| if self.kinds.len() < MOST_KINDS { None } else { find("", "") });
        let place = place.unwrap_or_else(|| {
            let (by, reason) = if self.kinds.len() < MOST_KINDS { (by, reason) } else { ("", "") };
            self.kinds.push(Kind { by: by.to_owned(), reason: reason.to_owned(), ..Kind::default() });
            self.kinds.len() - 1
        });
        &mut self.kinds[place]
    }

    fn add(&mut self, by: &str, reason: &str, story: Arc<Story>) {
        self.bytes += story.size();
        self.count += 1;
        let number = self.next;
        self.next += 1;
        self.kind(by, reason).stories.push_back((number, story));
        self.make_room();
    }

    /// Some of a kind, the newest first, all of them with a number below this one.
    fn slice(&self, by: &str, reason: &str, below: u64) -> Vec<(u64, Arc<Story>)> {
        let Some(kind) = self.kinds.iter().find(|kind| kind.by == by && kind.reason == reason) else {
            return Vec::new();
        };
        let end = kind.stories.partition_point(|(number, _)| *number < below);
        kind.stories.range(end.saturating_sub(SLICE)..end).rev().cloned().collect()
    }

    /// The kind that has most gives up its oldest.
    fn make_room(&mut self) {
        while self.count > self.most || self.bytes > self.most * BYTES_EACH {
            // Of those that have as many, the one that got none for longest.
            let newest = |kind: &Kind| kind.stories.back().map(|(number, _)| std::cmp::Reverse(*number));
            let Some(fullest) = self.kinds.iter_mut().max_by_key(|kind| (kind.stories.len(), newest(kind))) else {
                return;
            };
            let Some((_, oldest)) = fullest.stories.pop_front() else { return };
            self.bytes -= oldest.size();
            self.count -= 1;
            self.gone += 1;
        }
        if self.kinds.len() > MOST_KINDS / 2 {
            self.kinds.retain(|kind| !kind.stories.is_empty());
        }
    }
}

impl Kind {
    fn may_have(&mut self, second: u64) -> bool {
        if self.second != second {
            self.second = second;
            self.in_second = 0;
        }
        self.in_second += 1;
        self.in_second <= MOST_IN_A_SECOND
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    fn story(id: u128, target: &str) -> Story {
        Story {
            id,
            named: None,
            time: SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(id).unwrap()),
            client: [127, 0, 0, 1].into(),
            listener: "main".into(),
            method: "GET".into(),
            host: None,
            target: target.into(),
            status: Some(403),
            by: String::new(),
            reason: String::new(),
            detail: String::new(),
            ended: "complete",
            site: String::new(),
            route: String::new(),
            served: None,
            reached: 0,
            steps: Vec::new(),
            missed: 0,
            upstream: String::new(),
            attempts: Vec::new(),
            sent: 0,
            until_response: None,
            duration: Duration::ZERO,
        }
    }

    fn ids(ring: &Ring, most: usize) -> Vec<u128> {
        ring.find(most, |_| true).iter().map(|story| story.id).collect()
    }

    #[test]
    fn a_flood_of_one_kind_does_not_push_out_the_others() {
        let ring = Ring::default();
        ring.allow(10, 0);
        let now = ring.began;
        ring.keep(Kept::Always, "authz", "no-rule", now, || story(1, "/"));
        ring.keep(Kept::Sampled, "upstream", "", now, || story(2, "/"));
        for id in 3..500 {
            ring.keep(Kept::Always, "host", "no-route", now, || story(id, "/"));
        }
        let kept = ids(&ring, 100);
        assert_eq!(kept[..9], [499, 498, 497, 496, 495, 494, 493, 492, 491]);
        assert_eq!(kept[9..], [2, 1]);
        assert_eq!(ring.extent(), Extent { kept: 10, gone: 488, samples: 1 });
    }

    #[test]
    fn the_newest_of_every_kind_is_kept_as_long_as_there_is_room() {
        let ring = Ring::default();
        ring.allow(20, 0);
        for id in 0..1000 {
            let reason = format!("reason-{}", id % 15);
            ring.keep(Kept::Always, "filter", &reason, ring.began, || story(id, "/"));
        }
        let mut kinds: Vec<_> = ids(&ring, 100).iter().map(|id| id % 15).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), 15);
        assert!(ids(&ring, 15).iter().all(|id| *id >= 985));
    }

    #[test]
    fn so_many_kinds_and_bytes_and_no_more() {
        let ring = Ring::default();
        ring.allow(200, 0);
        for id in 0..2000 {
            ring.keep(Kept::Always, "filter", &format!("reason-{id}"), ring.began, || story(id, "/"));
        }
        assert!(ring.rooms()[0].kinds.len() <= MOST_KINDS + 1);
        assert_eq!(ring.extent().kept, 200);
        let later = ring.began + Duration::from_secs(1);
        for id in 2000..3000 {
            ring.keep(Kept::Always, "host", "bad-path", later, || {
                let mut long = story(id, &"/a".repeat(1 << 16));
                long.detail = "b".repeat(1 << 16);
                long.attempts =
                    vec![super::super::story::Attempt { error: Some("c".repeat(1 << 16)), ..Default::default() }; 5];
                long
            });
        }
        assert!(ring.rooms()[0].bytes <= 200 * BYTES_EACH);
        assert_eq!(ids(&ring, 1), [2999]);
        assert!(ring.extent().kept > 50, "{:?}", ring.extent());
        ring.allow(0, 0);
        assert_eq!((ring.extent().kept, ring.rooms()[0].bytes), (0, 0));
    }

    #[test]
    fn more_than_so_many_in_a_second_are_not_told() {
        let ring = Ring::default();
        ring.allow(10_000, 0);
        for id in 0..5000 {
            ring.keep(Kept::Always, "host", "no-route", ring.began, || story(id, "/"));
        }
        assert_eq!(ring.extent(), Extent { kept: 1000, gone: 4000, samples: 0 });
        assert_eq!(ids(&ring, 2000), (0..1000).rev().collect::<Vec<_>>());
        ring.keep(Kept::Always, "host", "no-site", ring.began, || story(5001, "/"));
        ring.keep(Kept::Always, "host", "no-route", ring.began + Duration::from_secs(1), || story(5002, "/"));
        assert_eq!(ids(&ring, 2), [5002, 5001]);
    }
}
