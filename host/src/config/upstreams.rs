//! Where requests go, and how long that may take.

use std::path::PathBuf;
use std::time::Duration;

use super::Located;

/// Servers that do the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Its key in the file, or the URL of an inline one.
    pub name: String,
    /// At least one.
    pub endpoints: Vec<Endpoint>,
    /// Which one is asked.
    pub balance: Balance,
    /// For `https` endpoints.
    pub tls: UpstreamTls,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// What is spoken.
    pub scheme: Scheme,
    /// A name or an IP address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Its share, compared with the others'; at least 1.
    pub weight: u32,
}

impl Endpoint {
    /// As a URL names it, in one spelling and with its port: `https://login.example.com:443`.
    pub fn origin(&self) -> String {
        let scheme = if self.scheme == Scheme::Https { "https" } else { "http" };
        format!("{scheme}://{}", self.authority().to_ascii_lowercase())
    }

    fn authority(&self) -> String {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        format!("{open}{}{close}:{}", self.host, self.port)
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::H2c => "h2c",
            Scheme::Https => "https",
        };
        write!(formatter, "{scheme}://{}", self.authority())
    }
}

/// What an endpoint speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `http://`: HTTP/1.1.
    Http,
    /// `h2c://`: HTTP/2 without TLS.
    H2c,
    /// `https://`: HTTP/2 or HTTP/1.1, as the server chooses.
    Https,
}

/// Which endpoint is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// In turn, by weight.
    #[default]
    RoundRobin,
    /// The one with the fewest exchanges in progress, by weight.
    LeastConnections,
    /// The same one for the same client, by weight.
    IpHash,
}

/// How the certificates of `https` endpoints are checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamTls {
    /// PEM file of the authorities that count, instead of the system's.
    pub ca: Option<Located<PathBuf>>,
    /// The name that the certificate must have, instead of the endpoint's host.
    pub server_name: Option<String>,
}

/// How long the parts of an exchange may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To connect to an endpoint.
    pub connect: Duration,
    /// From the last byte of the request that was taken to the response's head.
    pub response: Duration,
    /// Without a byte, in the middle of a response or on an upgraded connection.
    pub idle: Duration,
    /// The whole exchange, to its last byte.
    pub total: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            response: Duration::from_secs(60),
            idle: Duration::from_secs(300),
            total: None,
        }
    }
}
