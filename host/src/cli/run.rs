//! `weir run`.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use tokio::runtime::{Builder, LocalOptions};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config;
use crate::plugin::{CompiledCache, Engine};
use crate::server::Server;

/// How long exchanges in progress may take to end.
const GRACE: Duration = Duration::from_secs(30);

pub(super) fn run(path: &Path) -> anyhow::Result<()> {
    block_on(async {
        let mut signals = Signals::new()?;
        let mut server = Server::start(config::load(path)?, Arc::new(engine()?)).await?;
        for (name, scheme, address) in server.addresses() {
            tracing::info!(listener = name, %address, "listening on {scheme}://{address} ({name})");
        }
        while signals.wait().await == Order::Reload {
            reload(&mut server, path).await;
        }
        drain(server, signals).await;
        Ok(())
    })
}

async fn reload(server: &mut Server, path: &Path) {
    let reloaded = match config::load(path) {
        Ok(config) => server.reload(config).await,
        Err(report) => Err(report),
    };
    match reloaded {
        Ok(()) => tracing::info!("{} is reloaded", path.display()),
        Err(report) => {
            let report = report.render(std::io::stderr().is_terminal());
            tracing::error!("{} is not reloaded, what was running goes on:\n{report}", path.display());
        }
    }
}

/// Lets exchanges end; a second signal ends the wait.
pub(super) async fn drain(server: Server, mut signals: Signals) {
    tokio::select! {
        () = server.shutdown(GRACE) => tracing::info!("drained"),
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

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Reload,
    End,
}

/// The signals that the process listens to.
#[derive(Debug)]
pub(super) struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    pub(super) async fn wait(&mut self) -> Order {
        tokio::select! {
            _ = self.hangup.recv() => Order::Reload,
            _ = self.terminate.recv() => Order::End,
            _ = self.interrupt.recv() => Order::End,
        }
    }

    pub(super) async fn ended(&mut self) {
        while self.wait().await != Order::End {}
    }
}
