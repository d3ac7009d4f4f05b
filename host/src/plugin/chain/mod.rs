//! Filters in order: in on the request, out on the response, each on one of this worker's instances.
//!
//! A chain is run in steps, which wait for nothing. A step ends where something must be waited for: the caller does so
//! and lets the chain go on. So an exchange whose filters do not wait pays for no future, and one that waits for its
//! upstream, a body or a document holds no instance.

mod any_of;
mod sending;
mod settle;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::calls::Outbound;
use super::engine::Engine;
use super::error::{Failed, Failure};
use super::exchange::Held;
use super::hook::Hook;
use super::pool::Pool;
use super::registry::Entry;
use super::steering::{Armed, Message, Outcome};
use super::trail::Took;
use super::warm::Warm;
use crate::clock::Slices;
use crate::config::{self, PathPattern};
pub use sending::{OpenFile, Sending};
pub(super) use settle::report;
use settle::settle;

/// How a step of the chain ended.
#[derive(Clone, Debug)]
pub enum Step {
    /// With the last filter: the message goes on.
    Next,
    /// A filter answered; the exchange has the response.
    Answered,
    /// Before a filter that may wait: [`Pools::call`] it.
    Call,
    /// A filter waits for this; tell it with [`Held::resume`] what became of it.
    Pause(Armed),
    /// With files of which a filter wants the first sent that is there; tell with [`Pools::sent`] or [`Pools::went_on`]
    /// what became of it.
    Send(Sending),
    /// With a body that broke off while a filter waited for it, and that no filter replaced: it cannot go on.
    Lost,
}

/// Filters in order; shared by all workers.
#[derive(Debug, Default)]
pub struct Chain {
    links: Box<[Link]>,
    /// Whether a filter wants to know of the end.
    completes: bool,
}

#[derive(Debug)]
struct Link {
    /// Index into [`Pools::entries`].
    entry: usize,
    /// Paths for which it is not run.
    except: Box<[PathPattern]>,
    /// Behind the last of the alternatives that it is one of.
    until: Option<u8>,
    /// It is run for every path, and others are run whatever it decides: asked once, for every request asks.
    is_plain: bool,
    /// Which of these hooks it has: looked up once, for every request asks.
    on_request: bool,
    on_response: bool,
}

impl Chain {
    /// The chain that was configured, of these entries.
    pub fn new(links: &[config::Link], entries: &[Arc<Entry>]) -> Self {
        let completes = links.iter().any(|link| entries[link.entry].has(Hook::Complete));
        let link = |(position, link): (usize, &config::Link)| {
            let group = config::alternatives(links, position);
            let until = (group.len() > 1).then(|| u8::try_from(group.end).expect("a chain has up to 128 filters"));
            Link {
                entry: link.entry,
                except: link.except.clone().into(),
                until,
                is_plain: link.except.is_empty() && until.is_none(),
                on_request: entries[link.entry].has(Hook::Request),
                on_response: entries[link.entry].has(Hook::Response),
            }
        };
        Self { links: links.iter().enumerate().map(link).collect(), completes }
    }

    /// Whether a filter wants to know of the end.
    pub fn completes(&self) -> bool {
        self.completes
    }

    /// Whether no filter runs.
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }
}

/// What a worker is to its filters.
#[derive(Clone)]
pub struct Station {
    /// Where requests of filters' own go.
    pub outbound: Arc<dyn Outbound>,
    /// Whether filters tick on this worker: they do so once for all.
    pub ticks: bool,
}

/// A worker's instances of all filters.
pub struct Pools {
    entries: Vec<Rc<Pool>>,
}

impl Pools {
    /// Pools for these entries; those that were there before keep their instances.
    pub async fn new(
        engine: &Arc<Engine>,
        entries: &[Arc<Entry>],
        station: &Station,
        mut warm: Warm,
        before: Option<&Pools>,
        slices: &mut Slices,
    ) -> Self {
        let before = before.map(|pools| pools.entries.as_slice()).unwrap_or_default();
        let mut kept: HashMap<*const Entry, &Rc<Pool>> = HashMap::with_capacity(before.len());
        for pool in before {
            kept.insert(Arc::as_ptr(&pool.entry), pool);
            slices.pause().await;
        }
        let mut pools = Vec::with_capacity(entries.len());
        for (place, entry) in entries.iter().enumerate() {
            let pool = match kept.get(&Arc::as_ptr(entry)) {
                Some(pool) => Rc::clone(pool),
                None => Pool::new(engine, entry, &station.outbound, warm.take(place)),
            };
            if station.ticks {
                super::after::start_ticks(&pool);
            }
            pools.push(pool);
            slices.pause().await;
        }
        Self { entries: pools }
    }

