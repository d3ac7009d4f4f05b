//! The proxy as a process.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant;

use tempfile::TempDir;

use crate::{Lines, PATIENCE};

/// The command under test, with a compiled-filter cache that all tests share.
pub fn weir() -> Command {
    let tests = std::env::current_exe().unwrap();
    // target/<profile>/deps/<test>: the command lies two folders up.
    let binary = tests.ancestors().map(|folder| folder.join("weir-tested")).find(|path| path.is_file());
    let mut command = Command::new(binary.expect("cargo builds `weir-tested` before the tests of its package"));
    command.env("WEIR_CACHE_DIR", Path::new(env!("GUESTS")).join("cache"));
    command
}

/// A configuration in the making, for one site on one listener.
#[derive(Clone, Debug, Default)]
pub struct ProxyBuilder {
    main: String,
    listeners: String,
    upstreams: String,
    plugins: String,
    chain: String,
    routes: String,
    top: String,
}

impl ProxyBuilder {
    /// An upstream, and the route `path` to it.
    #[must_use]
    pub fn route(mut self, path: &str, name: &str, upstream: SocketAddr) -> Self {
        writeln!(self.upstreams, "  {name}: {{ endpoints: [\"http://{upstream}\"] }}").unwrap();
        writeln!(self.routes, "      - {{ path: \"{path}\", upstream: {name} }}").unwrap();
        self
    }

    /// More keys of the listener: `limits: { connections: 2 }`.
    #[must_use]
    pub fn main(mut self, keys: &str) -> Self {
        write!(self.main, ", {keys}").unwrap();
        self
    }

    /// One more listener, on a port of its own.
    #[must_use]
    pub fn listener(mut self, name: &str, keys: &str) -> Self {
        writeln!(self.listeners, "  {name}: {{ address: \"127.0.0.1:0\", {keys} }}").unwrap();
        self
    }

    /// An upstream, as it is written in the file.
    #[must_use]
    pub fn upstream(mut self, name: &str, body: &str) -> Self {
        writeln!(self.upstreams, "  {name}: {body}").unwrap();
        self
    }

    /// A route to an upstream that is written on its own, with more keys: `timeouts: { idle: 1s }`.
    #[must_use]
    pub fn route_to(mut self, path: &str, upstream: &str, more: &str) -> Self {
        writeln!(self.routes, "      - {{ path: \"{path}\", upstream: {upstream}, {more} }}").unwrap();
        self
    }

    /// A filter of the chain that is one of the guests, with more keys of the entry: `config: { a: b }`.
    #[must_use]
    pub fn guest(self, name: &str, guest: &str, entry: &str) -> Self {
        self.limited_guest(name, guest, entry, "")
    }

    /// The same, with limits.
    #[must_use]
    pub fn limited_guest(mut self, name: &str, guest: &str, entry: &str, limits: &str) -> Self {
        let file = crate::guest(guest);
        let limits = if limits.is_empty() { String::new() } else { format!(", limits: {{ {limits} }}") };
        writeln!(self.plugins, "  {name}: {{ file: \"{}\"{limits} }}", file.display()).unwrap();
        self.filter(&format!("{{ plugin: {name}, {entry} }}"))
    }

    /// A plugin that is one of the guests, with more keys of its declaration: `isolation: fresh`. No entry yet.
    #[must_use]
    pub fn plugin(mut self, name: &str, guest: &str, more: &str) -> Self {
        let file = crate::guest(guest);
        writeln!(self.plugins, "  {name}: {{ file: \"{}\", {more} }}", file.display()).unwrap();
        self
    }

    /// An entry of the chain, as it is written in the file.
    #[must_use]
    pub fn filter(mut self, entry: &str) -> Self {
        writeln!(self.chain, "      - {entry}").unwrap();
        self
    }

    /// A key at the top of the file.
    #[must_use]
    pub fn top(mut self, key: &str) -> Self {
        writeln!(self.top, "{key}").unwrap();
        self
    }

    /// The file's text, for this listening address.
    pub fn text(&self, address: &str) -> String {
        let map = |name: &str, body: &str| if body.is_empty() { String::new() } else { format!("{name}:\n{body}") };
        let chain = if self.chain.is_empty() { String::new() } else { format!("chain:\n{}    ", self.chain) };
        let routes = if self.routes.is_empty() { " []\n".to_owned() } else { format!("\n{}", self.routes) };
        format!(
            "version: 1\n{}listeners:\n  main: {{ address: \"{address}\"{} }}\n{}{}{}sites:\n  - {chain}routes:{routes}",
            self.top,
            self.main,
            self.listeners,
            map("upstreams", &self.upstreams),
            map("plugins", &self.plugins),
        )
    }

