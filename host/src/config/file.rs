//! The file as it is written. What the values mean is `validate`'s to say.
//!
//! The comments here are what an editor shows beside a key: `weir schema` prints them.

use serde_json::{Value, json};

use super::entries::{Added, Entry, RouteChain};
use super::filters::{Override, Plugin};
use super::forms::{
    AccessLog, AnyStore, Compression, Conditions, Endpoint, Probes, Redirect, RedisServers, Secret, SecretFields,
    StripPrefix, Trust, Version, Whole, Why,
};
use super::read::{Count, Named, OneOrMore, Read, section};
use super::schema::{Definitions, not_empty, text_like, word_like};
use super::units::{Ratio, Size, Time};
use super::{Balance, Located};
use crate::paths::EncodedSlash;

const ADDRESS: &str = r"([0-9]{1,3}\.){3}[0-9]{1,3}:[0-9]{1,5}|\[[0-9A-Fa-f:.]+\]:[0-9]{1,5}";
const ADMIN_ADDRESS: &str = r"([0-9]{1,3}\.){3}[0-9]{1,3}:[0-9]{1,5}|\[[0-9A-Fa-f:.]+\]:[0-9]{1,5}|unix:.+";
const NETWORK: &str = r"[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]*(/[0-9]{1,3})?";
pub(super) const PATH: &str = r"/\*|(/([^/?#*\\%]|%[0-9A-Fa-f]{2})*)+(/\*)?";
pub(super) const ENDPOINT: &str = r"(http|https|h2c)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:0*[1-9][0-9]{0,4})?/?";
pub(super) const REDIS: &str =
    r"rediss?://([^:/@%]*@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:0*[1-9][0-9]{0,4})?(/[0-9]{0,5})?";
const NAME_OR_ENDPOINT: &str =
    r"[A-Za-z0-9._-]+|(http|https|h2c)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:0*[1-9][0-9]{0,4})?/?";
const HOST: &str = r"\*|(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[?[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]?";
const SERVER_NAME: &str = r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*";
const HOST_HEADER: &str = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?)(:[0-9]{1,5})?";
const TARGET: &str = r"/[!-~]*";
const METHOD: &str = r"[!#$%&'*+.^_`|~0-9A-Z-]+";

section! {
    /// The configuration of a Weir.
    struct File {
        /// The version of this format: 1. Required, except in included files.
        version: Option<Version>,
        /// More files, as paths or patterns (`conf.d/*.yaml`) relative to this one. Names are merged, lists appended;
        /// a name that is defined twice is a fault, and so is a pattern that matches nothing.
        include: Option<Vec<Located<String>>>,
        /// Threads that serve exchanges. Default: one per core.
        workers: Option<Located<Count<1, 1024>>>,
        /// Whether every exchange leaves a record on standard output (`true`, the default), in a file, or none.
        access_log: Option<Located<AccessLog>>,
        /// Where the log goes. Default: to standard error.
        log: Option<LogFile>,
        /// How the proxy comes to its end on SIGTERM.
        drain: Option<Drain>,
        /// How another process takes over on SIGUSR2.
        upgrade: Option<Upgrade>,
        /// Where `weir status` and `weir reload` reach the running proxy. Default: nowhere.
        admin: Option<Admin>,
        /// What `weir why` can tell about exchanges that are over, or `none`. Without `admin` nothing is kept.
        why: Option<Located<Why>>,
        /// Where traces of exchanges go. Default: nowhere.
        traces: Option<Traces>,
        /// Where clients connect, by name.
        listeners: Named<Listener>,
        /// Servers behind the proxy, by name.
        upstreams: Named<Upstream>,
        /// Where filters keep what they share, by name: in memory, in a file, on Redis. `local`, 64MiB in memory, is
        /// always there.
        stores: Named<AnyStore>,
        /// Plugins that are not bundled, or differ from the defaults, by name.
        plugins: Named<Plugin>,
        /// Lists of filters to use in `chain:`, by name.
        chains: Named<Vec<Located<Entry>>>,
        /// What holds for every route that does not say otherwise.
        defaults: Option<Defaults>,
        /// What is served.
        sites: Option<Vec<Site>>,
    }
}

section! {
    /// A file that lines are appended to.
    struct LogFile {
        /// Its path, relative to this file; its folder must be there. SIGUSR1 opens it anew, for those who rotate it.
        file: Located<String>,
    }
}

