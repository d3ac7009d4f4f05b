//! A filter's memory as its `configure` left it, as a component of its own: an instance made from that need not be
//! configured. For entries whose calls each have a fresh instance.
//!
//! Only an optimization: where an image cannot be made, instances are configured anew, and nobody can tell the
//! difference. In `configure` a filter cannot ask for secrets, time or chance, so an image holds none.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmtime::Store;
use wasmtime::component::{Component, Instance, InstancePre, Lift, WasmList};
use wasmtime::{Result, format_err};
use wasmtime_wizer::{ComponentInstanceState, Wizer};

use super::calls::{Nowhere, Outbound};
use super::engine::Engine;
use super::hook::Exports;
use super::instance::{self, Guest, now};
use super::pins::Pins;
use super::registry::Entry;

/// The image, ready to be instantiated.
pub(super) struct Image {
    pub(super) pre: InstancePre<Guest>,
    pub(super) exports: Exports,
}

impl Image {
    /// Makes one, or takes it from the cache.
    pub(super) fn of(engine: &Engine, entry: &Arc<Entry>) -> Option<Self> {
        // It panics on guests at the end of their memory, among others.
        let made = catch_unwind(AssertUnwindSafe(|| image(engine, entry)));
        let why = match made {
            Ok(Ok(image)) => return Some(image),
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => "its memory cannot be taken".to_owned(),
        };
        tracing::debug!(
            filter = entry.name,
            "`{}` is configured in each of its instances, because no image of it can be made: {why}",
            entry.name
        );
        None
    }
}

fn image(engine: &Engine, entry: &Arc<Entry>) -> Result<Image> {
    let mut key = Sha256::new();
    key.update(b"image");
    key.update(entry.filter.given.digest);
    key.update(entry.config.as_bytes());
    let key: [u8; 32] = key.finalize().into();
    let component = match engine.cached(&key) {
        Some(component) => component,
        None => {
            let image = snapshot(engine, entry)?;
            engine.compile(&key, &image, entry.limits.compile).map_err(wasmtime::Error::msg)?
        }
    };
    let exports = Exports::of(&component).ok_or_else(|| format_err!("the image lost its exports"))?;
    Ok(Image { pre: entry.link(engine, &component)?, exports })
}

fn snapshot(engine: &Engine, entry: &Arc<Entry>) -> Result<Vec<u8>> {
    let wizer = Wizer::new();
    let (context, instrumented) = wizer.instrument_component(&entry.filter.given.bytes)?;
    let component = Component::from_binary(&engine.wasm, &instrumented)?;
    let configure = Exports::of(&component).ok_or_else(|| format_err!("it has no `configure`"))?.configure;
    let outbound: Arc<dyn Outbound> = Arc::new(Nowhere);
    let counts = entry.metrics.share();
    let from = entry.link(engine, &component)?;
    let instance =
        instance::Instance::configured(engine, entry, &from, &configure, &counts, &Pins::default(), &outbound);
    let mut instance = instance.map_err(|refused| format_err!("{refused:?}"))?;
    let (store, instance) = instance.parts();
    now(wizer.snapshot_component(&context, &mut Configured { store, instance }))
}

/// The instance whose memory is taken: the instrumented component has functions that show it. The library has this too,
/// but with features of wasmtime that nothing else here needs. What is missing panics, which [`Image::of`] is ready for.
struct Configured<'a> {
    store: &'a mut Store<Guest>,
    instance: Instance,
}

impl Configured<'_> {
    async fn call<R: Lift + 'static>(&mut self, interface: &str, function: &str) -> R {
        let interface = self.instance.get_export_index(&mut *self.store, None, interface).expect("it was added");
        let function = self.instance.get_export_index(&mut *self.store, Some(&interface), function);
        let function = function.expect("it was added");
        let function = self.instance.get_typed_func::<(), (R,)>(&mut *self.store, function).expect("it is such");
        function.call_async(&mut *self.store, ()).await.expect("it only reads").0
    }
}

impl ComponentInstanceState for Configured<'_> {
    async fn call_func_ret_list_u8(&mut self, interface: &str, function: &str, take: impl FnOnce(&[u8]) + Send) {
        let bytes: WasmList<u8> = self.call(interface, function).await;
        take(bytes.as_le_slice(&*self.store));
    }

    async fn call_func_ret_s32(&mut self, interface: &str, function: &str) -> i32 {
        self.call(interface, function).await
    }

    async fn call_func_ret_s64(&mut self, interface: &str, function: &str) -> i64 {
        self.call(interface, function).await
    }

    async fn call_func_ret_f32(&mut self, interface: &str, function: &str) -> u32 {
        self.call::<f32>(interface, function).await.to_bits()
    }

    async fn call_func_ret_f64(&mut self, interface: &str, function: &str) -> u64 {
        self.call::<f64>(interface, function).await.to_bits()
    }
}
