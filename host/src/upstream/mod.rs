//! The servers behind the proxy: connections to them, and sending a request over one.
//!
//! Knows nothing of routes, filters or clients. A worker has its own pool of each upstream, so taking a connection
//! needs no lock.

mod client;
mod error;
mod http1;
mod pool;

pub use error::Error;
pub use http1::ResponseBody;
pub use pool::Pool;

use crate::config;

/// One upstream; shared by all workers.
#[derive(Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Its name in the configuration.
    pub name: String,
    host: String,
    port: u16,
}

impl Upstream {
    /// As configured.
    pub fn new(config: &config::Upstream) -> Self {
        let endpoint = &config.endpoints[0];
        Self { name: config.name.clone(), host: endpoint.host.clone(), port: endpoint.port }
    }

    /// For messages and for `Host` where a client sent none.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}
