//! Links that not every request meets: those with an `except`, and alternatives, of which the first that lets a request
//! pass is enough.

use std::time::Instant;

use super::super::alternatives::{Ended, SetAside};
use super::super::error::Failed;
use super::super::exchange::Held;
use super::super::hook::Hook;
use super::super::trail::Did;
use super::settle::note;
use super::{Chain, Pools, Step};

impl Pools {
    /// The turn of such a link.
    pub(super) fn turn_if(
        &self,
        chain: &Chain,
        position: usize,
        held: &mut Held,
        clock: &mut Option<Instant>,
    ) -> Result<Step, Failed> {
        let link = &chain.links[position];
        if link.except.iter().any(|except| except.matches(held.request.uri.path())) {
            held.leave_out(position);
            note(&self.entries[link.entry], Hook::Request, position, held, Did::Excepted, None, None);
            return if link.until.map(usize::from) == Some(held.entered) {
                self.first_stands(chain, held)
            } else {
                Ok(Step::Next)
            };
        }
        if link.until.is_some() {
            held.asking.get_or_insert_default();
        }
        let result =
            if link.on_request { self.turn(chain, Hook::Request, position, held, clock) } else { Ok(Step::Next) };
        self.decided(chain, position, held, result)
    }

    /// What the decision of the filter at this place means, if it is an alternative: whether the next one is asked.
    pub(super) fn decided(
        &self,
        chain: &Chain,
        position: usize,
        held: &mut Held,
        result: Result<Step, Failed>,
    ) -> Result<Step, Failed> {
        let Some(until) = chain.links[position].until.map(usize::from) else { return result };
        let ended = match result {
            Ok(Step::Answered) => match held.take_answer() {
                Some(set) => Ended::Answered(Box::new(set)),
                None => return Ok(Step::Answered),
            },
            Err(failed) => Ended::Failed(failed),
            Ok(step @ (Step::Next | Step::Lost)) => {
                self.passes(chain, position, until, held);
                return Ok(step);
            }
            // No alternative has files sent.
            Ok(step @ (Step::Call | Step::Pause(_) | Step::Send(_))) => return Ok(step),
        };
        held.undo();
        held.leave_out(position);
        self.set_aside(chain, SetAside { position, ended }, held);
        if held.entered < until { Ok(Step::Next) } else { self.first_stands(chain, held) }
    }

    /// An alternative lets the request pass: the others are as if they were not there.
    fn passes(&self, chain: &Chain, position: usize, until: usize, held: &mut Held) {
        if held.absent & (1 << position) != 0 {
            // It failed, and may: what it was about to change counts as little as it does.
            held.undo();
        }
        let asking = held.asking.take();
        if let Some(SetAside { position, ended: Ended::Answered(set) }) = asking.and_then(|asking| asking.first) {
            self.pool(chain, position).sheet.set_aside(set.code());
        }
        for other in held.entered..until {
            held.leave_out(other);
        }
        held.entered = until;
    }

    /// Keeps how the first ended; of others only what else a client may show.
    fn set_aside(&self, chain: &Chain, aside: SetAside, held: &mut Held) {
        let Some(asking) = held.asking.as_deref_mut() else { return };
        let Some(first) = &mut asking.first else {
            asking.first = Some(aside);
            return;
        };
        if let Ended::Answered(set) = aside.ended {
            self.pool(chain, aside.position).sheet.set_aside(set.code());
            if let Ended::Answered(first) = &mut first.ended {
                first.challenge(&set);
            }
        }
    }

    /// None of the alternatives that were asked lets the request pass. Without one it goes on.
    fn first_stands(&self, chain: &Chain, held: &mut Held) -> Result<Step, Failed> {
        let Some(SetAside { position, ended }) = held.asking.take().and_then(|asking| asking.first) else {
            return Ok(Step::Next);
        };
        match ended {
            Ended::Failed(failed) => Err(failed),
            Ended::Answered(set) => {
                self.pool(chain, position).sheet.answered(set.code());
                // As whoever answers, it is told of the end.
                held.absent &= !(1 << position);
                held.trail.stands(position);
                held.give_answer(*set);
                Ok(Step::Answered)
            }
        }
    }
}

impl Held {
    /// The filter at this place takes no part.
    fn leave_out(&mut self, position: usize) {
        self.out |= 1 << position;
        self.absent |= 1 << position;
    }
}
