//! The contract's records and variants.

use wasmtime::component::{ComponentType, Lift, Lower, WasmStr};

use super::{Ending, KvError};

/// A header list.
type Fields = Vec<(String, Vec<u8>)>;

/// `types.fault`.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub(in crate::plugin) struct Fault {
    pub(in crate::plugin) pointer: String,
    pub(in crate::plugin) message: String,
}

/// `types.reason`.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub(in crate::plugin) struct Reason {
    pub(in crate::plugin) code: String,
    pub(in crate::plugin) detail: String,
}

/// `exchange.tls-facts`.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub(in crate::plugin) struct Tls {
    pub(in crate::plugin) version: String,
    pub(in crate::plugin) cipher: String,
    #[component(name = "server-name")]
    pub(in crate::plugin) server_name: Option<String>,
}

/// `exchange.variable`; its texts stay in the guest's memory.
#[derive(ComponentType, Lift)]
#[component(record)]
pub(in crate::plugin) struct Variable {
    pub(in crate::plugin) name: WasmStr,
    pub(in crate::plugin) value: Option<WasmStr>,
}

/// `completion.summary`.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub(in crate::plugin) struct Summary {
    pub(in crate::plugin) status: Option<u16>,
    pub(in crate::plugin) ended: Ending,
    pub(in crate::plugin) received: u64,
    pub(in crate::plugin) sent: u64,
    pub(in crate::plugin) duration: u64,
    #[component(name = "until-response")]
    pub(in crate::plugin) until_response: Option<u64>,
}

/// `files.candidate`.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub(in crate::plugin) struct Candidate {
    pub(in crate::plugin) path: String,
    pub(in crate::plugin) status: u16,
    pub(in crate::plugin) headers: Fields,
    pub(in crate::plugin) location: Option<String>,
}

/// `crypto.mac-key`.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(variant)]
pub(in crate::plugin) enum MacKey {
    #[component(name = "bytes")]
    Bytes(Vec<u8>),
    #[component(name = "secret")]
    Secret(String),
}

/// `crypto.rsa-key`.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub(in crate::plugin) struct RsaKey {
    pub(in crate::plugin) modulus: Vec<u8>,
    pub(in crate::plugin) exponent: Vec<u8>,
}

/// `crypto.public-key`.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(variant)]
pub(in crate::plugin) enum PublicKey {
    #[component(name = "spki")]
    Spki(Vec<u8>),
    #[component(name = "rsa")]
    Rsa(RsaKey),
    #[component(name = "p256")]
    P256(Vec<u8>),
    #[component(name = "p384")]
    P384(Vec<u8>),
    #[component(name = "p521")]
    P521(Vec<u8>),
    #[component(name = "ed25519")]
    Ed25519(Vec<u8>),
}

/// `kv.entry`.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub(in crate::plugin) struct Put {
    pub(in crate::plugin) key: String,
    pub(in crate::plugin) value: Vec<u8>,
    pub(in crate::plugin) ttl: Option<u64>,
}

/// `kv.addition`.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub(in crate::plugin) struct Addition {
    pub(in crate::plugin) key: String,
    pub(in crate::plugin) by: u64,
    pub(in crate::plugin) ttl: Option<u64>,
}

/// `kv.operation`.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(variant)]
pub(in crate::plugin) enum Operation {
    #[component(name = "get")]
    Get(String),
    #[component(name = "set")]
    Set(Put),
    #[component(name = "remove")]
    Remove(String),
    #[component(name = "increment")]
    Increment(Addition),
    #[component(name = "decrement")]
    Decrement(Addition),
}

/// `kv.outcome`.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(variant)]
pub(in crate::plugin) enum Outcome {
    #[component(name = "value")]
    Value(Option<Vec<u8>>),
    #[component(name = "done")]
    Done,
    #[component(name = "removed")]
    Removed(bool),
    #[component(name = "number")]
    Number(i64),
    #[component(name = "failed")]
    Failed(KvError),
}

/// `kv.step`; the key is read where it lies.
#[derive(ComponentType, Lift)]
#[component(record)]
pub(in crate::plugin) struct Step {
    pub(in crate::plugin) key: WasmStr,
    pub(in crate::plugin) floor: i64,
    pub(in crate::plugin) by: u64,
    pub(in crate::plugin) most: i64,
    pub(in crate::plugin) ttl: Option<u64>,
}

/// `kv.stand`.
#[derive(Clone, Copy, Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub(in crate::plugin) struct Stand {
    pub(in crate::plugin) value: i64,
    pub(in crate::plugin) taken: bool,
}

/// `documents.document`.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub(in crate::plugin) struct Document {
    pub(in crate::plugin) version: u64,
    pub(in crate::plugin) text: Vec<u8>,
    pub(in crate::plugin) fetched: u64,
}

/// `http-client.request`.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub(in crate::plugin) struct Call {
    pub(in crate::plugin) upstream: String,
    pub(in crate::plugin) method: String,
    pub(in crate::plugin) target: String,
    pub(in crate::plugin) headers: Fields,
    pub(in crate::plugin) body: Vec<u8>,
    pub(in crate::plugin) timeout: Option<u32>,
    #[component(name = "max-body")]
    pub(in crate::plugin) max_body: Option<u32>,
}

/// `http-client.response`.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub(in crate::plugin) struct Response {
    pub(in crate::plugin) status: u16,
    pub(in crate::plugin) headers: Fields,
    pub(in crate::plugin) body: Vec<u8>,
}
