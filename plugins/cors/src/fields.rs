//! The fields of the protocol, as the Fetch standard names them.

pub(crate) const ORIGIN: &str = "origin";
pub(crate) const VARY: &str = "vary";

pub(crate) const REQUEST_METHOD: &str = "access-control-request-method";
pub(crate) const REQUEST_HEADERS: &str = "access-control-request-headers";
pub(crate) const REQUEST_PRIVATE_NETWORK: &str = "access-control-request-private-network";

pub(crate) const ALLOW_ORIGIN: &str = "access-control-allow-origin";
pub(crate) const ALLOW_CREDENTIALS: &str = "access-control-allow-credentials";
pub(crate) const EXPOSE_HEADERS: &str = "access-control-expose-headers";
pub(crate) const ALLOW_METHODS: &str = "access-control-allow-methods";
pub(crate) const ALLOW_HEADERS: &str = "access-control-allow-headers";
pub(crate) const MAX_AGE: &str = "access-control-max-age";
pub(crate) const ALLOW_PRIVATE_NETWORK: &str = "access-control-allow-private-network";