    /// Takes them apart in slices; the instances that nobody else has are given back, to be freed elsewhere.
    pub async fn take_apart(self, slices: &mut Slices) -> impl Send + 'static {
        let mut freed = Vec::new();
        for pool in self.entries {
            if let Some(pool) = Rc::into_inner(pool) {
                freed.extend(pool.empty());
            }
            slices.pause().await;
        }
        freed
    }

    pub(super) fn pools(&self) -> &[Rc<Pool>] {
        &self.entries
    }

    /// Drops instances that nobody needs.
    pub fn sweep(&self) {
        self.entries.iter().for_each(|pool| pool.sweep());
    }

    /// The request's way through the chain, from where it stands: each filter's `on-request` in order, until one
    /// answers, fails or waits.
    pub fn request(&self, chain: &Chain, held: &mut Held) -> Result<Step, Failed> {
        let mut clock = None;
        if let Some(position) = held.resumes(Message::Request) {
            let result = self.turn(chain, Hook::Resume(Message::Request), position, held, &mut clock);
            match self.decided(chain, position, held, result)? {
                Step::Next => {}
                step => return Ok(step),
            }
        }
        while let Some(link) = chain.links.get(held.entered) {
            let position = held.entered;
            held.entered += 1;
            let step = if !link.is_plain {
                self.turn_if(chain, position, held, &mut clock)?
            } else if link.on_request {
                self.turn(chain, Hook::Request, position, held, &mut clock)?
            } else {
                continue;
            };
            match step {
                Step::Next => {}
                step => return Ok(step),
            }
        }
        Ok(Step::Next)
    }

    /// The response's way back, from where it stands: `on-response` in reverse over the entries that the request
    /// entered. A failure takes the failed entry out: make the response that stands for it and call again, for the
    /// entries further out.
    pub fn response(&self, chain: &Chain, held: &mut Held) -> Result<Step, Failed> {
        held.reached = held.reached.max(held.entered);
        let mut clock = None;
        if let Some(position) = held.resumes(Message::Response) {
            match self.turn(chain, Hook::Resume(Message::Response), position, held, &mut clock)? {
                Step::Next | Step::Answered => {}
                step => return Ok(step),
            }
        }
        while held.entered > 0 {
            held.entered -= 1;
            let position = held.entered;
            if held.out & (1 << position) == 0 && chain.links[position].on_response {
                match self.turn(chain, Hook::Response, position, held, &mut clock)? {
                    Step::Next | Step::Answered => {}
                    step => return Ok(step),
                }
            }
        }
        Ok(Step::Next)
    }

    /// Calls the filter that a step ended before, waiting as long as it waits.
    pub async fn call(&self, chain: &Chain, held: &mut Held, message: Message) -> Result<Step, Failed> {
        let (hook, position) = match (held.resumes(message), message) {
            (Some(position), _) => (Hook::Resume(message), position),
            (None, Message::Request) => (Hook::Request, held.entered - 1),
            (None, Message::Response) => (Hook::Response, held.entered),
        };
        let pool = &self.entries[chain.links[position].entry];
        let began = held.look_at_clock();
        held.begin_mark(position, hook, began);
        let mut spent = began.map(|_| Duration::ZERO);
        let called = async {
            let _waiting = pool.enter()?;
            let mut taken = pool.wait().await?;
            let flow = taken.instance().waiting_flow(hook, position, held, &mut spent).await?;
            taken.put_back();
            Ok(flow)
        };
        let result = called.await;
        let took = began.map(|began| Took { began, ended: Instant::now(), polled: spent });
        let result = settle(pool, hook, position, held, took, result);
        match message {
            Message::Request => self.decided(chain, position, held, result),
            Message::Response => result,
        }
    }

    /// One hook of one filter. Where the last one ended, this one begins; the clock is not looked at twice.
    fn turn(
        &self,
        chain: &Chain,
        hook: Hook,
        position: usize,
        held: &mut Held,
        clock: &mut Option<Instant>,
    ) -> Result<Step, Failed> {
        let pool = &self.entries[chain.links[position].entry];
        if !pool.entry.ward.admits(&pool.record) {
            return settle(pool, hook, position, held, None, Err(Failure::Quarantine));
        }
        if pool.entry.waits() {
            return Ok(Step::Call);
        }
        let began = clock.or_else(|| held.look_at_clock());
        let result = pool.with(|instance| instance.flow(hook, position, held));
        let took = began.map(|began| Took { began, ended: Instant::now(), polled: None });
        *clock = took.map(|took| took.ended);
        settle(pool, hook, position, held, took, result)
    }

    /// The pool of the filter at this place.
    pub(super) fn pool(&self, chain: &Chain, position: usize) -> &Rc<Pool> {
        &self.entries[chain.links[position].entry]
    }

    /// The filters that want to know of an exchange's end, the last of the chain first.
    pub(super) fn completing(&self, chain: &Chain) -> Vec<(usize, Rc<Pool>)> {
        if !chain.completes {
            return Vec::new();
        }
        let wants = |position: &usize| self.pool(chain, *position).entry.has(Hook::Complete);
        let positions = (0..chain.links.len()).rev().filter(wants);
        positions.map(|position| (position, Rc::clone(self.pool(chain, position)))).collect()
    }
}

impl Held {
    /// What became of what a filter waits for; the chain's next step calls its `on-resume`.
    pub fn resume(&mut self, outcome: Outcome) {
        if let Some(paused) = &mut self.paused {
            paused.outcome = Some(outcome);
        }
    }

    /// The filter that is to be told.
    fn resumes(&self, message: Message) -> Option<usize> {
        let paused = self.paused.as_ref().filter(|paused| paused.about == message && paused.outcome.is_some());
        paused.map(|paused| paused.position)
    }
}

impl std::fmt::Debug for Station {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Station").field("ticks", &self.ticks).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Pools {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(&self.entries).finish()
    }
}
