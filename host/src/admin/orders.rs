//! What operators ask of whoever runs the server; the answer goes back through the sender.

use tokio::sync::oneshot;

use super::asked::Page;
use super::plugins::{SwapAnswer, Upload};
use super::views::{
    Chains, Configuration, Documents, Endpoint, Explanation, Failures, Listeners, Plugins, Quarantine, Routes, Sites,
    Status, Upstream, Upstreams,
};

/// What comes of an order about something that may not be there; if so, words that say what there is.
pub type Found<T> = oneshot::Sender<Result<T, String>>;

/// What is asked of whoever runs the server.
#[derive(Debug)]
pub enum Order {
    /// How is it?
    Status(oneshot::Sender<Status>),
    /// Read the configuration again. Answered with what became of plugins by it, or with what is wrong with it.
    Reload(oneshot::Sender<Result<Vec<String>, String>>),
    /// End, when exchanges in progress have ended.
    Drain(oneshot::Sender<()>),
    /// The configuration in force.
    Config(oneshot::Sender<Configuration>),
    /// Where clients connect.
    Listeners(oneshot::Sender<Listeners>),
    /// These sites.
    Sites(Page, oneshot::Sender<Sites>),
    /// These routes.
    Routes(WantedRoutes, Page, oneshot::Sender<Routes>),
    /// What would become of a request.
    Explain(Supposed, oneshot::Sender<Result<Explanation, String>>),
    /// These chains.
    Chains(String, Page, oneshot::Sender<Chains>),
    /// These plugins.
    Plugins(Page, oneshot::Sender<Plugins>),
    /// Swap a plugin's component.
    Swap(Upload, SwapAnswer),
    /// Go back to the component that the plugin of this name had before.
    Rollback(String, SwapAnswer),
    /// These upstreams.
    Upstreams(Page, oneshot::Sender<Upstreams>),
    /// One upstream, by its name.
    Upstream(String, Found<Upstream>),
    /// Whether an endpoint is to get no new exchanges.
    DrainEndpoint(WantedEndpoint, Found<Endpoint>),
    /// These documents.
    Documents(Page, oneshot::Sender<Documents>),
    /// What failed lately.
    Failures(oneshot::Sender<Failures>),
    /// What is put aside.
    Quarantine(oneshot::Sender<Quarantine>),
}

/// Which routes; what is empty holds for all.
#[derive(Clone, Debug, Default)]
pub struct WantedRoutes {
    /// Those of this site.
    pub site: String,
    /// Those that lead there.
    pub upstream: String,
}

/// A request that nobody sent.
#[derive(Clone, Debug)]
pub struct Supposed {
    /// Where it arrives; empty for the first of the configuration.
    pub listener: String,
    /// As its `Host` says.
    pub host: String,
    /// Path and query.
    pub target: String,
    /// The method.
    pub method: String,
}

/// An endpoint, and what is to become of it.
#[derive(Clone, Debug)]
pub struct WantedEndpoint {
    /// The upstream's name.
    pub upstream: String,
    /// Host and port.
    pub endpoint: String,
    /// Whether it is to get no new exchanges.
    pub drain: bool,
}