section! {
    /// How the proxy comes to its end.
    struct Drain {
        /// How long connections are still accepted after `weir status` says that it drains, so that balancers notice.
        /// Default: 0s.
        delay: Option<Located<Time>>,
        /// How long exchanges and upgraded connections have from then on to end. Default: 30s.
        grace: Option<Located<Time>>,
    }
}

section! {
    /// How another process, of a new binary perhaps, takes over.
    struct Upgrade {
        /// How long the new process may take until it serves. Default: 60s.
        timeout: Option<Located<Time>>,
        /// How long exchanges and upgraded connections have in the old process, once the new one serves. Default: 5m.
        grace: Option<Located<Time>>,
    }
}

section! {
    /// The address for operators.
    struct Admin {
        /// IP address and port, or a socket of the file system (`unix:/run/weir.sock`), which only the user that runs weir
        /// may use. Off loopback it needs a `token`, or `tls` with `client_ca`.
        address: Located<String> => text_like(ADMIN_ADDRESS),
        /// What callers must show: `Authorization: Bearer TOKEN`.
        token: Option<Secret>,
        /// Names by which it may be called, besides IP addresses and `localhost`. Default: none.
        hosts: Option<OneOrMore<Located<String>>> => word_like(SERVER_NAME),
        /// Speak TLS. Default: plain HTTP.
        tls: Option<AdminTls>,
        /// Whether `/live` and `/ready` are answered to those who show nothing (`open`), or not (`closed`). Default: `open`
        /// on loopback and on a socket, else `closed`.
        probes: Option<Probes>,
    }
}

section! {
    /// TLS of the address for operators.
    struct AdminTls {
        /// As a listener's.
        certificates: Located<Vec<Certificate>> => not_empty,
        /// PEM file of authorities: callers must show a certificate by one of them. Relative to this file.
        client_ca: Option<Located<String>>,
    }
}

section! {
    /// How much is kept of what was decided about exchanges.
    struct Stories {
        /// Refusals and failures that are kept, and as many samples of the rest. Default: 1000.
        keep: Option<Located<Count<1, 20_000>>>,
        /// One in so many of the exchanges that went well is kept, 0 for none. Default: 100.
        sample: Option<Located<Count<0, 1_000_000>>>,
    }
}

section! {
    /// Traces of exchanges, for a collector that takes OTLP over HTTP.
    struct Traces {
        /// The collector: the name of an upstream, or a URL as in `http://127.0.0.1:4318`.
        upstream: Located<String> => text_like(NAME_OR_ENDPOINT),
        /// Where it takes spans. Default: /v1/traces.
        path: Option<Located<String>> => text_like(TARGET),
        /// Fields that it wants to see, a key for instance; each value is a secret.
        headers: Option<SecretFields>,
        /// How its requests are compressed: `gzip`, or `none` (the default).
        compression: Option<Compression>,
        /// The share of exchanges that are traced, as `1%` or 0.01. Callers that are trusted decide themselves. Default: 1%.
        sample: Option<Ratio>,
        /// Whose decision is followed: that of peers in a listener's `trusted_proxies` (the default), or of `all`.
        trust: Option<Trust>,
        /// What this proxy is called. Default: weir.
        service: Option<Located<String>>,
        /// How long the collector may take to answer. Default: 10s.
        timeout: Option<Located<Time>>,
        /// How long spans that it does not take now are sent again. Default: 1m.
        retry: Option<Located<Time>>,
        /// How many spans are sent at once.
        batch: Option<TraceBatch>,
        /// How much waits to be sent; what comes beyond is dropped.
        queue: Option<TraceQueue>,
    }
}

section! {
    /// How many spans are sent at once.
    struct TraceBatch {
        /// So many are not kept waiting. Default: 512.
        spans: Option<Located<Count<1, 10_000>>>,
        /// How long the first waits for others. Default: 1s.
        delay: Option<Located<Time>>,
    }
}

section! {
    /// How much waits to be sent.
    struct TraceQueue {
        /// Exchanges. Default: 2048.
        exchanges: Option<Located<Count<1, 1_000_000>>>,
        /// What they take in memory. Default: 16MiB.
        size: Option<Located<Size>>,
    }
}

section! {
    /// One address to listen on.
    struct Listener {
        /// IP address and port, as in 0.0.0.0:8443 or `[::]:80`; port 0 finds a free one.
        address: Located<String> => text_like(ADDRESS),
        /// Speak TLS, with these certificates. Default: plain TCP.
        tls: Option<Tls>,
        /// Redirect every request: `https` to port 443, or `{ https: 8443 }`.
        redirect: Option<Redirect>,
        /// Addresses and networks (`10.0.0.0/8`) of proxies whose Forwarded and X-Forwarded fields are believed.
        trusted_proxies: Option<Vec<Located<String>>> => text_like(NETWORK),
        /// What its connections may use.
        limits: Option<ListenerLimits>,
        /// How long its connections may take.
        timeouts: Option<ListenerTimeouts>,
    }
}

