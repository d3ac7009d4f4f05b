//! Filters in order: in on the request, out on the response, each on this worker's own instance.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::bindings;
use super::engine::Engine;
use super::error::{Failed, Failure};
use super::exchange::{Answer, Held, Origin, Reply};
use super::instance::{Hook, Instance, Refused};
use super::registry::Entry;
use crate::config::{self, OnFailure, PathPattern};

/// What the chain decided about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It goes on to the upstream.
    Next,
    /// A filter answered; the exchange has the response.
    Answered,
}

/// Filters in order; shared by all workers.
#[derive(Debug, Default)]
pub struct Chain(Box<[Link]>);

#[derive(Debug)]
struct Link {
    /// Index into [`Pools::entries`].
    entry: usize,
    /// Paths for which it is not run.
    except: Box<[PathPattern]>,
}

impl Chain {
    /// The chain that was configured.
    pub fn new(links: &[config::Link]) -> Self {
        let link = |link: &config::Link| Link { entry: link.entry, except: link.except.clone().into() };
        Self(links.iter().map(link).collect())
    }

    /// Whether no filter runs.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A worker's instances of all filters. A hook is a short call on one thread, so one instance of each is enough.
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
    pub fn new(engine: &Arc<Engine>, entries: &[Arc<Entry>], before: Option<&Pools>) -> Self {
        let before = before.map(|pools| pools.entries.as_slice()).unwrap_or_default();
        let kept: HashMap<*const Entry, &Rc<Pool>> =
            before.iter().map(|pool| (Arc::as_ptr(&pool.entry), pool)).collect();
        let entries = entries.iter().map(|entry| match kept.get(&Arc::as_ptr(entry)) {
            Some(pool) => Rc::clone(pool),
            None => Rc::new(Pool { entry: Arc::clone(entry), instance: RefCell::new(None) }),
        });
        Self { engine: Arc::clone(engine), entries: entries.collect() }
    }

    /// Runs `on-request` in chain order, until a filter answers or fails.
    pub fn request(&self, chain: &Chain, held: &mut Held) -> Result<Flow, Failed> {
        for (position, link) in chain.0.iter().enumerate() {
            let pool = &self.entries[link.entry];
            held.entered = position + 1;
            if link.except.iter().any(|except| except.matches(held.request.uri.path())) {
                held.out |= 1 << position;
                continue;
            }
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
    pub fn response(&self, chain: &Chain, held: &mut Held) -> Result<(), Failed> {
        while held.entered > 0 {
            held.entered -= 1;
            let position = held.entered;
            let pool = &self.entries[chain.0[position].entry];
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
            Ok(bindings::Flow::Pause) => Failure::NoAnswer,
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
