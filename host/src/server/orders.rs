//! Doing what operators ask for.

use super::Server;
use crate::admin::Order;

impl Server {
    /// Does what was ordered, and answers; what takes long is begun, and answered when it is done.
    pub(super) fn obey(&mut self, order: Order) {
        // Who asked may have gone.
        match order {
            Order::Status(answer) => drop(answer.send(self.status())),
            Order::Reload(answer) => self.reload(Some(answer)),
        }
    }
}