section! {
    /// TLS of a listener.
    struct Tls {
        /// Each serves the names that it holds (SNI); the first also serves clients that name none of them.
        certificates: Located<Vec<Certificate>> => not_empty,
    }
}

section! {
    /// A certificate and its key.
    struct Certificate {
        /// PEM file of the chain, the server's own certificate first. Relative to this file.
        cert: Located<String>,
        /// PEM file of the private key.
        key: Located<String>,
    }
}

section! {
    /// What the connections of a listener may use.
    struct ListenerLimits {
        /// Connections at the same time; more are closed at once. Default: 16384.
        connections: Option<Located<Count<1, 10_000_000>>>,
        /// A request's head; a larger one is answered with 431. Default: 32KiB.
        header: Option<Located<Size>>,
    }
}

section! {
    /// How long the connections of a listener may take.
    struct ListenerTimeouts {
        /// From a connection's idleness, or its first byte, to the end of a request's head. Default: 60s.
        head: Option<Located<Time>>,
    }
}

section! {
    /// Servers that do the same.
    struct Upstream {
        /// URLs, or maps with `url` and `weight`.
        endpoints: Located<Vec<Located<Endpoint>>> => not_empty,
        /// Which endpoint is asked: in turn (the default), the one with the fewest exchanges in progress, or the same
        /// one for the same client.
        balance: Option<Balance>,
        /// How the certificates of https endpoints are checked.
        tls: Option<UpstreamTls>,
    }
}

section! {
    /// How the certificates of https endpoints are checked.
    struct UpstreamTls {
        /// PEM file of the authorities that count, instead of the system's. Relative to this file.
        ca: Option<Located<String>>,
        /// The name that the certificate must have, instead of the endpoint's host.
        server_name: Option<Located<String>> => word_like(SERVER_NAME),
    }
}

section! {
    /// An endpoint with its share.
    struct WeightedEndpoint {
        /// http:// (HTTP/1.1), h2c:// (HTTP/2 without TLS) or https://, host and port.
        url: Located<String> => text_like(ENDPOINT),
        /// Its share, compared with the others'. Default: 1.
        weight: Option<Count<1, 1000>>,
    }
}

section! {
    /// A store in the memory of this process.
    struct MemoryStore {
        /// What it may hold, 1MiB to 64GiB.
        memory: Located<Size>,
    }
}

section! {
    /// A store in a file of this machine: what it holds is in memory, too, and outlives the process.
    struct FileStore {
        /// Its path, relative to this file. A folder that is not there is made.
        file: Located<String>,
        /// What it may hold, 1MiB to 64GiB; the file may have about three times that. Default: 1GiB.
        size: Option<Located<Size>>,
    }
}

section! {
    /// A store on Redis or Valkey, which many proxies may share.
    struct RedisStore {
        /// Where it is: the URL of a server (`redis://USER@HOST:PORT/DATABASE`, or `rediss://` for TLS), a cluster, or the
        /// sentinels who know where it is.
        redis: Located<RedisServers>,
        /// As whom it is asked (an ACL user). Default: as `default`.
        user: Option<Located<String>>,
        /// The user's password. Default: none.
        password: Option<Secret>,
        /// How the certificates of rediss:// servers are checked.
        tls: Option<StoreTls>,
        /// What its keys begin with, up to 64 bytes. Default: `weir:`.
        prefix: Option<Located<String>>,
        /// How long an operation may take, 1ms to 10s. Default: 100ms.
        timeout: Option<Located<Time>>,
    }
}

section! {
    /// A store on a cluster.
    struct RedisCluster {
        /// URLs of some of its servers; they tell of the rest.
        cluster: Located<Vec<Located<String>>> => |schema| not_empty(text_like(REDIS)(schema)),
    }
}

section! {
    /// A store on the server that sentinels name.
    struct RedisSentinels {
        /// URLs of the sentinels, whose port is 26379 if none is written. A user there is the sentinels'.
        sentinels: Located<Vec<Located<String>>> => |schema| not_empty(text_like(REDIS)(schema)),
        /// What they call the server.
        master: Located<String>,
        /// The number of the server's database. Default: 0.
        database: Option<Located<Count<0, 65_535>>>,
        /// What the sentinels themselves are shown. Default: nothing.
        password: Option<Secret>,
    }
}

