//! One live instance of a filter: a store, and the hooks that the component has.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, ComponentNamedList, InstancePre, Lift, Lower, TypedFunc};

use super::bindings::{Fault, Flow};
use super::calls::Outbound;
use super::engine::{Engine, Live};
use super::error::Failure;
use super::exchange::{Exchange, Held};
use super::hook::Hook;
use super::limits::{Exceeded, Meter};
use super::metrics::Counts;
use super::pins::Pins;
use super::registry::Entry;
use super::setup::Setup;
use super::tally::Sheet;
use super::trail::polled;
use super::trial::Chance;
use crate::clock::within;
use crate::crypto::{Key, Passwords};

/// What one call may hand the host, in bytes: as much as sixteen requests of the largest kind. The functions' own limits
/// are looked at when it is there.
const MOST_HANDED_OVER: usize = 32 << 20;

/// What a store knows.
pub(super) struct Guest {
    pub(super) entry: Arc<Entry>,
    pub(super) hook: Hook,
    /// Where the entry stands in the chain of the running hook.
    pub(super) position: usize,
    pub(super) exchange: Option<Box<Exchange>>,
    /// Lines logged by the running hook.
    pub(super) lines: u32,
    /// Requests of the running hook's own, if it has no exchange.
    pub(super) calls: u32,
    /// What was asked for in `configure`.
    pub(super) setup: Setup,
    /// Public keys by their numbers.
    pub(super) keys: Vec<Option<Key>>,
    pub(super) passwords: Arc<Passwords>,
    pub(super) chance: Chance,
    pub(super) counts: Arc<Counts>,
    pub(super) pins: Pins,
    pub(super) outbound: Arc<dyn Outbound>,
    pub(super) meter: Meter,
}

/// An instance that was configured. A failure poisons it: drop it.
pub(super) struct Instance {
    store: Store<Guest>,
    exports: wasmtime::component::Instance,
    /// Those that most calls are of: looking one up costs as much as calling it.
    on_request: Option<TypedFunc<(), (Flow,)>>,
    on_response: Option<TypedFunc<(), (Flow,)>>,
    calls: u64,
    /// When it is worn.
    most_calls: u64,
    most_memory: usize,
    _live: Live,
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
    /// Makes an instance and configures it, or takes it from the image of one that was.
    pub(super) fn new(
        engine: &Engine,
        entry: &Arc<Entry>,
        counts: &Arc<Counts>,
        pins: &Pins,
        outbound: &Arc<dyn Outbound>,
    ) -> Result<Self, Refused> {
        match entry.image() {
            Some(image) => Self::make(engine, entry, &image.pre, None, counts, pins, outbound),
            None => {
                let configure = &entry.filter.exports.configure;
                Self::configured(engine, entry, entry.linked(), configure, counts, pins, outbound)
            }
        }
    }

    /// Makes an instance and configures it by this export.
    pub(super) fn configured(
        engine: &Engine,
        entry: &Arc<Entry>,
        from: &InstancePre<Guest>,
        configure: &ComponentExportIndex,
        counts: &Arc<Counts>,
        pins: &Pins,
        outbound: &Arc<dyn Outbound>,
    ) -> Result<Self, Refused> {
        Self::make(engine, entry, from, Some(configure), counts, pins, outbound)
    }

