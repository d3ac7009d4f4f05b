//! Where operators come in: an address, or a socket of the file system.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::admin::At;
use crate::config::AdminAddress;
use crate::listen;

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
    Unix { listener: UnixListener, _file: File },
}

/// The socket's file: gone with it, unless another has taken its place.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    inode: (u64, u64),
}

impl Entrance {
    /// Binds it; only the user that runs weir may use a socket of the file system.
    pub(super) fn bind(address: &AdminAddress) -> io::Result<(Self, At)> {
        match address {
            AdminAddress::Tcp(address) => {
                let listener = listen::bind(*address).and_then(TcpListener::from_std)?;
                let at = At::Tcp(listener.local_addr()?);
                Ok((Self::Tcp(listener), at))
            }
            AdminAddress::Unix(path) => {
                clear(path);
                let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
                socket.bind(&SockAddr::unix(path)?)?;
                // Before anybody can connect.
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
                socket.listen(BACKLOG)?;
                socket.set_nonblocking(true)?;
                let listener = UnixListener::from_std(OwnedFd::from(socket).into())?;
                let file = std::fs::symlink_metadata(path)?;
                let file = File { path: path.clone(), inode: (file.dev(), file.ino()) };
                Ok((Self::Unix { listener, _file: file }, At::Unix(path.clone())))
            }
        }
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

impl Drop for File {
    fn drop(&mut self) {
        let is_ours = |file: std::fs::Metadata| (file.dev(), file.ino()) == self.inode;
        if std::fs::symlink_metadata(&self.path).is_ok_and(is_ours) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
