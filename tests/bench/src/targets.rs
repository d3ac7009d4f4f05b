//! The proxies that are compared, with equal settings: one core, connections kept on both sides, no buffering, no
//! access log.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::load::{COMPRESSED, REQUEST};
use crate::process::{Process, wait_for};

/// One proxy, running.
pub struct Target {
    pub name: String,
    pub address: SocketAddr,
    pub process: Process,
    /// What it is asked.
    pub request: &'static [u8],
}

/// Starts proxies in front of one origin.
pub struct Starter<'a> {
    pub core: usize,
    pub origin: SocketAddr,
    pub folder: &'a Path,
}

/// The same coding at the same level, with nginx's own buffering: without it nginx flushes its encoder piece by piece.
const GZIP: &str = "proxy_buffering on; gzip on; gzip_types application/json; gzip_comp_level 5;";

/// What nginx does in Lua for the same as the filter `headers`.
const LUA: &str = "access_by_lua_block {
    local headers = ngx.req.get_headers()
    local both = headers['user-agent'] and headers['accept']
    ngx.req.set_header('x-seen', both and 'both' or 'not both')
  }
  header_filter_by_lua_block { ngx.header['x-added'] = 'by the filter' }";

/// The fields that Weir adds to every request.
const FORWARDED: &str = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $http_host; proxy_set_header Forwarded 'for=$remote_addr;host=\"$http_host\";proto=$scheme';";

