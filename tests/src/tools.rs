//! Foreign peers that come with the system.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::PATIENCE;

/// A process that is ended with its owner.
#[derive(Debug)]
pub struct Running {
    /// Where it serves.
    pub address: SocketAddr,
    child: Child,
    _folder: tempfile::TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program of the system; says how to install it if it is missing.
pub fn command(program: &str, package: &str) -> Command {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .output()
        .is_ok_and(|output| output.status.success());
    assert!(found, "this test needs `{program}`: apt-get install {package}");
    Command::new(program)
}

/// A port that nobody listens on just now, for programs that cannot choose one themselves.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port is free").port()
}

/// nginx with this inside its `http` block; `PORT` in it is its port.
pub fn nginx(http: &str) -> Running {
    serve(|port, folder| {
        let config = format!(
            "daemon off; master_process off; error_log stderr; pid {0}/pid; worker_processes 1; events {{}}\nhttp {{ access_log off;\n\
             client_body_temp_path {0}/a; proxy_temp_path {0}/b; fastcgi_temp_path {0}/c; uwsgi_temp_path {0}/d; scgi_temp_path {0}/e;\n{1}\n}}\n",
            folder.display(),
            http.replace("PORT", &port.to_string())
        );
        std::fs::write(folder.join("nginx.conf"), config).unwrap();
        let mut nginx = command("/usr/sbin/nginx", "nginx");
        nginx.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf"));
        nginx
    })
}

/// Python's own HTTP server, with this as its handler's class body.
pub fn python_origin(handler: &str) -> Running {
    serve(|port, folder| {
        let body = handler.lines().map(|line| format!("    {line}\n")).collect::<String>();
        let program = format!(
            "from http.server import *\nclass H(BaseHTTPRequestHandler):\n    protocol_version = 'HTTP/1.1'\n{body}\n\
             ThreadingHTTPServer(('127.0.0.1', {port}), H).serve_forever()\n"
        );
        std::fs::write(folder.join("origin.py"), program).unwrap();
        let mut python = command("python3", "python3");
        python.arg(folder.join("origin.py"));
        python
    })
}

/// A server in Python, by this interpreter; its port is the first argument.
pub fn python_program(python: impl Fn() -> Command, program: &str) -> Running {
    serve(|port, folder| {
        std::fs::write(folder.join("server.py"), program).unwrap();
        let mut python = python();
        python.arg(folder.join("server.py")).arg(port.to_string());
        python
    })
}

/// Starts a server and waits until it accepts. Another process may take the port in between: then again.
fn serve(make: impl Fn(u16, &Path) -> Command) -> Running {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut command = make(port, folder.path());
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the server runs");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let deadline = Instant::now() + PATIENCE;
        while child.try_wait().unwrap().is_none() && Instant::now() < deadline {
            if TcpStream::connect(address).is_ok() {
                return Running { address, child, _folder: folder };
            }
            std::thread::yield_now();
        }
        let _ = child.kill();
        let _ = child.wait();
    }
    panic!("the server did not start");
}
