//! Weir's host: moves the bytes, and lets filters decide. ARCHITECTURE.md names the rooms and who may import whom.

pub mod admin;
pub mod cli;
pub mod clock;
pub mod coding;
pub mod config;
pub mod crypto;
pub mod files;
pub mod io;
pub mod listen;
pub mod paths;
pub mod plugin;
pub mod proxy;
pub mod query;
pub mod routing;
pub mod server;
pub mod snapshot;
pub mod store;
pub mod telemetry;
pub mod trial;
pub mod upstream;

// Measured: a few percent of CPU per request against the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
