//! What operators ask of whoever runs the server, and what comes back.

use std::net::SocketAddr;

use serde::Serialize;
use tokio::sync::oneshot;

use super::why::{Question, Told};

/// What is asked of whoever runs the server.
#[derive(Debug)]
pub enum Order {
    /// How is it?
    Status(oneshot::Sender<Status>),
    /// What is known of these exchanges?
    Why(Question, oneshot::Sender<Told>),
    /// Read the configuration again. Answered with what is wrong with it, if so.
    Reload(oneshot::Sender<Result<(), String>>),
}

/// How the proxy is.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// Of this weir.
    pub version: &'static str,
    /// Of its process.
    pub pid: u32,
    /// What it serves.
    pub config: String,
    /// Seconds since its start.
    pub uptime: u64,
    /// Its threads.
    pub workers: usize,
    /// Clients' connections that are open.
    pub connections: usize,
    /// Name and address.
    pub listeners: Vec<(String, SocketAddr)>,
    /// How many of what is served.
    pub sites: usize,
    /// How many of what is served.
    pub routes: usize,
    /// How many of what is served.
    pub filters: usize,
    /// What filters count.
    pub counts: Vec<Count>,
    /// Their instances that live, in use or idle.
    pub instances: usize,
    /// The last reload, if there was one.
    pub reload: Option<Reload>,
}

/// One value that a filter counts.
#[derive(Clone, Debug, Serialize)]
pub struct Count {
    /// The entry's name.
    pub filter: String,
    /// The metric's name.
    pub metric: String,
    /// Names and values.
    pub labels: Vec<(String, String)>,
    /// The sum or the last value; of a histogram the sum of what was observed.
    pub value: f64,
    /// Of a histogram: upper bounds, and how many were at most so large, but above the bound before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<(f64, u64)>,
}

/// How a reload went.
#[derive(Clone, Debug, Serialize)]
pub struct Reload {
    /// Seconds ago.
    pub ago: u64,
    /// What was wrong; then what ran before runs on.
    pub report: Option<String>,
}
