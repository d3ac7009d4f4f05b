//! What benchmarks of filters share: chains without a network, time, and bars. It must not know any filter.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

pub(crate) mod lane;
pub(crate) mod report;
pub(crate) mod site;
pub(crate) mod stopwatch;
