//! Doing what operators ask for.

use super::Server;
use crate::admin::Order;

impl Server {
    /// Does what was ordered, and answers.
    pub async fn obey(&mut self, order: Order) {
        // Who asked may have gone.
        match order {
            Order::Status(answer) => drop(answer.send(self.status())),
            Order::Why(question, answer) => drop(answer.send(self.why(&question))),
            Order::Reload(answer) => drop(answer.send(self.reload().await)),
        }
    }
}
