//! The server's end, step by step; when it is time for each is for the caller to say.

use std::time::Duration;
use tokio::time::Instant;

use super::Server;
use crate::config::Drain;
use crate::listen::Stop;
use crate::store;

/// How long the last changes of stores may take to get to the disk.
pub(super) const CLOSING: Duration = Duration::from_secs(10);

impl Server {
    /// How patient the configuration is with its end.
    pub fn patience(&self) -> Drain {
        self.process.drain
    }

    /// How patient it is once another process has taken over.
    pub fn patience_after_upgrade(&self) -> Duration {
        self.process.upgrade.grace
    }

    /// Whether it is coming to its end, so that nobody should be sent here any more.
    pub fn is_draining(&self) -> bool {
        self.is_draining
    }

    /// Clients' connections that are open.
    pub fn connections(&self) -> usize {
        self.workers.connections()
    }

    /// The first step: it says that it drains, and changes nothing any more; but it serves as before.
    pub fn retire(&mut self) {
        self.is_draining = true;
        self.forget_upgrade();
        self.pulse.drain();
    }

    /// The second: nobody comes in any more, and who is in is told to go when it suits.
    pub async fn close(&mut self) {
        self.retire();
        self.listeners.close(if self.is_replaced { Stop::Relieved } else { Stop::Closing }).await;
        self.workers.drain().await;
    }

    /// The last: sends the traces that wait, before the deadline, closes what is left, and writes all records that there
    /// are.
    pub async fn end(self, deadline: Instant) {
        self.exporter.finish(deadline).await;
        self.workers.end().await;
        if !self.is_replaced {
            // An upgrade that was given up may have had them.
            store::file::take_back();
        }
        close_stores().await;
    }
}

/// Everything that filters kept in files is on the disk, and the files are free for another process.
pub(super) async fn close_stores() {
    // It would say itself if it broke off.
    let _ = tokio::task::spawn_blocking(|| store::file::close(CLOSING)).await;
}
