//! The current exchange, as the host sees it.

pub use crate::bindings::weir::filter::exchange::{client_address, id, route, set_slot, slot};
