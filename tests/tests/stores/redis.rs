//! Stores on Redis: a server, a cluster, a master that sentinels name.

use weir_tests::{RedisCluster, RedisSentinels, RedisServer};

use crate::backend::Backend;

/// Longer than any test takes: how soon a store answers is not what the suite is about.
const TIMEOUT: &str = "timeout: 10s";

impl Backend for RedisServer {
    const IS_KEPT: bool = true;

    fn start() -> Self {
        Self::start()
    }

    fn declaration(&self) -> String {
        format!("{{ redis: \"{}\", {TIMEOUT} }}", self.url())
    }
}

impl Backend for RedisCluster {
    const IS_KEPT: bool = true;

    fn start() -> Self {
        Self::start()
    }

    fn declaration(&self) -> String {
        format!("{{ redis: {{ cluster: {} }}, {TIMEOUT} }}", self.urls())
    }
}

impl Backend for RedisSentinels {
    const IS_KEPT: bool = true;

    fn start() -> Self {
        Self::start()
    }

    fn declaration(&self) -> String {
        format!("{{ redis: {{ sentinels: {}, master: {} }}, {TIMEOUT} }}", self.urls(), Self::NAME)
    }
}

crate::conforms!(single, RedisServer);
crate::conforms!(cluster, RedisCluster);
crate::conforms!(sentinels, RedisSentinels);
