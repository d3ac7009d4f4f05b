//! What is shown: plain data, each a view that knows its schema.

mod status;

pub use status::{Bucket, Count, Drift, Label, ListenerStatus, Reload, Reloaded, Status};