impl Starter<'_> {
    /// nginx as it comes from Debian.
    pub fn nginx(&self) -> Result<Target> {
        self.nginx_with("nginx", "", "")
    }

    /// nginx telling the origin about the client what Weir tells it.
    pub fn nginx_forwarded(&self) -> Result<Target> {
        self.nginx_with("nginx+forwarded", "", FORWARDED)
    }

    /// nginx with a small Lua policy.
    pub fn nginx_lua(&self) -> Result<Target> {
        let module = Path::new("/usr/lib/nginx/modules");
        ensure!(
            module.join("ngx_http_lua_module.so").exists(),
            "this needs nginx's Lua module: apt-get install libnginx-mod-http-lua"
        );
        let load =
            format!("load_module {0}/ndk_http_module.so; load_module {0}/ngx_http_lua_module.so;", module.display());
        self.nginx_with("nginx+lua", &load, LUA)
    }

    /// nginx that compresses 16 KiB of JSON.
    pub fn nginx_gzip(&self) -> Result<Target> {
        Ok(Target { request: COMPRESSED, ..self.nginx_with("nginx+gzip", "", GZIP)? })
    }

    fn nginx_with(&self, name: &str, top: &str, location: &str) -> Result<Target> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder)?;
        let address = free_address();
        let config = format!(
            "{top} daemon off; worker_processes 1; error_log stderr crit; pid {folder}/pid; events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; tcp_nodelay on;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  upstream origin {{ server {origin}; keepalive 256; keepalive_requests 1000000000; }}
  server {{ listen {address};
    location / {{ proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host $http_host; {buffering} proxy_request_buffering off;
  {location} }} }}
}}",
            folder = folder.display(),
            origin = self.origin,
            buffering = if location.contains("proxy_buffering") { "" } else { "proxy_buffering off;" },
        );
        let file = folder.join("nginx.conf");
        fs::write(&file, config)?;
        let mut command = Command::new("/usr/sbin/nginx");
        command.arg("-p").arg(&folder).arg("-c").arg(&file);
        self.start(name, address, &command)
    }

    /// `HAProxy` as it comes from Debian.
    pub fn haproxy(&self) -> Result<Target> {
        let address = free_address();
        let config = format!(
            "global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
listen proxy
  bind {address}
  server origin {} pool-max-conn 256
",
            self.origin
        );
        let file = self.folder.join("haproxy.cfg");
        fs::write(&file, config)?;
        let mut command = Command::new("/usr/sbin/haproxy");
        command.args(["-db", "-q", "-f"]).arg(&file);
        self.start("haproxy", address, &command)
    }

    /// Bare hyper, with so much work added to every request.
    pub fn bare(&self, name: &str, plant: u64) -> Result<Target> {
        let address = free_address();
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bare", &address.to_string(), &self.origin.to_string(), "--plant", &plant.to_string()]);
        self.start(name, address, &command)
    }

    /// Weir with these filters, each `count` times.
    pub fn weir(&self, name: &str, guest: &str, count: usize) -> Result<Target> {
        let address = free_address();
        let file = self.folder.join(format!("{name}.yaml"));
        fs::write(&file, weir_config(address, self.origin, 1, guest, count))?;
        let mut command = Command::new(weir()?);
        command.args(["--log", "error", "run", "-c"]).arg(&file);
        self.start(name, address, &command)
    }

    /// Weir with all that tells of its work: metrics, stories, records in a file, and one trace in a hundred exchanges.
    pub fn weir_watched(&self, name: &str, collector: SocketAddr) -> Result<Target> {
        let address = free_address();
        let file = self.folder.join(format!("{name}.yaml"));
        let config = weir_config(address, self.origin, 1, "noop", 0);
        let config = config.replace(
            "access_log: false",
            &format!(
                "access_log: {{ file: \"{}\" }}\nadmin: {{ address: \"{}\" }}\ntraces: {{ upstream: collector, sample: 1% }}",
                self.folder.join("access.log").display(),
                free_address()
            ),
        );
        let endpoint = format!("upstreams:\n  collector: {{ endpoints: [\"http://{collector}\"] }}");
        fs::write(&file, config.replace("upstreams:", &endpoint))?;
        let mut command = Command::new(weir()?);
        command.args(["--log", "error", "run", "-c"]).arg(&file);
        self.start(name, address, &command)
    }

    /// Weir that compresses 16 KiB of JSON.
    pub fn weir_gzip(&self, name: &str) -> Result<Target> {
        let address = free_address();
        let file = self.folder.join(format!("{name}.yaml"));
        let config = weir_config(address, self.origin, 1, "noop", 0);
        let chain = "  - chain: [{ plugin: compress, config: { codings: [gzip], level: { gzip: 5 } } }]\n    routes:";
        fs::write(&file, config.replace("  - routes:", chain))?;
        let mut command = Command::new(weir()?);
        command.args(["--log", "error", "run", "-c"]).arg(&file);
        Ok(Target { request: COMPRESSED, ..self.start(name, address, &command)? })
    }

    fn start(&self, name: &str, address: SocketAddr, command: &Command) -> Result<Target> {
        let process = Process::start(self.core, command)?;
        wait_for(address)?;
        Ok(Target { name: name.to_owned(), address, process, request: REQUEST })
    }
}

/// Weir's file for a chain of one guest, `count` times.
pub fn weir_config(address: SocketAddr, origin: SocketAddr, workers: usize, guest: &str, count: usize) -> String {
    let plugin = if count == 0 {
        String::new()
    } else {
        format!("plugins:\n  guest: {{ file: \"{}\" }}\n", weir_tests::guest(guest).display())
    };
    let entries = (0..count).map(|index| format!("      - {{ plugin: guest, name: g{index} }}\n")).collect::<String>();
    let chain = if count == 0 { "routes:".to_owned() } else { format!("chain:\n{entries}    routes:") };
    format!(
        "version: 1\nworkers: {workers}\naccess_log: false\nlisteners:\n  bench: {{ address: \"{address}\" }}\n\
         upstreams:\n  origin: {{ endpoints: [\"http://{origin}\"] }}\n{plugin}sites:\n  - {chain}\n      - {{ path: /*, upstream: origin }}\n"
    )
}

/// The binary beside this one.
pub fn weir() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("weir");
    ensure!(path.exists(), "{} is missing: cargo build --profile dist -p weir -p weir-bench", path.display());
    Ok(path)
}

/// An address that nobody listens on just now.
pub fn free_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], weir_tests::free_port()))
}
