//! A proxy whose filters do with a store what requests say.

use weir_tests::{Client, Proxy, ProxyBuilder};

use crate::backend::Backend;

/// A proxy of two workers over a store.
pub(crate) struct Bed<B> {
    pub(crate) proxy: Proxy,
    /// Whether values are there for the next process.
    pub(crate) is_kept: bool,
    /// Ends after the proxy.
    _backend: B,
}

impl<B: Backend> Bed<B> {
    pub(crate) fn start() -> Self {
        let backend = B::start();
        Self { proxy: builder(&backend.declaration()).start(), is_kept: B::IS_KEPT, _backend: backend }
    }

    /// What comes of it: see `tests/guests/examples/shelf.rs`. On a connection of its own, so on any worker.
    pub(crate) fn ask(&self, what: &str) -> String {
        ask(&self.proxy, "/", what)
    }

    /// The same of another entry.
    pub(crate) fn ask_other(&self, what: &str) -> String {
        ask(&self.proxy, "/other/", what)
    }

    /// Asks all of this, one after the other.
    pub(crate) fn expect<T: AsRef<str>>(&self, dialogue: &[(T, &str)]) {
        for (what, said) in dialogue {
            assert_eq!(self.ask(what.as_ref()), *said, "{:.80}", what.as_ref());
        }
    }
}

/// The configuration with this store.
pub(crate) fn builder(declaration: &str) -> ProxyBuilder {
    let entry = |name: &str| format!("chain: [{{ plugin: shelf, name: {name}, config: {{ store: kept }} }}]");
    Proxy::builder()
        .top(&format!("workers: 2\nadmin: {{ address: 127.0.0.1:0 }}\nstores: {{ kept: {declaration} }}"))
        .plugin("shelf", "shelf", "limits: { cpu: 1s, wait: 1m, queue: 60s }")
        .upstream("app", "{ endpoints: [\"http://127.0.0.1:1\"] }")
        .route_to("/*", "app", &entry("here"))
        .route_to("/other/*", "app", &entry("there"))
}

pub(crate) fn ask(proxy: &Proxy, path: &str, what: &str) -> String {
    said(&mut Client::connect(proxy.address), path, what)
}

/// The same on a connection that is there.
pub(crate) fn said(client: &mut Client, path: &str, what: &str) -> String {
    let reply = client.get(path, &format!("X-Do: {what}\r\n"));
    if reply.status == 200 { reply.text() } else { format!("status {}", reply.status) }
}
