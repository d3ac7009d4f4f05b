//! Redis as the system has it: a server, a cluster of three, a master and its replica with three sentinels. They are ready
//! when they say so, and end with their owner.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use tempfile::TempDir;

use crate::{Authority, PATIENCE, command, free_port, until};

/// A process of `redis-server` or `redis-sentinel`.
#[derive(Debug)]
pub struct RedisServer {
    /// Where it serves.
    pub address: SocketAddr,
    /// What `redis-cli` is told to reach it: TLS, a user.
    reach: Vec<String>,
    program: &'static str,
    child: Option<Child>,
    folder: TempDir,
}

impl RedisServer {
    /// One that everybody may use.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// One with these lines in its configuration: `requirepass secret`. What `redis-cli` needs to be let in is in `reach`.
    pub fn reached_by(reach: &[&str], lines: &[&str]) -> Self {
        let write = |port: u16, _: &Path| {
            let own = "save \"\"\nappendonly no\nbind 127.0.0.1\nenable-debug-command yes";
            format!("port {port}\n{own}\n{}\n", lines.join("\n"))
        };
        Self::run("redis-server", reach, write)
    }

    /// The same; everybody is let in.
    pub fn with(lines: &[&str]) -> Self {
        Self::reached_by(&[], lines)
    }

    /// One over TLS alone, with a certificate for this name.
    pub fn over_tls(authority: &Authority, name: &str) -> Self {
        let (certificate, key) = authority.certify(name);
        let ca = authority.file();
        let reach = ["--tls", "--cacert", ca.to_str().expect("a path of UTF-8")];
        let write = |port: u16, _: &Path| {
            format!(
                "port 0\ntls-port {port}\nsave \"\"\nbind 127.0.0.1\ntls-auth-clients no\ntls-cert-file {}\ntls-key-file {}\n\
                 tls-ca-cert-file {}\n",
                certificate.display(),
                key.display(),
                ca.display()
            )
        };
        Self::run("redis-server", &reach, write)
    }

    fn run(program: &'static str, reach: &[&str], write: impl Fn(u16, &Path) -> String) -> Self {
        for _ in 0..5 {
            let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
            std::fs::write(folder.path().join("server.conf"), write(port, folder.path())).unwrap();
            let mut server = Self {
                address: SocketAddr::from(([127, 0, 0, 1], port)),
                reach: reach.iter().map(ToString::to_string).collect(),
                program,
                child: None,
                folder,
            };
            if server.spawn() {
                return server;
            }
        }
        panic!("{program} did not start");
    }