section! {
    /// How the certificates of rediss:// servers are checked.
    struct StoreTls {
        /// PEM file of the authorities that count, instead of the system's. Relative to this file.
        ca: Option<Located<String>>,
        /// The name that the certificates must have, instead of the server's host.
        server_name: Option<Located<String>> => word_like(SERVER_NAME),
    }
}

section! {
    /// What holds for every route that does not say otherwise.
    struct Defaults {
        /// How long the parts of an exchange may take.
        timeouts: Option<Timeouts>,
        /// What an exchange may use.
        limits: Option<RouteLimits>,
    }
}

section! {
    /// How long the parts of an exchange may take.
    struct Timeouts {
        /// To connect to an endpoint. Default: 5s.
        connect: Option<Located<Time>>,
        /// From the last byte of the request that the upstream took to the response's head. Default: 60s.
        response: Option<Located<Time>>,
        /// Without a byte in the middle of a response, or on a WebSocket. Default: 5m.
        idle: Option<Located<Time>>,
        /// The whole exchange, to the response's last byte. Default: no limit.
        total: Option<Located<Time>>,
    }
}

section! {
    /// What an exchange may use.
    struct RouteLimits {
        /// A request's body; a larger one is answered with 413. Default: 16MiB.
        body: Option<Located<Size>>,
    }
}

section! {
    /// What one or several hosts serve.
    struct Site {
        /// Names the site in logs. Default: its first host.
        name: Option<Located<String>>,
        /// A host name or a list; `*.example.com` is any one label before it. Default: any host.
        host: Option<OneOrMore<Located<String>>> => word_like(HOST),
        /// Names of listeners. Default: all.
        listeners: Option<OneOrMore<Located<String>>>,
        /// How paths are read.
        paths: Option<Paths>,
        /// Filters, outermost first, for every route of the site and for its 404s: names of plugins or chains, or maps.
        chain: Option<Vec<Located<Entry>>>,
        /// Where requests go. The most specific route wins, whatever the order.
        routes: Vec<Route>,
    }
}

section! {
    /// How paths are read.
    struct Paths {
        /// What becomes of a request with %2F in its path: `reject` (400, the default) or `keep`.
        encoded_slash: Option<EncodedSlash>,
        /// Whether `//` counts as `/`, as most servers read it. Default: true.
        merge_slashes: Option<bool>,
    }
}

section! {
    /// From requests to an upstream.
    struct Route {
        /// Names the route in logs. Default: its path.
        name: Option<Located<String>>,
        /// For people.
        description: Option<String>,
        /// `/exact`, or `/prefix/*`, which matches `/prefix` and all below it.
        path: Located<String> => text_like(PATH),
        /// Only these methods; GET implies HEAD.
        methods: Option<OneOrMore<Located<String>>> => word_like(METHOD),
        /// Only requests with these fields: a value, `true` for any, `false` for none.
        headers: Option<Conditions>,
        /// Only requests with these parameters: a value, `true` for any, `false` for none.
        query: Option<Conditions>,
        /// Settles a tie with another route; the higher one wins. Default: 0.
        priority: Option<Located<Whole>>,
        /// A name under `upstreams`, or a URL.
        upstream: Located<String> => word_like(NAME_OR_ENDPOINT),
        /// Take the matched prefix (true), or this one, off the path that the upstream gets.
        strip_prefix: Option<Located<StripPrefix>>,
        /// The Host that the upstream gets: the client's (`preserve`, the default), its own (`upstream`), or this name.
        host_header: Option<Located<String>> => word_like(HOST_HEADER),
        /// How long the parts of an exchange may take.
        timeouts: Option<Timeouts>,
        /// What an exchange may use.
        limits: Option<RouteLimits>,
        /// Filters instead of the site's: a list, or `none`.
        chain: Option<Located<RouteChain>>,
        /// Names of entries of the site's chain that are not run.
        without: Option<Vec<Located<String>>>,
        /// Changes of entries of the site's chain, by name.
        r#override: Named<Override>,
        /// Filters besides the site's; innermost, or where they say.
        add: Option<Vec<Located<Added>>>,
    }
}

/// The JSON Schema of the whole file.
pub(super) fn schema() -> Value {
    let mut definitions = Definitions::default();
    let root = File::schema(&mut definitions);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Weir",
        "$ref": root["$ref"],
        "$defs": definitions.0,
    })
}
