//! What operators ask of whoever runs the server, and what comes back.

use std::net::SocketAddr;

use serde::Serialize;
use tokio::sync::oneshot;

/// What is asked of whoever runs the server.
#[derive(Debug)]
pub enum Order {
    /// How is it?
    Status(oneshot::Sender<Status>),
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
    /// The last reload of the configuration, if there was one.
    pub reload: Option<Reload>,
    /// How often something was taken over, or not.
    pub reloads: Reloads,
    /// What could not be taken over, until it can.
    pub failures: Vec<Failure>,
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

/// How many changes there were since the start: reloads, and files that changed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Reloads {
    /// That were taken over.
    pub done: u64,
    /// That were not; what ran before ran on.
    pub failed: u64,
}

/// A change that was not made.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// `configuration`, or `files`: those that the configuration in force names.
    pub what: &'static str,
    /// Seconds ago.
    pub ago: u64,
    /// What is wrong.
    pub report: String,
}

/// How a reload went.
#[derive(Clone, Debug, Serialize)]
pub struct Reload {
    /// Seconds ago.
    pub ago: u64,
    /// What was wrong; then what ran before runs on.
    pub report: Option<String>,
}
