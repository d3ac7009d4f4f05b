//! Requests of filters' own. Who sends them is not this room's business: it hands them to an [`Outbound`].

use std::fmt::Debug;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

/// A request to an upstream of the configuration.
#[derive(Debug)]
pub struct Call {
    /// The upstream's name.
    pub upstream: String,
    /// What is asked; the target is a path, with a query or without.
    pub request: Request<Bytes>,
    /// For all of it.
    pub timeout: Duration,
    /// The most bytes of the response's body.
    pub largest: usize,
}

/// Why there is no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallFailed {
    /// There is no such upstream any more.
    Unknown,
    /// Its body is longer than was asked for.
    TooLarge,
    /// It took too long.
    TimedOut,
    /// Nobody could be reached, or the response is broken or none.
    Failed,
}

/// What a call comes to.
pub type Called = Pin<Box<dyn Future<Output = Result<Response<Bytes>, CallFailed>> + Send>>;

/// The way to the upstreams. Dropping what it returns gives the call up.
pub trait Outbound: Debug + Send + Sync {
    /// Sends a request.
    fn send(&self, call: Call) -> Called;
}

/// No way at all: for filters that are only loaded to be checked.
#[derive(Debug)]
pub struct Nowhere;

impl Outbound for Nowhere {
    fn send(&self, _: Call) -> Called {
        Box::pin(std::future::ready(Err(CallFailed::Unknown)))
    }
}
