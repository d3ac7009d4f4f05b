//! Sockets that listen already when the process begins: the service manager has opened them, or the process that this one
//! replaces. Listeners take those that are theirs; what is left is told and closed. The process that is replaced also holds
//! the files of stores, until it is asked for them.

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::FdFlags;
use socket2::{SockRef, Type};

use super::handover::Holder;

/// The first descriptor that a service manager passes.
const FIRST: i32 = 3;

/// More than any service has; the number comes from outside.
const MOST: i32 = 4096;

/// What the socket for operators is called: no listener has such a name.
pub(super) const ADMIN: &str = "(admin)";

static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// What was passed on and nobody has taken yet.
#[derive(Debug, Default)]
pub struct Inherited {
    sockets: Vec<Passed>,
    /// Who holds the files of stores.
    pub(super) holder: Option<Holder>,
}

/// A socket that was passed on.
#[derive(Debug)]
pub(super) struct Passed {
    /// Whose it is.
    pub(super) name: String,
    /// The address as the process before was asked for it, if one has passed it: port 0 is any.
    pub(super) asked: Option<String>,
    /// Where it is bound.
    pub(super) bound: Place,
    pub(super) socket: OwnedFd,
}

/// Where a socket is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Address(SocketAddr),
    File(PathBuf),
}

impl Inherited {
    /// Those of the service manager, if it has passed any (`sd_listen_fds(3)`). To be called before anything else opens
    /// descriptors.
    pub fn from_service_manager() -> Self {
        if IS_TAKEN.swap(true, Ordering::Relaxed) {
            return Self::default();
        }
        let number = |name| std::env::var(name).ok()?.parse::<i32>().ok();
        let is_for_us = number("LISTEN_PID").is_some_and(|pid| u32::try_from(pid) == Ok(std::process::id()));
        let count = number("LISTEN_FDS").filter(|_| is_for_us).unwrap_or(0).clamp(0, MOST);
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut passed = Vec::new();
        for number in FIRST..FIRST + count {
            let name = names.next().unwrap_or_default().to_owned();
            let Some(descriptor) = take(number) else { break };
            match listening(descriptor) {
                Ok((bound, socket)) => passed.push(Passed { name, asked: None, bound, socket }),
                Err(why) => tracing::warn!("the service manager passed `{name}`, which is not used: {why}"),
            }
        }
        Self { sockets: passed, holder: None }
    }

    /// Those of the process that this one replaces.
    pub(super) fn of(sockets: Vec<Passed>, holder: Holder) -> Self {
        Self { sockets, holder: Some(holder) }
    }

    /// The socket for this address: one that was passed on, by its name or else by where it is bound, or a new one.
    pub(super) fn listen(
        &mut self,
        name: &str,
        address: SocketAddr,
        bind: impl FnOnce() -> std::io::Result<TcpListener>,
    ) -> std::io::Result<TcpListener> {
        let asked = address.to_string();
        let is_for = |passed: &Passed| passed.asked.as_ref().is_none_or(|known| *known == asked);
        let is_named = |passed: &Passed| passed.name == name && passed.bound.address().is_some() && is_for(passed);
        let is_there = |passed: &Passed| passed.bound.address().is_some_and(|bound| is_same(bound, address));
        let found = self.sockets.iter().position(is_named).or_else(|| self.sockets.iter().position(is_there));
        let Some(found) = found else { return bind() };
        let Passed { bound, socket, .. } = self.sockets.swap_remove(found);
        if address.port() != 0 && bound.address().is_some_and(|bound| !is_same(bound, address)) {
            tracing::warn!("`{name}` listens on {bound}, as the service manager has it, not on {address}");
        }
        Ok(socket.into())
    }

    /// The socket of this file, if it was passed on, and whether its file is a weir's own.
    pub(super) fn listen_in_files(&mut self, path: &Path) -> Option<(UnixListener, bool)> {
        let found = self.sockets.iter().position(|passed| passed.bound == Place::File(path.to_owned()))?;
        let Passed { asked, socket, .. } = self.sockets.swap_remove(found);
        Some((socket.into(), asked.is_some()))
    }

    /// Closes what nobody has taken, and says so.
    pub(super) fn close_rest(&mut self) {
        for Passed { name, asked, bound, .. } in self.sockets.drain(..) {
            match asked {
                Some(_) => tracing::info!(listener = name, "no longer listening on {bound}"),
                None => tracing::warn!(
                    "the service manager passed the socket `{name}` on {bound}, for which there is no listener; name it \
                     like one with FileDescriptorName=, or remove it from the socket unit"
                ),
            }
        }
    }
}

impl Place {
    fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::File(_) => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(formatter),
            Self::File(path) => path.display().fmt(formatter),
        }
    }
}

/// Whether a socket that is bound there is one for this address. `[::]` and `0.0.0.0` are both all addresses.
fn is_same(bound: SocketAddr, address: SocketAddr) -> bool {
    bound == address || bound.port() == address.port() && bound.ip().is_unspecified() && address.ip().is_unspecified()
}

/// What is known under this number from the start on.
fn take(number: i32) -> Option<OwnedFd> {
    std::fs::symlink_metadata(format!("/dev/fd/{number}")).ok()?;
    #[allow(unsafe_code)]
    // SAFETY: there is such a descriptor (that was just asked), and nobody else owns it: the service manager has opened it
    // for this very process (LISTEN_PID), which has opened nothing yet, and all are taken once (IS_TAKEN). There is no safe
    // way to a descriptor of which only the number is known.
    let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
    Some(descriptor)
}

/// Where it listens. From here on it is passed to nobody by accident.
pub(super) fn listening(descriptor: OwnedFd) -> Result<(Place, OwnedFd), String> {
    let socket = SockRef::from(&descriptor);
    let is_stream = socket.r#type().map_err(|error| format!("it is no socket ({error})"))? == Type::STREAM;
    let address = socket.local_addr().map_err(|error| error.to_string())?;
    let bound = match (address.as_socket(), address.as_pathname()) {
        (Some(address), _) if is_stream => Place::Address(address),
        (_, Some(path)) if is_stream => Place::File(path.to_owned()),
        _ => return Err("weir listens on TCP sockets, and for operators on sockets of the file system".to_owned()),
    };
    #[cfg(target_os = "linux")]
    if !socket.is_listener().unwrap_or(true) {
        return Err("it does not listen; set Accept=no in its unit".to_owned());
    }
    let prepared = rustix::io::fcntl_setfd(&descriptor, FdFlags::CLOEXEC).map_err(std::io::Error::from);
    prepared.and_then(|()| socket.set_nonblocking(true)).map_err(|error| error.to_string())?;
    Ok((bound, descriptor))
}
