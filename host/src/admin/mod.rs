//! The operator's door to the running proxy: an HTTP address of its own that tells how it is and takes orders.
//!
//! It knows nothing of what it passes on: orders go to whoever runs the server, answers come back as views. It must not be
//! reachable through a browser on the same machine: a request that names another host than an address (a rebound
//! name) or that a page made (`Origin`) is refused, and an order has a form that no page can send.

mod api;
mod asked;
mod client;
pub mod exposition;
mod guard;
mod health;
mod metrics;
mod openapi;
mod orders;
mod plugins;
mod reply;
mod route;
mod schema;
mod serve;
mod views;

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use tokio::sync::{Mutex, Semaphore, mpsc};

pub use asked::Page;
pub use client::{At, Call, call};
pub use guard::{Caller, Refused, Rules};
pub use health::{Health, Liveness, Readiness, Told};
pub use orders::{Found, Order, Supposed, WantedEndpoint, WantedRoutes, WantedStories};
pub use plugins::{NotSwapped, SwapAnswer, Upload};
pub use reply::Problem;
pub use serve::{Arrival, Stream, serve};
pub use views::*;

/// What all requests are answered with.
pub struct Desk {
    /// Who may ask; that may change while connections are open.
    pub rules: RefCell<Rc<Rules>>,
    /// To whoever runs the server.
    pub orders: mpsc::Sender<Order>,
    /// Who may hold a component.
    pub uploads: Semaphore,
    /// What is known without them.
    pub health: Rc<dyn Health>,
    /// Who was not let in.
    pub refused: Refused,
    /// The configuration with its number, as it was shown last: it may be large, and all who take it take the same.
    pub shown: Mutex<Option<(u64, Bytes)>>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Desk").field("rules", &self.rules).finish_non_exhaustive()
    }
}
