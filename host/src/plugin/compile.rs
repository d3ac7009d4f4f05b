//! Compiling components beside the work: on few threads of low priority, and not for ever.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::thread::available_parallelism;
use std::time::Duration;

use rayon::{ThreadPool, ThreadPoolBuilder};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Threads of these give way to the workers.
const NICE: i32 = 10;

/// Compiles, or gives up. A compilation cannot be stopped: one that was given up goes on to its end, at low priority.
pub(super) fn within(patience: Duration, engine: &Engine, bytes: &[u8]) -> Result<Component, String> {
    let (done, result) = mpsc::sync_channel(1);
    let (engine, bytes): (Engine, Arc<[u8]>) = (engine.clone(), bytes.into());
    threads()?.spawn(move || {
        let _ = done.send(Component::from_binary(&engine, &bytes).map_err(|error| format!("{error:#}")));
    });
    match result.recv_timeout(patience) {
        Ok(compiled) => compiled,
        Err(RecvTimeoutError::Timeout) => {
            Err(format!("compiling it takes longer than {patience:?} (`limits: {{ compile: ... }}`)"))
        }
        // The compiler panicked.
        Err(RecvTimeoutError::Disconnected) => Err("the compiler cannot handle it".into()),
    }
}

/// As many as half the cores.
fn threads() -> Result<&'static ThreadPool, String> {
    static THREADS: OnceLock<Result<ThreadPool, String>> = OnceLock::new();
    let threads = THREADS.get_or_init(|| {
        let cores = available_parallelism().map_or(1, std::num::NonZero::get);
        ThreadPoolBuilder::new()
            .num_threads(cores.div_ceil(2))
            .thread_name(|index| format!("weir-compile-{index}"))
            .start_handler(|_| {
                // Where that is not allowed they compete with the workers.
                let _ = rustix::process::nice(NICE);
            })
            .panic_handler(|_| tracing::error!("the compiler of filters panicked"))
            .build()
            .map_err(|error| format!("no thread to compile it on: {error}"))
    });
    threads.as_ref().map_err(Clone::clone)
}
