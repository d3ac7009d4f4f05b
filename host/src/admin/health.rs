//! Whether the process works, for probes: asked without an order, for orders wait while a configuration is built.

use std::pin::Pin;

use http::StatusCode;

use super::asked::Asked;
use super::reply::json;
use super::route::Answering;
use super::schema::view;

view! {
    /// Whether the process works.
    struct Liveness {
        /// Whether it does.
        live: bool,
        /// What does not, if so.
        reasons: Vec<String>,
    }
}

view! {
    /// Whether new connections are wanted here.
    struct Readiness {
        /// Whether they are.
        ready: bool,
        /// Why not, if so.
        reasons: Vec<String>,
    }
}

/// An answer that may take a moment.
pub type Told<T> = Pin<Box<dyn Future<Output = T>>>;

/// What is known of the process.
pub trait Health {
    /// Whether all of its threads respond within a bound.
    fn live(&self) -> Told<Liveness>;

    /// Whether all listeners accept and no drain has begun.
    fn ready(&self) -> Readiness;
}

pub(super) fn live(asked: Asked) -> Answering {
    Box::pin(async move {
        let told = asked.desk.health.live().await;
        Ok(json(status(told.live), &told))
    })
}

pub(super) fn ready(asked: Asked) -> Answering {
    Box::pin(async move {
        let told = asked.desk.health.ready();
        Ok(json(status(told.ready), &told))
    })
}

fn status(is_good: bool) -> StatusCode {
    if is_good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
