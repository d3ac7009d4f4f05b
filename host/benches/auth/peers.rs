//! Answers in the place of servers: what is measured is the worker's part.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use http::Response;
use weir_host::plugin::{Call, CallFailed, Called, Outbound};

/// Upstreams by name, each with the body that it answers everything with.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    answers: BTreeMap<&'static str, Bytes>,
    asked: AtomicU32,
}

impl Peers {
    pub(crate) fn with(mut self, upstream: &'static str, answer: &str) -> Self {
        self.answers.insert(upstream, Bytes::copy_from_slice(answer.as_bytes()));
        self
    }

    /// How many requests there were.
    pub(crate) fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Outbound for Peers {
    fn send(&self, call: Call) -> Called {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = self.answers.get(call.upstream.as_str()).ok_or(CallFailed::Unknown).map(|body| {
            let response =
                Response::builder().header("content-type", "application/json").header("cache-control", "max-age=3600");
            response.body(body.clone()).expect("sound")
        });
        Box::pin(std::future::ready(answer))
    }
}
