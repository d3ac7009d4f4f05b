//! The server's end, step by step; when it is time for each is for the caller to say.

use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::Server;
use super::worker::{Order, Worker};
use crate::config::Drain;

/// How often it is looked whether all connections are gone.
const LOOK: Duration = Duration::from_millis(10);

/// Longer than a filter's hook usually runs: a worker that is in one ends behind it.
const LAST_WORDS: Duration = Duration::from_secs(2);

impl Server {
    /// How patient the configuration is with its end.
    pub fn patience(&self) -> Drain {
        self.process.drain
    }

    /// Whether it is coming to its end, so that nobody should be sent here any more.
    pub fn is_draining(&self) -> bool {
        self.is_draining
    }

    /// The first step: it says that it drains, and goes on as before.
    pub fn retire(&mut self) {
        self.is_draining = true;
    }

    /// The second: nobody comes in any more, and who is in is told to go when it suits.
    pub async fn close(&mut self) {
        self.is_draining = true;
        for acceptor in &self.acceptors {
            acceptor.abort();
        }
        for worker in &self.workers {
            let (done, told) = oneshot::channel();
            if worker.orders.send(Order::Drain(done)).is_ok() {
                let _ = told.await;
            }
        }
    }

    /// Waits until no connection of a client is open.
    pub async fn emptied(&self) {
        while self.connections() > 0 {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Connections of clients that are open.
    pub fn connections(&self) -> usize {
        self.workers.iter().map(|worker| worker.door.open.load(Ordering::Relaxed)).sum()
    }

    /// The last: closes what is left, and writes all records that there are.
    pub async fn end(self) {
        let Self { workers, log, .. } = self;
        // A worker ends when nobody can give it orders.
        let threads: Vec<JoinHandle<()>> = workers.into_iter().map(|Worker { thread, .. }| thread).collect();
        let ended = tokio::task::spawn_blocking(move || {
            for thread in threads {
                let _ = thread.join();
            }
            log.finish();
        });
        if tokio::time::timeout(LAST_WORDS, ended).await.is_err() {
            tracing::warn!("a worker did not end within {LAST_WORDS:?}: its last records are lost");
        }
    }
}
