//! From one process to the next, on the socket that is the next one's standard input: the listening sockets, then two words
//! from each side.
//!
//! The process before sends a message for each socket. The one after builds its state, says so, and hears that the files of
//! stores are free. It reads those, accepts, says so, and hears whether it is the one from now on. Descriptors go with
//! messages, so a child inherits none.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

use super::inherit::{Inherited, Passed, listening};
use crate::telemetry::log;

/// Tells a process that another waits for it: `VERSION PID`, of this exchange and of the other.
pub(super) const VARIABLE: &str = "WEIR_UPGRADE";

/// Changes when processes of before would not understand what is said.
pub(super) const VERSION: &str = "2";

/// The first word of the process after: it has built its state, and wants the files of stores.
pub(super) const READY: &[u8] = b"ready\n";

/// The first word of the process before: all that was in stores is in their files, and it holds none of them.
pub(super) const FREE: &[u8] = b"free\n";

/// The word of the process after: it accepts.
pub(super) const ACCEPTING: &[u8] = b"accepting\n";

/// The word of the process before: it accepts no more.
pub(super) const YOURS: &[u8] = b"yours\n";

/// What goes with one message.
enum Word<'a> {
    Socket(&'a str, &'a str),
    /// Standard error as it is for good. Until it is taken, what is said is part of the answer.
    Errors,
    All,
}

/// How long the process before may be silent in the middle of its words.
const PATIENCE: Duration = Duration::from_secs(30);

/// A listening socket with its listener's name and the address that was asked for.
pub(super) type Socket = (String, String, OwnedFd);

/// Sends all that the next process needs.
pub(super) fn send(channel: &UnixStream, sockets: &[Socket], errors: BorrowedFd<'_>) -> io::Result<()> {
    for (name, asked, socket) in sockets {
        say(channel, &Word::Socket(name, asked), Some(socket.as_fd()))?;
    }
    say(channel, &Word::Errors, Some(errors))?;
    say(channel, &Word::All, None)
}

/// A length of two bytes, then the text. The descriptor comes with the length.
fn say(mut channel: &UnixStream, word: &Word<'_>, descriptor: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let text = match word {
        Word::Socket(name, asked) => format!("socket {name} {asked}"),
        Word::Errors => "errors".to_owned(),
        Word::All => "all".to_owned(),
    };
    let length = u16::try_from(text.len()).map_err(|_| io::Error::other("a listener's name is too long"))?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut with = SendAncillaryBuffer::new(&mut space);
    let descriptors = descriptor.as_slice();
    if !descriptors.is_empty() {
        with.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    let sent = sendmsg(channel, &[IoSlice::new(&length.to_be_bytes())], &mut with, SendFlags::empty())?;
    if sent < 2 {
        return Err(io::ErrorKind::WriteZero.into());
    }
    channel.write_all(text.as_bytes())
}

fn hear(mut channel: &UnixStream) -> anyhow::Result<(String, Option<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut with = RecvAncillaryBuffer::new(&mut space);
    let mut length = [0; 2];
    #[cfg(target_os = "linux")]
    let flags = RecvFlags::WAITALL | RecvFlags::CMSG_CLOEXEC;
    #[cfg(not(target_os = "linux"))]
    let flags = RecvFlags::WAITALL;
    let received = recvmsg(channel, &mut [IoSliceMut::new(&mut length)], &mut with, flags)?;
    ensure!(received.bytes == length.len(), "it has ended");
    let mut descriptor = None;
    for message in with.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            descriptor = descriptors.last();
        }
    }
    let mut text = vec![0; usize::from(u16::from_be_bytes(length))];
    channel.read_exact(&mut text)?;
    Ok((String::from_utf8(text)?, descriptor))
}

/// The process that this one replaces, as the one that holds the files of stores.
#[derive(Debug)]
pub(super) struct Holder(UnixStream);

impl Holder {
    /// Has it let go of them, and comes back when it has. Slow.
    pub(super) fn relieve(self) {
        let Self(mut channel) = self;
        let mut free = [0; FREE.len()];
        // One that has gone holds nothing any more, and of one that does not let go each store tells by itself.
        let _ = channel.write_all(READY).and_then(|()| channel.read_exact(&mut free));
    }
}

/// The process that this one replaces, and that waits for its word.
#[derive(Debug)]
pub struct Predecessor {
    channel: UnixStream,
    errors: OwnedFd,
}

impl Predecessor {
    /// Who waits, and the sockets that it passes on; nobody if this process was started like any other.
    pub fn find() -> anyhow::Result<Option<(Self, Inherited)>> {
        let Ok(announced) = std::env::var(VARIABLE) else { return Ok(None) };
        let (version, pid) = announced.split_once(' ').unwrap_or((&announced, "?"));
        ensure!(
            version == VERSION,
            "process {pid} is of a weir that this one ({}) cannot take over from; restart instead",
            env!("CARGO_PKG_VERSION")
        );
        Self::listen().map(Some).with_context(|| {
            format!("{VARIABLE} says that process {pid} hands over, but standard input does not; unset the variable")
        })
    }

    fn listen() -> anyhow::Result<(Self, Inherited)> {
        let channel = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        channel.set_read_timeout(Some(PATIENCE))?;
        let (mut sockets, mut errors) = (Vec::new(), None);
        loop {
            let (text, descriptor) = hear(&channel)?;
            // An address may be a path, with anything in it.
            let mut words = text.splitn(3, ' ');
            match (words.next(), descriptor) {
                (Some("socket"), Some(descriptor)) => {
                    let name = words.next().unwrap_or_default().to_owned();
                    let asked = Some(words.next().unwrap_or_default().to_owned());
                    let (bound, socket) = listening(descriptor).map_err(anyhow::Error::msg)?;
                    sockets.push(Passed { name, asked, bound, socket });
                }
                (Some("errors"), Some(descriptor)) => errors = Some(descriptor),
                (Some("all"), None) => break,
                _ => bail!("it says {text:?}"),
            }
        }
        let errors = errors.context("it has no standard error")?;
        let holder = Holder(channel.try_clone()?);
        Ok((Self { channel, errors }, Inherited::of(sockets, holder)))
    }

    /// Says that this process accepts, and waits until the other does no more. Slow.
    pub fn relieve(self) -> anyhow::Result<()> {
        let Self { mut channel, errors } = self;
        log::standard_error_is(errors)?;
        channel.write_all(ACCEPTING).context("the process that was to be replaced has gone")?;
        let mut yours = [0; YOURS.len()];
        // However it ended, there is nobody but this process now.
        let _ = channel.read_exact(&mut yours);
        // So that the socket can end. From here on nothing may fail any more: there is nobody else.
        let _ = std::fs::File::open("/dev/null").map(rustix::stdio::dup2_stdin);
        Ok(())
    }
}
