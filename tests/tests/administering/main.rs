//! The admin address, as operators, probes, strangers and browsers meet it.

mod access;
mod document;
mod endpoints;
mod limits;
mod secrets;
mod views;

use std::net::SocketAddr;
use std::process::{Command, Output};

use serde_json::Value;
use weir_tests::{Proxy, ProxyBuilder, command};

/// A proxy with an admin address, and where that is.
struct Administered {
    proxy: Proxy,
    admin: SocketAddr,
}

/// Runs it with this `admin:` but for the address.
fn administered(builder: &ProxyBuilder, more: &str) -> Administered {
    let proxy = builder.clone().top(&format!("admin: {{ address: \"127.0.0.1:0\"{more} }}")).start();
    let admin = admin_of(&proxy);
    Administered { proxy, admin }
}

fn admin_of(proxy: &Proxy) -> SocketAddr {
    let line: Value = serde_json::from_str(&proxy.log.wait("are answered on")).unwrap();
    line["address"].as_str().unwrap().parse().unwrap()
}

impl Administered {
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.admin)
    }

    /// What a GET shows.
    fn view(&self, path: &str) -> Value {
        let (status, value) = curl(&[&self.url(path)]);
        assert_eq!(status, 200, "{path}: {value}");
        value
    }

    /// Gives an order.
    fn order(&self, path: &str) -> (u16, Value) {
        curl(&["--json", "{}", &self.url(path)])
    }

    /// Asks until an answer is as it should be.
    fn view_when(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let deadline = std::time::Instant::now() + weir_tests::PATIENCE;
        loop {
            let value = self.view(path);
            if is_so(&value) {
                return value;
            }
            assert!(std::time::Instant::now() < deadline, "{path} stays {value}");
        }
    }
}

/// Status and JSON of what curl gets; 0 if there was no answer, with what curl says.
fn curl(options: &[&str]) -> (u16, Value) {
    let Output { stdout, stderr, .. } = curl_command(options).output().unwrap();
    let text = String::from_utf8(stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    match status.parse().unwrap() {
        0 => (0, String::from_utf8_lossy(&stderr).into()),
        status => (status, serde_json::from_str(body).unwrap_or_else(|_| body.into())),
    }
}

fn curl_command(options: &[&str]) -> Command {
    let mut curl = command("curl", "curl");
    curl.args(["-sS", "-w", "\n%{http_code}"]).args(options);
    curl
}
