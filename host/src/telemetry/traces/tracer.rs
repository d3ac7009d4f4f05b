//! Which trace an exchange belongs to, and whether it is recorded.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

use http::{HeaderMap, HeaderName};

use super::context::{self, LENGTH, PARENT, Parent, RANDOM, SAMPLED, STATE};

/// The bits of a trace id that decide: the last 7 bytes, which are random (level 2 of the specification).
const BITS: u32 = 56;

/// Hooks are numbered from here on, so that none has the span of an attempt.
const HOOKS: u64 = 1 << 32;

/// How many exchanges strangers' trace ids may have recorded beyond their share, because chance is not even.
const BURST: u64 = 60;

/// How exchanges are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// So many of the 2^56 ends of a trace id.
    share: u64,
    trusts_all: bool,
}

impl Sampling {
    /// A share from 0 to 1; and whether every caller's decision is followed, or only that of peers who are trusted.
    pub fn new(share: f64, trusts_all: bool) -> Self {
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let share = (share.clamp(0.0, 1.0) * (1_u64 << BITS) as f64) as u64;
        Self { share, trusts_all }
    }

    /// Whether this trace is one of the share: the same wherever the share is the same. Larger shares hold smaller ones.
    fn takes(self, trace: u128) -> bool {
        let end = u64::try_from(trace & ((1 << BITS) - 1)).unwrap_or(0);
        end >= (1 << BITS) - self.share
    }
}

/// The place of an exchange in its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The trace's id.
    pub(super) id: u128,
    /// The exchange's own span.
    pub(super) span: u64,
    /// The caller's span; 0 if there is none.
    pub(super) parent: u64,
    pub(super) flags: u8,
    /// Whether the request's `tracestate` belongs to this trace.
    keeps_state: bool,
}

impl Trace {
    /// The trace's id, as collectors name it.
    pub fn id(&self) -> String {
        format!("{:032x}", self.id)
    }

    /// Whether it is recorded.
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The span of the exchange's attempt to ask an endpoint, from 0. Known without being kept.
    pub(super) fn attempt(&self, index: usize) -> u64 {
        mix(self.span.wrapping_add(index as u64 + 1)).max(1)
    }

    /// The span of its hook of this number.
    pub(super) fn hook(&self, number: usize) -> u64 {
        mix(self.span.wrapping_add(HOOKS + number as u64)).max(1)
    }

    /// Whether a request's field of this name is not for the next endpoint: it is told something else, or nothing.
    pub fn replaces(&self, name: &HeaderName) -> bool {
        *name == PARENT || !self.keeps_state && *name == STATE
    }

    /// What is kept beside the trace.
    pub fn state(&self, headers: &HeaderMap) -> String {
        if self.keeps_state { context::state(headers) } else { String::new() }
    }

    /// What that endpoint is told.
    pub fn parent_for(&self, index: usize) -> [u8; LENGTH] {
        context::write(self.id, self.attempt(index), self.flags)
    }
}

/// What one worker needs to begin traces.
#[derive(Debug)]
pub struct Tracer {
    high: u64,
    state: Cell<u64>,
    /// What strangers' trace ids may still have recorded, in 2^-56.
    credit: Cell<u64>,
}

impl Default for Tracer {
    fn default() -> Self {
        let random = RandomState::new();
        Self { high: random.hash_one(0), state: Cell::new(random.hash_one(1)), credit: Cell::new(BURST << BITS) }
    }
}

impl Tracer {
    /// The trace of a request with these fields, from a peer that is trusted or not.
    pub fn begin(&self, sampling: Sampling, is_trusted: bool, headers: &HeaderMap) -> Trace {
        let span = self.random();
        let parent = if context::may_have_any(headers) { Parent::of(headers) } else { None };
        let Some(parent) = parent else {
            let id = u128::from(self.high) << 64 | u128::from(self.random());
            let sampled = if sampling.takes(id) { SAMPLED } else { 0 };
            return Trace { id, span, parent: 0, flags: RANDOM | sampled, keeps_state: false };
        };
        let is_sampled = if is_trusted || sampling.trusts_all {
            parent.flags & SAMPLED != 0
        } else {
            self.takes_of_stranger(sampling, parent.trace)
        };
        let flags = parent.flags & !SAMPLED | if is_sampled { SAMPLED } else { 0 };
        let keeps_state = context::has_sound_state(headers);
        Trace { id: parent.trace, span, parent: parent.span, flags, keeps_state }
    }

