//! Where operators come in: an address, or a socket of the file system.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::admin::At;
use crate::config::AdminAddress;
use crate::listen;
use crate::server::inherit::{ADMIN, Inherited};

/// Connections that the system holds until they are accepted.
const BACKLOG: i32 = 128;

/// How long to wait when no descriptor is left; accepting again at once would spin.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);

/// A connection that came in.
#[derive(Debug)]
pub(super) enum Came {
    /// To the address.
    Tcp(TcpStream),
    /// To the socket.
    Unix(UnixStream),
}

/// Bound.
#[derive(Debug)]
pub(super) enum Entrance {
    Tcp(TcpListener),
    Unix { listener: UnixListener, file: Option<File> },
}

/// What lets another process have it.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) socket: OwnedFd,
    /// Whether another process has it now, and the file with it.
    pub(super) is_left: Rc<Cell<bool>>,
}

/// The socket's file: gone with it, unless another has taken its place.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    inode: (u64, u64),
    is_left: Rc<Cell<bool>>,
}

impl Entrance {
    /// Takes what was passed on, or binds it; only the user that runs weir may use a socket of the file system.
    pub(super) fn bind(address: &AdminAddress, inherited: &mut Inherited) -> io::Result<(Self, At)> {
        match address {
            AdminAddress::Tcp(address) => {
                let listener = inherited.listen(ADMIN, *address, || listen::bind(*address))?;
                let listener = TcpListener::from_std(listener)?;
                let at = At::Tcp(listener.local_addr()?);
                Ok((Self::Tcp(listener), at))
            }
            AdminAddress::Unix(path) => {
                let at = At::Unix(path.clone());
                if let Some((listener, is_ours)) = inherited.listen_in_files(path) {
                    let listener = UnixListener::from_std(listener)?;
                    // What a service manager has made it removes.
                    let file = if is_ours { Some(File::of(path)?) } else { None };
                    return Ok((Self::Unix { listener, file }, at));
                }
                clear(path);
                let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
                socket.bind(&SockAddr::unix(path)?)?;
                // Before anybody can connect.
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
                socket.listen(BACKLOG)?;
                socket.set_nonblocking(true)?;
                let listener = UnixListener::from_std(OwnedFd::from(socket).into())?;
                Ok((Self::Unix { listener, file: Some(File::of(path)?) }, at))
            }
        }
    }

    /// For a process that comes after this one.
    pub(super) fn key(&self) -> io::Result<Key> {
        let (socket, file) = match self {
            Self::Tcp(listener) => (listener.as_fd(), None),
            Self::Unix { listener, file } => (listener.as_fd(), file.as_ref()),
        };
        let is_left = file.map_or_else(Rc::default, |file| Rc::clone(&file.is_left));
        Ok(Key { socket: socket.try_clone_to_owned()?, is_left })
    }

    /// The next connection.
    pub(super) async fn accept(&self) -> Came {
        loop {
            let came = match self {
                Self::Tcp(listener) => listener.accept().await.map(|(stream, _)| Came::Tcp(stream)),
                Self::Unix { listener, .. } => listener.accept().await.map(|(stream, _)| Came::Unix(stream)),
            };
            match came {
                Ok(came) => return came,
                Err(error) => {
                    tracing::debug!("the admin address cannot accept: {error}");
                    tokio::time::sleep(OUT_OF_DESCRIPTORS).await;
                }
            }
        }
    }
}

/// A socket that nobody answers on is left from a process that was killed.
fn clear(path: &Path) {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    let answers = |error: io::Error| error.kind() != io::ErrorKind::ConnectionRefused;
    if is_socket && !std::os::unix::net::UnixStream::connect(path).map_or_else(answers, |_| true) {
        // If it stays, binding says so.
        let _ = std::fs::remove_file(path);
    }
}

impl File {
    fn of(path: &Path) -> io::Result<Self> {
        let file = std::fs::symlink_metadata(path)?;
        Ok(Self { path: path.to_owned(), inode: (file.dev(), file.ino()), is_left: Rc::default() })
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if self.is_left.get() {
            return;
        }
        let is_ours = |file: std::fs::Metadata| (file.dev(), file.ino()) == self.inode;
        if std::fs::symlink_metadata(&self.path).is_ok_and(is_ours) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
