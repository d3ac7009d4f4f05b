//! `weir run`.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use rustix::process::{Resource, Rlimit};
use tokio::runtime::{Builder, LocalOptions};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::admin;
use crate::config::{self, Config};
use crate::plugin::{CompiledCache, Engine};
use crate::server::Server;

/// How long exchanges in progress may take to end.
const GRACE: Duration = Duration::from_secs(30);

pub(super) fn run(path: &Path) -> anyhow::Result<()> {
    let file = path.to_owned();
    serve(&path.display().to_string(), move || config::load(&file))
}

/// Serves what `load` gives, until a signal ends it.
pub(super) fn serve(name: &str, load: impl Fn() -> Config + Clone + Send + 'static) -> anyhow::Result<()> {
    raise_descriptors();
    block_on(async {
        let mut signals = Signals::new()?;
        let mut server = Server::start(load(), Arc::new(engine()?)).await?;
        for (name, scheme, address) in server.addresses() {
            tracing::info!(listener = name, %address, "listening on {scheme}://{address} ({name})");
        }
        let mut orders = server.orders();
        if let Some(address) = server.admin_address() {
            tracing::info!(%address, "`weir status` and `weir reload` are answered on {address}");
        }
        let mut last = None;
        loop {
            tokio::select! {
                signal = signals.wait() => match signal {
                    Signalled::Reload => last = Some((Instant::now(), reload(&mut server, name, &load).await)),
                    Signalled::End => break,
                },
                Some(order) = orders.recv() => match order {
                    admin::Order::Status(answer) => drop(answer.send(server.status(name, last.as_ref()))),
                    admin::Order::Reload(answer) => {
                        let report = reload(&mut server, name, &load).await;
                        let _ = answer.send(report.clone().map_or(Ok(()), Err));
                        last = Some((Instant::now(), report));
                    }
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

/// Reloads, and says how it went; what is wrong is returned.
async fn reload(
    server: &mut Server,
    name: &str,
    load: &(impl Fn() -> Config + Clone + Send + 'static),
) -> Option<String> {
    // Reading takes a while, and this thread accepts connections.
    let config = tokio::task::spawn_blocking(load.clone()).await.expect("reading a configuration does not panic");
    match server.reload(config).await {
        Ok(()) => {
            tracing::info!("{name} is reloaded");
            None
        }
        Err(report) => {
            // Without colours: the log would show them as what they are made of.
            let report = report.render(false);
            tracing::error!("{name} is not reloaded, what was running goes on:\n{report}");
            Some(report)
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
pub(super) enum Signalled {
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

    pub(super) async fn wait(&mut self) -> Signalled {
        tokio::select! {
            _ = self.hangup.recv() => Signalled::Reload,
            _ = self.terminate.recv() => Signalled::End,
            _ = self.interrupt.recv() => Signalled::End,
        }
    }

    pub(super) async fn ended(&mut self) {
        while self.wait().await != Signalled::End {}
    }
}