    /// Whether it is ready; not if another process has taken the port.
    fn spawn(&mut self) -> bool {
        let mut server = command(self.program, self.program);
        server.arg("server.conf").args(["--daemonize", "no"]).current_dir(self.folder.path());
        let child = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = self.child.insert(child.expect("the server runs"));
        let own = format!("process_id:{}\r", child.id());
        let deadline = Instant::now() + PATIENCE;
        while self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none()) {
            if self.cli(&["info", "server"]).contains(&own) {
                return true;
            }
            assert!(Instant::now() < deadline, "{} is not ready", self.program);
        }
        false
    }

    /// What `redis-cli` says to this: its output, or its error.
    pub fn cli(&self, words: &[&str]) -> String {
        let port = self.address.port().to_string();
        let mut cli = command("redis-cli", "redis-tools");
        let output = cli.args(["-h", "127.0.0.1", "-p", &port]).args(&self.reach).args(words).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned()
            + &String::from_utf8_lossy(&output.stderr)
    }

    /// Its only or first server, as a URL of a configuration.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Sends a signal: `STOP`, `CONT`.
    pub fn signal(&self, signal: &str) {
        let child = self.child.as_ref().expect("it runs");
        let status = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Runs it again on its port, after [`kill`](Self::kill); it has what was on its disk.
    pub fn revive(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.spawn() {
            assert!(Instant::now() < deadline, "somebody else has taken the port {}", self.address);
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Three masters that share the slots.
#[derive(Debug)]
pub struct RedisCluster {
    /// Its servers.
    pub servers: Vec<RedisServer>,
}

/// The last slot of each.
const ENDS: [u16; 3] = [5460, 10922, 16383];

impl RedisCluster {
    /// A new one.
    pub fn start() -> Self {
        let server = |_| {
            let write = |port: u16, _: &Path| {
                format!(
                    "port {port}\nbind 127.0.0.1\nsave \"\"\ncluster-enabled yes\ncluster-port {}\ncluster-config-file nodes.conf\n\
                     cluster-node-timeout 1000\ncluster-require-full-coverage no\n",
                    free_port()
                )
            };
            RedisServer::run("redis-server", &[], write)
        };
        let servers: Vec<_> = (0..3).map(server).collect();
        let mut first = 0;
        for (number, (server, end)) in servers.iter().zip(ENDS).enumerate() {
            assert_eq!(server.cli(&["cluster", "addslotsrange", &first.to_string(), &end.to_string()]), "OK");
            assert_eq!(server.cli(&["cluster", "set-config-epoch", &(number + 1).to_string()]), "OK");
            first = end + 1;
            let bus = server.cli(&["config", "get", "cluster-port"]);
            let bus = bus.lines().last().expect("it has a bus");
            let port = server.address.port().to_string();
            if number > 0 {
                assert_eq!(servers[0].cli(&["cluster", "meet", "127.0.0.1", &port, bus]), "OK");
            }
        }
        let cluster = Self { servers };
        until("all know all slots", || cluster.servers.iter().all(|server| cluster.is_whole_for(server)));
        cluster
    }

    fn is_whole_for(&self, server: &RedisServer) -> bool {
        let slots = server.cli(&["cluster", "slots"]);
        server.cli(&["cluster", "info"]).contains("cluster_state:ok")
            && self.servers.iter().all(|server| slots.lines().any(|line| line == server.address.port().to_string()))
    }

    /// What stands in a configuration.
    pub fn urls(&self) -> String {
        let urls: Vec<String> = self.servers.iter().map(RedisServer::url).collect();
        format!("[\"{}\"]", urls.join("\", \""))
    }

    /// The one that holds the only key whose name has this end, and the whole name.
    pub fn holder(&self, end: &str) -> (usize, String) {
        let of = |(index, server): (usize, &RedisServer)| {
            let key = server.cli(&["--raw", "keys", &format!("*{end}")]);
            (!key.is_empty()).then_some((index, key))
        };
        self.servers.iter().enumerate().find_map(of).expect("a server has the key")
    }
}

/// A master and its replica, and three sentinels that watch them.
#[derive(Debug)]
pub struct RedisSentinels {
    /// The master at first, and the replica.
    pub servers: [RedisServer; 2],
    /// Those who watch.
    pub sentinels: Vec<RedisServer>,
}

impl RedisSentinels {
    /// As sentinels call the master.
    pub const NAME: &str = "mymaster";

    /// A new group, with these lines in the sentinels' configuration, and what `redis-cli` needs to be let in by them.
    pub fn with(reach: &[&str], lines: &[&str]) -> Self {
        let master = RedisServer::start();
        let replica = RedisServer::with(&[&format!("replicaof 127.0.0.1 {}", master.address.port())]);
        let sentinel = |_| {
            let write = |port: u16, _: &Path| {
                let mut text = format!("port {port}\nbind 127.0.0.1\n");
                let watched = format!("sentinel monitor {} 127.0.0.1 {} 2", Self::NAME, master.address.port());
                let quick = format!("sentinel down-after-milliseconds {} 500", Self::NAME);
                let patient = format!("sentinel failover-timeout {} 3000", Self::NAME);
                for line in [watched, quick, patient].iter().map(String::as_str).chain(lines.iter().copied()) {
                    writeln!(text, "{line}").unwrap();
                }
                text
            };
            RedisServer::run("redis-sentinel", reach, write)
        };
        let group = Self { sentinels: (0..3).map(sentinel).collect(), servers: [master, replica] };
        until("the replica follows", || {
            group.servers[1].cli(&["info", "replication"]).contains("master_link_status:up")
        });
        until("the sentinels know each other and the replica", || {
            group.sentinels.iter().all(|sentinel| {
                let said = sentinel.cli(&["info", "sentinel"]);
                said.contains("status=ok") && said.contains("slaves=1,sentinels=3")
            })
        });
        group
    }

    /// The same, with sentinels that everybody may ask.
    pub fn start() -> Self {
        Self::with(&[], &[])
    }

    /// What stands in a configuration.
    pub fn urls(&self) -> String {
        let urls: Vec<String> = self.sentinels.iter().map(RedisServer::url).collect();
        format!("[\"{}\"]", urls.join("\", \""))
    }
}