    fn make(
        engine: &Engine,
        entry: &Arc<Entry>,
        from: &InstancePre<Guest>,
        configure: Option<&ComponentExportIndex>,
        counts: &Arc<Counts>,
        pins: &Pins,
        outbound: &Arc<dyn Outbound>,
    ) -> Result<Self, Refused> {
        let guest = Guest {
            entry: Arc::clone(entry),
            hook: Hook::Configure,
            position: 0,
            exchange: None,
            lines: 0,
            calls: 0,
            setup: Setup::default(),
            keys: Vec::new(),
            passwords: Arc::clone(&engine.passwords),
            chance: engine.chance.clone(),
            counts: Arc::clone(counts),
            pins: pins.clone(),
            outbound: Arc::clone(outbound),
            meter: Meter::new(entry.limits.memory),
        };
        let mut store = Store::new(&engine.wasm, guest);
        let live = engine.count_one();
        store.set_hostcall_fuel(MOST_HANDED_OVER);
        store.limiter(|guest| &mut guest.meter);
        store.epoch_deadline_callback(|mut store| Ok(store.data_mut().meter.tick()));
        store.set_epoch_deadline(1);
        store.data_mut().meter.start(entry.limits.configure);
        let made = engine.start_clock().and_then(|()| {
            let instance = instantiate(from, entry, &mut store)?;
            let Some(configure) = configure else { return Ok((instance, Ok(()))) };
            let configure = instance.get_typed_func::<(Arc<str>,), (Result<(), Vec<Fault>>,)>(&mut store, configure)?;
            let config = (Arc::clone(&entry.config),);
            let (result,) = if entry.waits() {
                now(configure.call_async(&mut store, config))
            } else {
                configure.call(&mut store, config)
            }?;
            Ok((instance, result))
        });
        match made {
            Ok((instance, Ok(()))) => {
                let (most_calls, began_with) = (entry.limits.recycle_calls, store.data().meter.grown);
                // A language runtime may need most of its memory from the start.
                let most_memory = entry.limits.recycle_bytes().max(2 * began_with);
                Ok(Self {
                    store,
                    exports: instance,
                    on_request: None,
                    on_response: None,
                    calls: 0,
                    most_calls,
                    most_memory,
                    _live: live,
                })
            }
            Ok((_, Err(faults))) => Err(Refused::Config(faults)),
            Err(error) => Err(Refused::Failed(match failure(&store, &error) {
                Failure::Trap(why) => Failure::Instance(why),
                Failure::Cpu => Failure::Configure,
                failure => failure,
            })),
        }
    }

    /// The same, counted on a worker's sheet, with its pins.
    pub(super) fn on(mut self, sheet: &Arc<Sheet>) -> Self {
        let guest = self.store.data_mut();
        guest.pins = sheet.pins.clone();
        guest.meter.count_on(sheet);
        self
    }

    /// It serves no more, and is counted as gone.
    pub(super) fn leave(&mut self) {
        self.store.data_mut().meter.count_off();
    }

    /// What the filter asked for when it was configured.
    pub(super) fn into_setup(self) -> Setup {
        self.store.into_data().setup
    }

    /// The store and what is in it, for who takes its picture.
    pub(super) fn parts(&mut self) -> (&mut Store<Guest>, wasmtime::component::Instance) {
        (&mut self.store, self.exports)
    }

    /// Runs a hook of a filter that cannot wait, with the exchange lent to the store.
    pub(super) fn flow(&mut self, hook: Hook, position: usize, held: &mut Held) -> Result<Flow, Failure> {
        let function = self.function(hook)?;
        let mut lent = Lent::new(self, hook, position, held);
        let result = function.call(lent.store(), ());
        let result = result.map_err(|error| failure(&lent.instance.store, &error));
        drop(lent);
        result.map(|(flow,)| flow)
    }

    /// The same for one that can. If this is dropped before it is done, the exchange comes back; the instance
    /// is poisoned. If wanted, adds up the time on this thread.
    pub(super) async fn waiting_flow(
        &mut self,
        hook: Hook,
        position: usize,
        held: &mut Held,
        spent: &mut Option<Duration>,
    ) -> Result<Flow, Failure> {
        let function = self.function(hook)?;
        let mut lent = Lent::new(self, hook, position, held);
        let wait = lent.instance.store.data().entry.limits.wait;
        let result = waited(polled(function.call_async(lent.store(), ()), spent), wait).await;
        let (flow,) = result.map_err(|error| lent.failure(error))?;
        Ok(flow)
    }

