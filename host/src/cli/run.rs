//! `weir run`.

use anyhow::anyhow;
use rustix::process::{Resource, Rlimit};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, LocalOptions};
use tokio::time::{Instant, sleep, sleep_until};

use super::count;
use super::signals::{Signalled, Signals};
use crate::config;
use crate::plugin::{CompiledCache, Engine};
use crate::server::{Server, Source};

/// How often it is looked whether all connections are gone.
const LOOK: Duration = Duration::from_millis(10);

pub(super) fn run(path: &Path) -> anyhow::Result<()> {
    let (name, file) = (path.display().to_string(), path.to_owned());
    serve(Source { name, load: Arc::new(move || config::load(&file)) })
}

/// Serves it until a signal ends it.
pub(super) fn serve(source: Source) -> anyhow::Result<()> {
    raise_descriptors();
    block_on(async {
        let mut signals = Signals::new()?;
        let mut server = tokio::select! {
            started = Server::start(source, Arc::new(engine()?)) => started?,
            // Compiling filters may take a while.
            () = signals.ended() => return Ok(()),
        };
        server.announce();
        loop {
            tokio::select! {
                signal = signals.wait() => match signal {
                    // How it went is logged, and kept for `weir status`.
                    Signalled::Reload => server.reload(None),
                    Signalled::ReopenLogs => server.reopen_logs(),
                    Signalled::End => break,
                },
                duty = server.duty() => server.perform(duty).await,
            }
            // By an order.
            if server.is_draining() {
                break;
            }
        }
        drain(server, signals).await;
        Ok(())
    })
}

/// Connections are descriptors: as many as the system allows, not as many as shells start with.
fn raise_descriptors() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    if let Err(error) = rustix::process::setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::debug!("the limit of descriptors stays: {error}");
    }
}

/// Ends it as the configuration has it: it is known for a while that it ends, then nobody comes in any more, and what is
/// open has its grace. A second signal ends it at once.
pub(super) async fn drain(mut server: Server, mut signals: Signals) {
    let patience = server.patience();
    server.retire();
    if !patience.delay.is_zero() {
        tracing::info!("draining: connections are accepted for {:?} more", patience.delay);
    }
    let (closing, mut hurried) = (Instant::now() + patience.delay, false);
    while !hurried && Instant::now() < closing {
        tokio::select! {
            () = sleep_until(closing) => {}
            signal = signals.wait() => hurried = ends(signal, &server),
            duty = server.duty() => server.perform(duty).await,
        }
    }
    server.close().await;
    tracing::info!("draining: exchanges in progress may end, within {:?}", patience.grace);
    let deadline = Instant::now() + patience.grace;
    while !hurried && server.connections() > 0 && Instant::now() < deadline {
        tokio::select! {
            () = sleep(LOOK) => {}
            signal = signals.wait() => hurried = ends(signal, &server),
            duty = server.duty() => server.perform(duty).await,
        }
    }
    let left = server.connections() as u64;
    let closing = count(left, "connection");
    if left == 0 {
        tracing::info!("drained");
    } else if hurried {
        tracing::warn!("ended by a second signal: closing {closing}");
    } else {
        tracing::warn!("closing {closing} that are still busy after {:?}", patience.grace);
    }
    server.end(if hurried { Instant::now() } else { deadline }).await;
}

/// Whether the signal ends a drain.
fn ends(signal: Signalled, server: &Server) -> bool {
    match signal {
        Signalled::ReopenLogs => server.reopen_logs(),
        Signalled::Reload => tracing::warn!("the configuration is not read again, for this weir is ending"),
        Signalled::End => return true,
    }
    false
}

/// The engine that all commands use.
pub(super) fn engine() -> anyhow::Result<Engine> {
    Engine::new(CompiledCache::from_environment())
        .map_err(|error| anyhow!("cannot start the WebAssembly engine: {error:#}"))
}

/// Runs a command's future on this thread, the control thread.
pub(super) fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    let done = runtime.block_on(future);
    // A compilation that is still running must not delay the end.
    runtime.shutdown_background();
    done
}
