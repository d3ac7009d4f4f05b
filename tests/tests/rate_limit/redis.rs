//! A real Redis, which can go and come back at its place.

use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};

use tempfile::TempDir;
use weir_tests::{command, free_port, until};

/// A server without a disk; dropping it ends it.
pub(crate) struct Redis {
    port: u16,
    folder: TempDir,
    child: Option<Child>,
}

impl Redis {
    pub(crate) fn start() -> Self {
        let mut redis = Self { port: free_port(), folder: tempfile::tempdir().unwrap(), child: None };
        redis.run();
        redis
    }

    /// As it stands under `stores`.
    pub(crate) fn written(&self) -> String {
        format!("redis: \"redis://127.0.0.1:{}\"", self.port)
    }

    /// It is gone, with all that it had.
    pub(crate) fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// It is there again, with nothing.
    pub(crate) fn run(&mut self) {
        let mut server = command("redis-server", "redis-server");
        server.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        server.arg("--dir").arg(self.folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(server.spawn().expect("Redis runs"));
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        until("Redis accepts", || TcpStream::connect(address).is_ok());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.end();
    }
}
