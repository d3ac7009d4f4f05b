//! Where the host's functions come from: in the sandbox from the imports, elsewhere from the host of a test. The rest of
//! the crate calls them through here and does not know which.

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::bindings::{
    body, chunks, clock, completion, crypto, documents, exchange, files, http_client, kv, log, metrics, password,
    random, reply, request, response, resumption, secrets, setup, variables,
};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testing::imports::{
    body, chunks, clock, completion, crypto, documents, exchange, files, http_client, kv, log, metrics, password,
    random, reply, request, response, resumption, secrets, setup, variables,
};
