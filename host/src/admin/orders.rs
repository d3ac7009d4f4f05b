//! What operators ask of whoever runs the server; the answer goes back through the sender.

use tokio::sync::oneshot;

use super::exposition::Family;
use super::views::Status;

/// What is asked of whoever runs the server.
#[derive(Debug)]
pub enum Order {
    /// How is it?
    Status(oneshot::Sender<Status>),
    /// What was counted? With what was counted of each route, if so wanted.
    Metrics(bool, oneshot::Sender<Vec<Family>>),
    /// Read the configuration again. Answered with what is wrong with it, if so.
    Reload(oneshot::Sender<Result<(), String>>),
}
