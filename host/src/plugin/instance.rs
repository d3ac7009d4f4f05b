//! One live instance of a filter: a store, and the hooks that the component has.

use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::TypedFunc;

use super::bindings::{Fault, Flow};
use super::engine::Engine;
use super::error::Failure;
use super::exchange::{Exchange, Held};
use super::limits::{Exceeded, Meter};
use super::registry::Entry;

/// Which hook is running; what a call of the filter may do depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hook {
    Configure,
    Request,
    Response,
}

/// What a store knows.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) entry: Arc<Entry>,
    pub(super) hook: Hook,
    /// Where the entry stands in the chain of the running hook.
    pub(super) position: usize,
    pub(super) exchange: Option<Box<Exchange>>,
    /// Lines logged by the running hook.
    pub(super) lines: u32,
    meter: Meter,
}

/// An instance that was configured. A failure poisons it: drop it.
pub(super) struct Instance {
    store: Store<Guest>,
    on_request: Option<TypedFunc<(), (Flow,)>>,
    on_response: Option<TypedFunc<(), (Flow,)>>,
}

/// Why there is no instance.
#[derive(Debug)]
pub(super) enum Refused {
    /// It could not be made.
    Failed(Failure),
    /// The filter refuses its configuration.
    Config(Vec<Fault>),
}

impl Instance {
    /// Makes an instance and configures it.
    pub(super) fn new(engine: &Engine, entry: &Arc<Entry>) -> Result<Self, Refused> {
        let guest = Guest {
            entry: Arc::clone(entry),
            hook: Hook::Configure,
            position: 0,
            exchange: None,
            lines: 0,
            meter: Meter::new(entry.limits),
        };
        let mut store = Store::new(&engine.wasm, guest);
        store.limiter(|guest| &mut guest.meter);
        store.epoch_deadline_callback(|mut store| Ok(store.data_mut().meter.tick()));
        store.set_epoch_deadline(1);
        let filter = &entry.filter;
        let instance = engine.start_clock().and_then(|()| filter.pre.instantiate(&mut store));
        let configured = instance.and_then(|instance| {
            let configure =
                instance.get_typed_func::<(Arc<str>,), (Result<(), Vec<Fault>>,)>(&mut store, &filter.configure)?;
            let (result,) = configure.call(&mut store, (Arc::clone(&entry.config),))?;
            let mut hook =
                |index: &Option<_>| index.as_ref().map(|index| instance.get_typed_func(&mut store, index)).transpose();
            Ok((result, hook(&filter.on_request)?, hook(&filter.on_response)?))
        });
        match configured {
            Ok((Ok(()), on_request, on_response)) => Ok(Self { store, on_request, on_response }),
            Ok((Err(faults), ..)) => Err(Refused::Config(faults)),
            Err(error) => Err(Refused::Failed(match failure(&store, &error) {
                Failure::Trap(why) => Failure::Instance(why),
                failure => failure,
            })),
        }
    }

    /// Runs a hook with the exchange lent to the store. Without the hook the answer is `next`.
    pub(super) fn call(&mut self, hook: Hook, position: usize, held: &mut Held) -> Result<Flow, Failure> {
        let function = match hook {
            Hook::Configure => &None,
            Hook::Request => &self.on_request,
            Hook::Response => &self.on_response,
        };
        let Some(function) = function else { return Ok(Flow::Next) };
        self.store.set_epoch_deadline(1);
        let guest = self.store.data_mut();
        guest.hook = hook;
        guest.position = position;
        guest.lines = 0;
        guest.meter.start();
        guest.exchange = held.0.take();
        let result = function.call(&mut self.store, ());
        held.0 = self.store.data_mut().exchange.take();
        match result {
            Ok((flow,)) => Ok(flow),
            Err(error) => Err(failure(&self.store, &error)),
        }
    }
}

fn failure(store: &Store<Guest>, error: &wasmtime::Error) -> Failure {
    match store.data().meter.exceeded {
        Some(Exceeded::Cpu) => Failure::Cpu,
        Some(Exceeded::Memory) => Failure::Memory,
        // The outermost cause is a backtrace of addresses; the root says what happened.
        None => Failure::Trap(error.root_cause().to_string()),
    }
}
