//! Telling the service manager how the process is: the datagrams of `sd_notify(3)`, written by hand.
//!
//! Without a service manager that wants to know, nothing is said.

use std::cell::Cell;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::rc::Rc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::task::spawn_local;

use super::Server;
use crate::admin::{Health, Liveness};

/// A service manager that does not read must not stop the proxy.
const PATIENCE: Duration = Duration::from_secs(1);

/// The way to the service manager.
#[derive(Clone, Debug, Default)]
pub struct Notify(Option<Rc<Way>>);

#[derive(Debug)]
struct Way {
    socket: UnixDatagram,
    address: SocketAddr,
    /// Whether another process speaks now.
    is_over: Cell<bool>,
}

impl Notify {
    /// To whoever the environment names.
    pub fn from_environment() -> Self {
        let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return Self::default() };
        let name = name.to_string_lossy();
        let open = || {
            let socket = UnixDatagram::unbound()?;
            socket.set_write_timeout(Some(PATIENCE))?;
            std::io::Result::Ok(Way { socket, address: address(&name)?, is_over: Cell::new(false) })
        };
        match open() {
            Ok(way) => Self(Some(Rc::new(way))),
            Err(error) => {
                tracing::warn!("the service manager at {name} (NOTIFY_SOCKET) cannot be told anything: {error}");
                Self::default()
            }
        }
    }

    /// It serves.
    pub fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={status}"));
    }

    /// It reads its configuration again; it is ready afterwards, however that went.
    pub fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let microseconds = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1000;
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}\nSTATUS=reading the configuration"));
    }

    /// It comes to its end.
    pub fn stopping(&self) {
        self.send("STOPPING=1\nSTATUS=draining");
    }

    /// What it does, for people.
    pub fn status(&self, status: &str) {
        self.send(&format!("STATUS={status}"));
    }

    /// Another process is the service from now on, and speaks for it.
    pub fn hand_over(&self, pid: u32) {
        self.send(&format!("MAINPID={pid}"));
        self.0.iter().for_each(|way| way.is_over.set(true));
    }

    fn send(&self, message: &str) {
        let Some(way) = self.0.as_ref().filter(|way| !way.is_over.get()) else { return };
        if let Err(error) = way.socket.send_to_addr(message.as_bytes(), &way.address) {
            tracing::warn!("the service manager could not be told {message:?}: {error}");
        }
    }
}

/// A path, or a name in the abstract space, which begins with `@`.
fn address(name: &str) -> std::io::Result<SocketAddr> {
    match name.strip_prefix('@') {
        #[cfg(target_os = "linux")]
        Some(name) => <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name),
        #[cfg(not(target_os = "linux"))]
        Some(_) => Err(std::io::ErrorKind::Unsupported.into()),
        None => SocketAddr::from_pathname(name),
    }
}

/// How long the service manager waits for a sign of life of this process, if it does.
fn watchdog() -> Option<Duration> {
    let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
    let is_for_us = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
    number("WATCHDOG_USEC").filter(|period| is_for_us && *period > 0).map(Duration::from_micros)
}

impl Server {
    /// Gives the service manager its signs of life, if it wants any: as long as this thread and all workers go on.
    pub fn keep_watchdog(&self, notify: &Notify) {
        let (Some(period), Some(_)) = (watchdog(), &notify.0) else { return };
        let (notify, pulse) = (notify.clone(), Rc::clone(&self.pulse));
        spawn_local(async move {
            let mut ticks = tokio::time::interval(period / 2);
            // Who was late is not fed all at once.
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                match tokio::time::timeout(period / 2, pulse.live()).await {
                    Ok(Liveness { live: true, .. }) => notify.send("WATCHDOG=1"),
                    _ => tracing::error!("the service manager gets no sign of life: a worker does not respond"),
                }
            }
        });
    }
}
