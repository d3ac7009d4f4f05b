//! The filters that ship inside the `weir` binary, as components. They are built from the guest SDK and
//! loaded like anybody's: the host knows nothing of them but their names.

/// Name and component of each.
pub const PLUGINS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/table.rs"));

/// The component of a bundled filter.
pub fn find(name: &str) -> Option<&'static [u8]> {
    PLUGINS.iter().find(|(known, _)| *known == name).map(|(_, component)| *component)
}
