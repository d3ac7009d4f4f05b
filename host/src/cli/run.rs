//! `weir run`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use rustix::process::{Resource, Rlimit};
use tokio::runtime::{Builder, LocalOptions};

use super::File;
use super::signals::{Signalled, Signals};
use crate::config;
use crate::plugin::{CompiledCache, Engine};
use crate::server::{Server, Source, Then};

/// How long exchanges in progress may take to end.
pub(super) const GRACE: Duration = Duration::from_secs(30);

#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    file: File,
    /// Reload when the configuration, or a file that it includes, changes
    #[arg(long)]
    watch: bool,
}

pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    let path = &options.file.config;
    let (name, file) = (path.display().to_string(), path.clone());
    serve(Source { name, is_watched: options.watch, load: Arc::new(move || config::load(&file)) })
}

/// Serves it until a signal ends it.
pub(super) fn serve(source: Source) -> anyhow::Result<()> {
    raise_descriptors();
    block_on(async {
        let mut signals = Signals::new()?;
        let mut server = tokio::select! {
            started = Server::start(source, Arc::new(engine()?), GRACE) => started?,
            // Compiling filters may take a while.
            () = signals.ended() => return Ok(()),
        };
        server.announce();
        loop {
            tokio::select! {
                signal = signals.wait() => match signal {
                    // How it went is logged, and kept for `weir status`.
                    Signalled::Reload => server.reload(None),
                    Signalled::End => break,
                },
                duty = server.duty() => if server.perform(duty).await == Then::End {
                    break;
                },
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

/// Lets exchanges end; a second signal ends the wait.
pub(super) async fn drain(server: Server, mut signals: Signals) {
    tokio::select! {
        () = server.shutdown() => tracing::info!("drained"),
        () = signals.ended() => tracing::warn!("ended by a second signal"),
    }
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
