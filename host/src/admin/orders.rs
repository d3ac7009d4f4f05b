//! What operators ask of whoever runs the server; the answer goes back through the sender.

use tokio::sync::oneshot;

use super::asked::Page;
use super::exposition::Family;
use super::plugins::{SwapAnswer, Upload};
use super::views::{
    Chains, Configuration, Documents, Endpoint, Explanation, Failures, Listeners, Plugins, Quarantine, Routes, Sites,
    Status, Stories, Upstream, Upstreams,
};

/// What comes of an order about something that may not be there; if so, words that say what there is.
pub type Found<T> = oneshot::Sender<Result<T, String>>;

/// What is asked of whoever runs the server.
#[derive(Debug)]
pub enum Order {
    /// How is it?
    Status(oneshot::Sender<Status>),
    /// What was counted? With what was counted of each route, if so wanted.
    Metrics(bool, oneshot::Sender<Vec<Family>>),
    /// Read the configuration again. Answered with what became of plugins by it, or with what is wrong with it.
    Reload(oneshot::Sender<Result<Vec<String>, String>>),
    /// Have another process take over. Answered with its number, or why there is none.
    Upgrade(oneshot::Sender<Result<u32, String>>),
    /// End, when exchanges in progress have ended.
    Drain(oneshot::Sender<()>),
    /// The configuration in force and its number, unless it is the one of this number.
    Config(Option<u64>, oneshot::Sender<Option<(u64, Configuration)>>),
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
    /// What was decided about exchanges.
    Stories(WantedStories, oneshot::Sender<Stories>),
    /// What was decided about one of them, by its id.
    Story(String, Found<Stories>),
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

/// Which exchanges.
#[derive(Clone, Debug, Default)]
pub struct WantedStories {
    /// That which has this id, or was named so by who made the response.
    pub id: Option<String>,
    /// At most so many, the newest first.
    pub most: usize,
    /// `403`, or `4xx` for all of a kind.
    pub status: Option<String>,
    /// Who made the response.
    pub by: Option<String>,
    /// For this reason.
    pub reason: Option<String>,
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