    /// Runs it and waits until it accepts.
    pub fn start(&self) -> Proxy {
        Proxy::of(&self.text("127.0.0.1:0"), &[])
    }

    /// The same with `--watch`.
    pub fn start_watched(&self) -> Proxy {
        Proxy::watched(&self.text("127.0.0.1:0"), &[])
    }
}

/// A running proxy; dropping it ends it.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its log, on standard error.
    pub log: Lines,
    /// Its access records, on standard output.
    pub access: Lines,
    file: PathBuf,
    _folder: TempDir,
    child: Child,
}

impl Proxy {
    /// Runs a configuration as it is written, with its files beside it, and waits until its listener `main` accepts.
    pub fn of(text: &str, files: &[(&str, &str)]) -> Self {
        Self::with(&[], text, files)
    }

    /// The same with `--watch`.
    pub fn watched(text: &str, files: &[(&str, &str)]) -> Self {
        Self::with(&["--watch"], text, files)
    }

    /// The same with these arguments of `weir run`.
    pub fn with(arguments: &[&str], text: &str, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = folder.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        let file = folder.path().join("weir.yaml");
        std::fs::write(&file, text).unwrap();
        Self::start(weir().args(["run", "-c"]).arg(&file).args(arguments), folder, file)
    }

    /// The same, by a command of one's own, which is given `run -c FILE`.
    pub fn by(mut command: Command, text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("weir.yaml");
        std::fs::write(&file, text).unwrap();
        Self::start(command.args(["run", "-c"]).arg(&file), folder, file)
    }

    /// Begins a configuration.
    pub fn builder() -> ProxyBuilder {
        ProxyBuilder::default()
    }

    fn start(command: &mut Command, folder: TempDir, file: PathBuf) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("weir runs");
        let (log, access) = (Lines::of(child.stderr.take().unwrap()), Lines::of(child.stdout.take().unwrap()));
        let address = address(&log, "main");
        Self { address, log, access, file, _folder: folder, child }
    }

    /// Where one of its listeners listens.
    pub fn listener(&self, name: &str) -> SocketAddr {
        address(&self.log, name)
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its configuration.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// A file beside the configuration.
    pub fn path(&self, name: &str) -> PathBuf {
        self.file.with_file_name(name)
    }

    /// Another process with the same configuration, which lies in the folder of this one.
    #[must_use]
    pub fn again(&self) -> Self {
        let file = self.file.clone();
        Self::start(weir().args(["run", "-c"]).arg(&file), tempfile::tempdir().unwrap(), file)
    }

    /// Replaces the configuration's file; the listener stays on its port 0.
    pub fn write(&self, builder: &ProxyBuilder) {
        self.write_text(&builder.text("127.0.0.1:0"));
    }

    /// Replaces the configuration's file by this text.
    pub fn write_text(&self, text: &str) {
        std::fs::write(&self.file, text).unwrap();
    }

    /// Sends a signal: `HUP`, `TERM`.
    pub fn signal(&self, signal: &str) {
        let status =
            Command::new("kill").args([&format!("-{signal}"), &self.pid().to_string()]).status().expect("kill runs");
        assert!(status.success());
    }

    /// The access record of the `count`th exchange, from 1.
    pub fn record(&self, count: usize) -> serde_json::Value {
        let line = self.access.wait_many("\"exchange\"", count).pop().unwrap();
        serde_json::from_str(&line).expect("a record is JSON")
    }

    /// Waits for the end.
    pub fn exit(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "weir did not end; its log:\n{}", self.log.so_far().join("\n"));
            // There is no portable wait with a limit.
            std::thread::yield_now();
        }
    }
}

fn address(log: &Lines, listener: &str) -> SocketAddr {
    let line = log.wait(&format!("({listener})"));
    let line: serde_json::Value = serde_json::from_str(&line).expect("the log is JSON");
    line["address"].as_str().and_then(|address| address.parse().ok()).expect("the line names the address")
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the proxy's log:\n{}", self.log.so_far().join("\n"));
        }
    }
}