    /// By its id, as elsewhere. But who may choose ids could choose such as are recorded: all of them together get twice
    /// the share.
    fn takes_of_stranger(&self, sampling: Sampling, trace: u128) -> bool {
        let credit = (self.credit.get() + 2 * sampling.share).min(BURST << BITS);
        let takes = sampling.takes(trace) && credit >= 1 << BITS;
        self.credit.set(credit - if takes { 1 << BITS } else { 0 });
        takes
    }

    /// `SplitMix64`.
    fn random(&self) -> u64 {
        let state = self.state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.state.set(state);
        mix(state).max(1)
    }
}

/// Every bit of the input changes about half of the output's; no two inputs have the same output.
pub(super) fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(parent: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(&context::PARENT, parent.parse().unwrap());
        headers
    }

    /// Trace ids whose last bytes are these.
    fn from(end: u64, flags: &str) -> HeaderMap {
        asking(&format!("00-0af7651916cd43dd{end:016x}-b7ad6b7169203331-{flags}"))
    }

    #[test]
    fn a_share_of_the_traces_is_recorded() {
        let tracer = Tracer::default();
        let count = |share: f64| {
            let sampling = Sampling::new(share, false);
            (0..100_000).filter(|_| tracer.begin(sampling, false, &HeaderMap::new()).is_sampled()).count()
        };
        assert_eq!((count(0.0), count(1.0)), (0, 100_000));
        // Six times the deviation that chance has.
        assert!(count(0.01).abs_diff(1000) < 200);
        assert!(count(0.5).abs_diff(50_000) < 1000);
    }

    #[test]
    fn several_proxies_choose_the_same_traces() {
        let (one, other) = (Tracer::default(), Tracer::default());
        for step in 0..1000_u64 {
            let request = from(mix(step), "00");
            let small = one.begin(Sampling::new(0.1, false), false, &request).is_sampled();
            assert_eq!(other.begin(Sampling::new(0.1, false), false, &request).is_sampled(), small);
            let large = other.begin(Sampling::new(0.2, false), true, &from(mix(step), "01")).is_sampled();
            assert!(large || !small);
        }
    }

    #[test]
    fn only_who_is_trusted_decides() {
        let tracer = Tracer::default();
        let (never, always) = (Sampling::new(0.0, false), Sampling::new(1.0, false));
        for (sampling, is_trusted, flags, expected) in [
            (never, true, "01", true),
            (never, false, "01", false),
            (Sampling::new(0.0, true), false, "01", true),
            (always, true, "00", false),
            (always, false, "00", true),
        ] {
            let trace = tracer.begin(sampling, is_trusted, &from(5, flags));
            assert_eq!(trace.is_sampled(), expected, "{sampling:?} {is_trusted} {flags}");
            assert_eq!((trace.id, trace.parent), (0x0af7_6519_16cd_43dd << 64 | 5, 0xb7ad_6b71_6920_3331));
        }
    }

    #[test]
    fn who_chooses_ids_that_are_recorded_gets_twice_the_share() {
        let tracer = Tracer::default();
        let sampling = Sampling::new(0.01, false);
        let chosen = from(u64::MAX, "01");
        let recorded = (0..100_000).filter(|_| tracer.begin(sampling, false, &chosen).is_sampled()).count();
        assert!(recorded <= 2000 + 60, "{recorded}");
    }

    #[test]
    fn each_attempt_has_a_span_of_its_own() {
        let tracer = Tracer::default();
        let trace = tracer.begin(Sampling::new(1.0, false), false, &HeaderMap::new());
        let text = String::from_utf8(trace.parent_for(0).to_vec()).unwrap();
        assert_eq!(text, format!("00-{:032x}-{:016x}-03", trace.id, trace.attempt(0)));
        assert_ne!(trace.attempt(0), trace.attempt(1));
        assert_ne!(trace.attempt(0), trace.span);
    }
}