    /// Runs a hook of any kind, waiting or not. If wanted, adds up the time on this thread.
    pub(super) async fn call<P, R>(
        &mut self,
        hook: Hook,
        position: usize,
        held: &mut Held,
        parameters: P,
        spent: &mut Option<Duration>,
    ) -> Result<R, Failure>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        let waits = self.store.data().entry.waits();
        let function = self.lookup::<P, R>(hook)?;
        let mut lent = Lent::new(self, hook, position, held);
        let result = if waits {
            let wait = lent.instance.store.data().entry.limits.wait;
            waited(polled(function.call_async(lent.store(), parameters), spent), wait).await
        } else {
            *spent = None;
            function.call(lent.store(), parameters).map_err(Some)
        };
        result.map_err(|error| lent.failure(error))
    }

    fn function(&mut self, hook: Hook) -> Result<TypedFunc<(), (Flow,)>, Failure> {
        let known = match hook {
            Hook::Request => self.on_request,
            Hook::Response => self.on_response,
            _ => None,
        };
        if let Some(function) = known {
            return Ok(function);
        }
        let function = self.lookup(hook)?;
        match hook {
            Hook::Request => self.on_request = Some(function),
            Hook::Response => self.on_response = Some(function),
            _ => {}
        }
        Ok(function)
    }

    fn lookup<P, R>(&mut self, hook: Hook) -> Result<TypedFunc<P, R>, Failure>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let entry = Arc::clone(&self.store.data().entry);
        let Some(index) = entry.exports().get(hook) else { return Err(Failure::NoHook(hook.name())) };
        self.exports.get_typed_func(&mut self.store, index).map_err(|error| Failure::Instance(error.to_string()))
    }

    /// Bytes of its memory.
    pub(super) fn size(&self) -> usize {
        self.store.data().meter.grown
    }

    /// Whether it has served so many calls, or grown so large, that a new one should take its place.
    pub(super) fn is_worn(&self) -> bool {
        self.calls >= self.most_calls || self.store.data().meter.grown > self.most_memory
    }
}

fn instantiate(
    from: &InstancePre<Guest>,
    entry: &Entry,
    store: &mut Store<Guest>,
) -> wasmtime::Result<wasmtime::component::Instance> {
    if entry.waits() { now(from.instantiate_async(store)) } else { from.instantiate(store) }
}

/// An instance with an exchange in it. However the call ends, the exchange comes back.
struct Lent<'a> {
    instance: &'a mut Instance,
    held: &'a mut Held,
}

impl<'a> Lent<'a> {
    fn new(instance: &'a mut Instance, hook: Hook, position: usize, held: &'a mut Held) -> Self {
        instance.calls += 1;
        instance.store.set_epoch_deadline(1);
        let guest = instance.store.data_mut();
        guest.hook = hook;
        guest.position = position;
        guest.lines = 0;
        guest.calls = 0;
        guest.meter.start(guest.entry.limits.cpu);
        guest.exchange = held.0.take();
        Self { instance, held }
    }

    fn store(&mut self) -> &mut Store<Guest> {
        &mut self.instance.store
    }

    fn failure(&self, error: Option<wasmtime::Error>) -> Failure {
        error.map_or(Failure::Wait, |error| failure(&self.instance.store, &error))
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.held.0 = self.instance.store.data_mut().exchange.take();
    }
}

/// What comes of a call within its time; no error if it took longer.
async fn waited<R>(
    call: impl Future<Output = wasmtime::Result<R>>,
    limit: Duration,
) -> Result<R, Option<wasmtime::Error>> {
    match within(limit, call).await {
        Some(result) => result.map_err(Some),
        None => Err(None),
    }
}

/// What a future comes to that has nothing to wait for: in `configure` no capability waits.
pub(super) fn now<T>(future: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(result) => result,
        std::task::Poll::Pending => Err(wasmtime::format_err!("it waits for something while it is configured")),
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

impl std::fmt::Debug for Guest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} in {}", self.entry.name, self.hook.name())
    }
}
