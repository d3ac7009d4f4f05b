//! The one wasmtime engine of the process, and its clock.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Result};

use super::cache::CompiledCache;
use super::capability::{self, Away};
use super::compile;
use super::instance::Guest;
use super::trial::{Chance, GivenChance};
use crate::config::{MOST_INSTANCES, MOST_MEMORY};
use crate::crypto::Passwords;

/// How often a running hook is looked at. A call that ends between two ticks pays nothing for its limit.
pub(super) const TICK: Duration = Duration::from_millis(5);

/// Slots for instances, in reserved address space, not memory: as many as may live, and as many beside them in a reload.
const SLOTS: u32 = 2 * MOST_INSTANCES;

/// What a component needs to become an instance.
pub struct Engine {
    pub(super) wasm: wasmtime::Engine,
    /// By what is away.
    linkers: [Linker<Guest>; 4],
    pub(super) passwords: Arc<Passwords>,
    /// Where its filters' random bits come from.
    pub(super) chance: Chance,
    cache: CompiledCache,
    clock: OnceLock<Result<(), String>>,
    live: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Engine {
    /// An engine; its clock runs from the first instance on, until it is dropped.
    pub fn new(cache: CompiledCache) -> Result<Self> {
        let mut pool = PoolingAllocationConfig::default();
        pool.total_component_instances(SLOTS)
            // wit-component adds two small modules to the filter's own.
            .total_core_instances(SLOTS * 3)
            .total_memories(SLOTS)
            .total_tables(SLOTS * 3)
            .total_stacks(SLOTS)
            .max_memory_size(MOST_MEMORY)
            // Touching fresh pages is what a new instance costs most.
            .linear_memory_keep_resident(1 << 20)
            .table_keep_resident(1 << 16)
            .pagemap_scan(Enabled::Auto);
        let mut config = Config::new();
        config
            .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
            .cranelift_opt_level(OptLevel::Speed)
            .epoch_interruption(true)
            // Without it a call costs a sixth (92 against 585 ns); nothing in the contract is `async`.
            .concurrency_support(false)
            .gc_support(false)
            .memory_reservation(MOST_MEMORY as u64)
            .memory_reservation_for_growth(0)
            .max_wasm_stack(1 << 20)
            // Of a fiber: what the guest may use, and as much for the host's functions.
            .async_stack_size(1536 << 10);
        let wasm = wasmtime::Engine::new(&config)?;
        let mut linkers = Away::ALL.map(|away| (away, Linker::new(&wasm)));
        for (away, linker) in &mut linkers {
            capability::link(linker, *away)?;
        }
        let linkers = linkers.map(|(_, linker)| linker);
        let passwords = Arc::new(Passwords::new());
        Ok(Self {
            wasm,
            linkers,
            passwords,
            chance: Chance::default(),
            cache,
            clock: OnceLock::new(),
            live: Arc::default(),
            stop: Arc::default(),
        })
    }

    /// The same engine for trials: its filters draw these random bits, and what it has compiled once it keeps at hand.
    #[must_use]
    pub fn for_trials(mut self, chance: &Arc<GivenChance>) -> Self {
        self.chance = Chance::Given(Arc::clone(chance));
        self.cache.keep_at_hand();
        self
    }

    pub(super) fn linker(&self, away: Away) -> &Linker<Guest> {
        &self.linkers[away.place()]
    }

    /// How many instances live now, in use or idle.
    pub fn instances(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    /// Counts an instance as long as it is kept.
    pub(super) fn count_one(&self) -> Live {
        self.live.fetch_add(1, Ordering::Relaxed);
        Live(Arc::clone(&self.live))
    }

    /// Sees to it that running hooks are looked at; a proxy without filters has no clock to wake it.
    pub(super) fn start_clock(&self) -> Result<()> {
        let started = self.clock.get_or_init(|| start_clock(&self.wasm, &self.stop).map_err(|error| error.to_string()));
        started.clone().map_err(wasmtime::Error::msg)
    }

    /// A component that was compiled before.
    pub(super) fn cached(&self, digest: &[u8; 32]) -> Option<Component> {
        self.cache.get(&self.wasm, digest)
    }

    /// Compiles a component, or takes it from the cache.
    pub(super) fn compile(&self, digest: &[u8; 32], bytes: &[u8], patience: Duration) -> Result<Component, String> {
        if let Some(component) = self.cache.get(&self.wasm, digest) {
            return Ok(component);
        }
        let component = compile::within(patience, &self.wasm, bytes)?;
        self.cache.put(&self.wasm, digest, &component);
        Ok(component)
    }
}

/// One of the instances that live.
#[derive(Debug)]
pub(super) struct Live(Arc<AtomicUsize>);

impl Drop for Live {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Engine").finish_non_exhaustive()
    }
}

fn start_clock(engine: &wasmtime::Engine, stop: &Arc<AtomicBool>) -> std::io::Result<()> {
    let (engine, stop) = (engine.weak(), Arc::clone(stop));
    std::thread::Builder::new().name("weir-clock".into()).spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            std::thread::sleep(TICK);
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => return,
            }
        }
    })?;
    Ok(())
}
