//! What filters may use, and when they are put aside: from what is written to numbers within their ranges.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Check, MOST_MEMORY};
use crate::config::file::File;
use crate::config::filters::{self, ProbationRule, QuarantineRule};
use crate::config::forms;
use crate::config::read::Count;
use crate::config::units::{Share, Size, Time};
use crate::config::{Fault, Limits, Located, Probation, Quarantine, Why};

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

impl Check {
    /// The limits that are written, and the rest as it was.
    pub(super) fn limits(&mut self, written: Option<&filters::Limits>, mut limits: Limits) -> Limits {
        let Some(written) = written else { return limits };
        let memory = 64 << 10..=MOST_MEMORY as u64;
        self.size(&mut limits.memory, written.memory.as_ref(), &memory, "a plugin's memory is from 64KiB to 1GiB");
        let cpu = 1..=MINUTE;
        self.time(&mut limits.cpu, written.cpu.as_ref(), cpu.clone(), "a hook's CPU time is from 1ms to 60s");
        let what = "the CPU time of reading a configuration is from 1ms to 60s";
        self.time(&mut limits.configure, written.configure.as_ref(), cpu, what);
        self.time(&mut limits.wait, written.wait.as_ref(), 1..=5 * MINUTE, "a hook waits from 1ms to 5m");
        self.time(&mut limits.compile, written.compile.as_ref(), 1..=HOUR, "compiling takes from 1ms to 1h");
        let what = "an exchange waits for an instance up to 60s";
        self.time(&mut limits.queue, written.queue.as_ref(), 0..=MINUTE, what);
        self.size(&mut limits.body, written.body.as_ref(), &(0..=64 << 20), "a filter buffers up to 64MiB of a body");
        set(&mut limits.instances, written.instances.as_ref());
        set(&mut limits.waiting, written.waiting.as_ref());
        set(&mut limits.pins, written.pins.as_ref());
        set(&mut limits.files, written.files.as_ref());
        set(&mut limits.calls, written.calls.as_ref());
        set(&mut limits.series, written.series.as_ref());
        if let Some(calls) = &written.recycle_calls {
            limits.recycle_calls = calls.value.0;
        }
        if let Some(written) = &written.recycle_memory {
            let mut bytes = 0;
            self.size(&mut bytes, Some(written), &memory, "instances are replaced at 64KiB to 1GiB of memory");
            if bytes > limits.memory {
                self.fault(written.place, "no instance of this filter may have so much memory").help =
                    Some("write less than its `memory`, or raise that".into());
            }
            limits.recycle_memory = Some(bytes);
        }
        limits
    }

    /// How much is kept for those who ask why.
    pub(super) fn why(&mut self, file: &File) -> Option<Why> {
        let mut why = Why::default();
        if let Some(written) = &file.why {
            let forms::Why::Keep(keep) = &written.value else { return None };
            set(&mut why.keep, keep.keep.as_ref());
            if let Some(sample) = &keep.sample {
                why.sample = u32::try_from(sample.value.0).unwrap_or(u32::MAX);
            }
            if file.admin.is_none() {
                let message = "nothing is kept, for nobody can ask: there is no `admin`";
                let help = "add `admin: { address: 127.0.0.1:9180 }`, or remove `why`";
                self.warnings.push(Fault::new(written.place, message).help(help));
            }
        }
        file.admin.is_some().then_some(why)
    }

    /// When a plugin is put aside: never if it is off, as usual if nothing is written.
    pub(super) fn quarantine(&mut self, written: Option<&filters::Quarantine>) -> Option<Quarantine> {
        let mut rule = Quarantine::default();
        match written {
            Some(filters::Quarantine::Off) => return None,
            Some(filters::Quarantine::When(written)) => self.rule(written, &mut rule),
            None => {}
        }
        Some(rule)
    }

    fn rule(&mut self, written: &QuarantineRule, rule: &mut Quarantine) {
        self.share(&mut rule.percent, written.share.as_ref());
        if let Some(calls) = &written.calls {
            rule.calls = u32::try_from(calls.value.0).unwrap_or(u32::MAX);
        }
        let what = "the window of a quarantine is from 100ms to 1h";
        self.time(&mut rule.window, written.window.as_ref(), 100..=HOUR, what);
        let what = "a quarantine lasts from 10ms to 24h";
        self.time(&mut rule.first, written.first.as_ref(), 10..=24 * HOUR, what);
        rule.longest = rule.longest.max(rule.first);
        self.time(&mut rule.longest, written.longest.as_ref(), 10..=24 * HOUR, what);
        if let Some(longest) = written.longest.as_ref().filter(|_| rule.longest < rule.first) {
            self.fault(longest.place, format!("this is less than `first`, which is {:?}", rule.first)).help =
                Some("write `longest` as long as `first`, or longer".into());
        }
    }

    /// How a new version of a plugin is watched: not at all if it is off, as usual if nothing is written.
    pub(super) fn probation(&mut self, written: Option<&filters::Probation>) -> Option<Probation> {
        let mut rule = Probation::default();
        match written {
            Some(filters::Probation::Off) => return None,
            Some(filters::Probation::When(ProbationRule { share, calls, time, .. })) => {
                self.share(&mut rule.percent, share.as_ref());
                if let Some(calls) = calls {
                    rule.calls = u32::try_from(calls.value.0).unwrap_or(u32::MAX);
                }
                self.time(&mut rule.time, time.as_ref(), 100..=24 * HOUR, "a probation lasts from 100ms to 24h");
            }
            None => {}
        }
        Some(rule)
    }

    /// Sets a share that is written.
    fn share(&mut self, slot: &mut u32, written: Option<&Located<Share>>) {
        let Some(share) = written else { return };
        if !(1..=100).contains(&share.value.0) {
            self.fault(share.place, "a share is from 1% to 100%");
        }
        *slot = u32::try_from(share.value.0).unwrap_or(u32::MAX);
    }

    /// Sets a duration that is written; one that is not within milliseconds of the range is at fault.
    pub(super) fn time(
        &mut self,
        slot: &mut Duration,
        written: Option<&Located<Time>>,
        range: RangeInclusive<u64>,
        what: &str,
    ) {
        let Some(written) = written else { return };
        if !range.contains(&u64::try_from(written.value.0.as_millis()).unwrap_or(u64::MAX)) {
            self.fault(written.place, what);
        }
        *slot = written.value.0;
    }

    /// Sets a size that is written; one that is not within the range is at fault.
    pub(super) fn size(
        &mut self,
        slot: &mut usize,
        written: Option<&Located<Size>>,
        range: &RangeInclusive<u64>,
        what: &str,
    ) {
        let Some(written) = written else { return };
        if !range.contains(&written.value.0) {
            self.fault(written.place, what);
        }
        *slot = usize::try_from(written.value.0).unwrap_or(usize::MAX);
    }
}

/// Sets a number that is written.
pub(super) fn set<const LEAST: u64, const MOST: u64>(slot: &mut usize, written: Option<&Located<Count<LEAST, MOST>>>) {
    if let Some(written) = written {
        *slot = usize::try_from(written.value.0).unwrap_or(usize::MAX);
    }
}
