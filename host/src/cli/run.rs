//! `weir run`.

use anyhow::anyhow;
use clap::Args;
use rustix::process::{Resource, Rlimit};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, LocalOptions};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::signals::{Signalled, Signals};
use super::{File, count};
use crate::config::{self, Drain};
use crate::plugin::{CompiledCache, Engine};
use crate::server::{Duty, Inherited, Notify, Predecessor, Program, Server, Source};

/// How often it is looked whether all connections are gone.
const LOOK: Duration = Duration::from_millis(10);

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

/// Serves it until a signal ends it, or another process takes over.
pub(super) fn serve(source: Source) -> anyhow::Result<()> {
    let (program, passed) = (Program::of_this_process(), Inherited::from_service_manager());
    raise_descriptors();
    block_on(async {
        let mut signals = Signals::new()?;
        let notify = Notify::from_environment();
        let (predecessor, passed) =
            Predecessor::find()?.map_or((None, passed), |(found, passed)| (Some(found), passed));
        let mut server = tokio::select! {
            started = Server::start(source, Arc::new(engine()?), passed) => started?,
            // Compiling filters may take a while.
            () = signals.ended() => return Ok(()),
        };
        server.can_be_replaced_by(program);
        server.announce();
        if let Some(predecessor) = predecessor {
            // It waits for the other process, and this one accepts already.
            spawn_blocking(move || predecessor.relieve()).await??;
        }
        notify.ready(&server.summary());
        server.keep_watchdog(&notify);
        while !server.is_draining() {
            tokio::select! {
                signal = signals.wait() => match signal {
                    // How it went is logged, and kept for `weir status`.
                    Signalled::Reload => {
                        notify.reloading();
                        server.reload(None);
                    }
                    Signalled::ReopenLogs => server.reopen_logs(),
                    Signalled::Upgrade => server.upgrade(),
                    Signalled::End => server.retire(),
                },
                duty = server.duty() => {
                    let is_change = matches!(duty, Duty::Built(_));
                    server.perform(duty).await;
                    if is_change {
                        notify.ready(&server.summary());
                    }
                }
            }
        }
        drain(server, signals, &notify).await;
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
pub(super) async fn drain(mut server: Server, signals: Signals, notify: &Notify) {
    let mut patience = server.patience();
    let is_replaced = server.replaced_by(notify).is_some();
    if is_replaced {
        patience = Drain { delay: Duration::ZERO, grace: server.patience_after_upgrade() };
    }
    server.retire();
    notify.stopping();
    let mut ending = Ending { server, signals, is_replaced, is_hurried: false };
    if !patience.delay.is_zero() {
        tracing::info!("draining: connections are accepted for {:?} more", patience.delay);
    }
    ending.wait(patience.delay, |_| true).await;
    ending.server.close().await;
    tracing::info!("draining: exchanges in progress may end, within {:?}", patience.grace);
    let deadline = ending.wait(patience.grace, |server| server.connections() > 0).await;
    let left = ending.server.connections() as u64;
    let closing = count(left, "connection");
    if left == 0 {
        tracing::info!("drained");
    } else if ending.is_hurried {
        tracing::warn!("ended by a second signal: closing {closing}");
    } else {
        tracing::warn!("the time to drain is over: closing {closing}");
    }
    let until = if ending.is_hurried { Instant::now() } else { deadline };
    ending.server.end(until).await;
}

/// A server that comes to its end, and still hears.
struct Ending {
    server: Server,
    signals: Signals,
    /// Whether another process serves, and no signal has asked for the end yet.
    is_replaced: bool,
    /// Whether nobody wants to wait.
    is_hurried: bool,
}

impl Ending {
    /// Waits for so long as long as there is something to wait for, and does what there is to do. Until when it would have
    /// waited at most.
    async fn wait(&mut self, patience: Duration, is_worth_it: impl Fn(&Server) -> bool) -> Instant {
        let mut deadline = Instant::now() + patience;
        while !self.is_hurried && Instant::now() < deadline && is_worth_it(&self.server) {
            tokio::select! {
                () = sleep(LOOK.min(deadline - Instant::now())) => {}
                signal = self.signals.wait() => match signal {
                    Signalled::ReopenLogs => self.server.reopen_logs(),
                    Signalled::Reload | Signalled::Upgrade => {
                        tracing::warn!("the signal for {signal:?} is ignored, for this weir is ending");
                    }
                    Signalled::End if std::mem::take(&mut self.is_replaced) => {
                        let grace = self.server.patience().grace;
                        tracing::info!("what is open may end within {grace:?} now");
                        deadline = deadline.min(Instant::now() + grace);
                    }
                    Signalled::End => self.is_hurried = true,
                },
                duty = self.server.duty() => self.server.perform(duty).await,
            }
        }
        deadline
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
