//! Where filters keep what they share.

/// A store, in the memory of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// Unique.
    pub name: String,
    /// Bytes that it may hold.
    pub memory: u64,
}

impl Store {
    /// The name of the one that is always there.
    pub const LOCAL: &str = "local";

    /// What that one may hold unless the file says otherwise.
    pub(super) const LOCAL_MEMORY: u64 = 64 << 20;
}
