//! What is shown: plain data, each a view that knows its schema.

mod chains;
mod config;
mod failures;
mod sites;
mod status;
mod stories;
mod upstreams;
mod versions;

pub use chains::{Chain, Chains, Filter, FilterLimits, Plugin, Plugins, QuarantineRule, Use};
pub use config::{Configuration, Listener, Listeners};
pub use failures::{Failure, Failures, Quarantine, Quarantined};
pub use sites::{Condition, Explanation, Route, Routes, Site, Sites, Step, Timeouts};
pub use status::{
    Bucket, Count, Drained, Drift, Label, ListenerStatus, Refusal, Reload, Reloaded, Reloads, RemoteStoreStatus,
    Status, StoreFile, StoreServer, StoreStatus, Upgraded,
};
pub use stories::{KeptStories, Stories, Story, StoryAttempt, StoryFilter, StoryHook, StoryPlace, StoryUpstream};
pub use upstreams::{Document, Documents, Endpoint, Upstream, Upstreams};
pub use versions::{PluginVersion, RefusedComponent, SwapTimes, Swapped};
