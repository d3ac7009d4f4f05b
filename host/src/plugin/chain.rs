//! Filters in order: in on the request, out on the response, each on this worker's own instance.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::bindings;
use super::engine::Engine;
use super::error::{Failed, Failure};
use super::exchange::{Answer, Held, Origin, Reply};
use super::instance::{Hook, Instance, Refused};
use super::registry::Entry;
use crate::config::OnFailure;

/// What the chain decided about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It goes on to the upstream.
    Next,
    /// A filter answered; the exchange has the response.
    Answered,
}

/// A worker's instances of a chain's filters. A hook is a short call on one thread, so one instance of each is enough.
pub struct Pools {
    engine: Arc<Engine>,
    entries: Vec<Rc<Pool>>,
}

struct Pool {
    entry: Arc<Entry>,
    instance: RefCell<Option<Instance>>,
}

impl Pools {
    /// Pools for these entries; those that were there before keep their instances.
    pub fn new(engine: &Arc<Engine>, chain: &[Arc<Entry>], before: Option<&Pools>) -> Self {
        let entries = chain.iter().map(|entry| {
            let kept = before.and_then(|pools| pools.entries.iter().find(|pool| Arc::ptr_eq(&pool.entry, entry)));
            kept.map_or_else(|| Rc::new(Pool { entry: Arc::clone(entry), instance: RefCell::new(None) }), Rc::clone)
        });
        Self { engine: Arc::clone(engine), entries: entries.collect() }
    }

    /// Runs `on-request` in chain order, until a filter answers or fails.
    pub fn request(&self, held: &mut Held) -> Result<Flow, Failed> {
        for (position, pool) in self.entries.iter().enumerate() {
            held.entered = position + 1;
            if !pool.entry.filter.has(Hook::Request) {
                continue;
            }
            if let Some((reply, entry)) = self.call(pool, Hook::Request, position, held)? {
                held.out |= 1 << position;
                install(held, reply, entry);
                return Ok(Flow::Answered);
            }
        }
        Ok(Flow::Next)
    }

    /// Runs `on-response` in reverse over the entries that the request entered. A failure takes the failed entry
    /// out: make the response that stands for it and call again, for the entries further out.
    pub fn response(&self, held: &mut Held) -> Result<(), Failed> {
        while held.entered > 0 {
            held.entered -= 1;
            let position = held.entered;
            let pool = &self.entries[position];
            if held.out & (1 << position) != 0 || !pool.entry.filter.has(Hook::Response) {
                continue;
            }
            if let Some((reply, entry)) = self.call(pool, Hook::Response, position, held)? {
                install(held, reply, entry);
            }
        }
        Ok(())
    }

    /// One hook of one filter: none if it said `next` or failed open.
    fn call<'a>(
        &self,
        pool: &'a Pool,
        hook: Hook,
        position: usize,
        held: &mut Held,
    ) -> Result<Option<(Reply, &'a Arc<Entry>)>, Failed> {
        let entry = &pool.entry;
        let failure = match self.run(pool, hook, position, held) {
            Ok(bindings::Flow::Next) => {
                held.reply = None;
                return Ok(None);
            }
            Ok(bindings::Flow::Stop) => match held.reply.take() {
                Some(reply) => return Ok(Some((reply, entry))),
                None => Failure::NoAnswer,
            },
            Err(failure) => failure,
        };
        held.reply = None;
        held.out |= 1 << position;
        tracing::error!(filter = entry.name, exchange = %held.id, kind = failure.code(), "filter `{}` failed: {failure}", entry.name);
        match entry.on_failure {
            OnFailure::Open => Ok(None),
            OnFailure::Closed => Err(Failed { entry: Arc::clone(entry), failure }),
        }
    }

    fn run(&self, pool: &Pool, hook: Hook, position: usize, held: &mut Held) -> Result<bindings::Flow, Failure> {
        let mut slot = pool.instance.borrow_mut();
        let instance = match &mut *slot {
            Some(instance) => instance,
            empty => empty.insert(Instance::new(&self.engine, &pool.entry).map_err(|refused| match refused {
                Refused::Failed(failure) => failure,
                Refused::Config(faults) => {
                    let faults: Vec<_> = faults.into_iter().map(|fault| fault.message).collect();
                    Failure::Instance(format!(
                        "it took its configuration before and refuses it now: {}",
                        faults.join("; ")
                    ))
                }
            })?),
        };
        let result = instance.call(hook, position, held);
        if result.is_err() {
            *slot = None;
        }
        result
    }
}

impl std::fmt::Debug for Pools {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.entries.iter().map(|pool| &pool.entry.name)).finish()
    }
}

fn install(held: &mut Held, reply: Reply, entry: &Arc<Entry>) {
    let Reply { head, body, code, detail } = reply;
    held.answer(head, Some(body), Origin::Filter(Box::new(Answer { entry: entry.name.clone(), code, detail })));
}
