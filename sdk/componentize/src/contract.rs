//! The contract as this build of Weir speaks it: its WIT files, and what stands in them.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use wit_parser::{Resolve, SourceMap, WorldItem};

/// Every file of the package `weir:filter`.
const FILES: [(&str, &str); 16] = [
    ("body.wit", include_str!("../../../wit/body.wit")),
    ("crypto.wit", include_str!("../../../wit/crypto.wit")),
    ("documents.wit", include_str!("../../../wit/documents.wit")),
    ("exchange.wit", include_str!("../../../wit/exchange.wit")),
    ("files.wit", include_str!("../../../wit/files.wit")),
    ("hooks.wit", include_str!("../../../wit/hooks.wit")),
    ("kv.wit", include_str!("../../../wit/kv.wit")),
    ("log.wit", include_str!("../../../wit/log.wit")),
    ("machine.wit", include_str!("../../../wit/machine.wit")),
    ("reply.wit", include_str!("../../../wit/reply.wit")),
    ("request.wit", include_str!("../../../wit/request.wit")),
    ("response.wit", include_str!("../../../wit/response.wit")),
    ("setup.wit", include_str!("../../../wit/setup.wit")),
    ("types.wit", include_str!("../../../wit/types.wit")),
    ("waiting.wit", include_str!("../../../wit/waiting.wit")),
    ("world.wit", include_str!("../../../wit/world.wit")),
];

/// The package's name, before the version.
pub(crate) const PACKAGE: &str = "weir:filter";

/// The world that a project is given.
pub(crate) const WORLD: &str = "filter";

/// What a filter may export and import.
#[derive(Debug)]
pub struct Contract {
    /// `0.1.1`.
    pub version: String,
    /// The interfaces that a filter may export: `configure`, `on-request`, ...
    pub hooks: Vec<String>,
    /// The interfaces that it may import: `request`, `kv`, ...
    pub capabilities: Vec<String>,
}

impl Contract {
    /// Reads the files that this crate holds.
    pub fn read() -> Result<Self> {
        let mut sources = SourceMap::default();
        for (name, text) in FILES {
            sources.push_str(name, text);
        }
        let mut resolve = Resolve::default();
        let group = sources.parse().map_err(|(_, error)| anyhow!("the contract cannot be read: {error}"))?;
        let package = resolve.push_group(group)?;
        let version = resolve.packages[package].name.version.as_ref().context("the contract has no version")?;
        let mut contract = Self { version: version.to_string(), hooks: Vec::new(), capabilities: Vec::new() };
        let name = |item: &WorldItem| match item {
            WorldItem::Interface { id, .. } => resolve.interfaces[*id].name.clone(),
            _ => None,
        };
        for (_, world) in &resolve.worlds {
            contract.hooks.extend(world.exports.values().filter_map(name));
            if world.name == "capabilities" {
                contract.capabilities.extend(world.imports.values().filter_map(name));
            }
        }
        // It comes along because others use it; it holds no function.
        contract.capabilities.retain(|name| name != "types");
        Ok(contract)
    }
}

/// Writes the contract into a folder, with a world that has just these hooks and capabilities: some toolchains
/// import a whole world and demand every export of it.
pub(crate) fn write_world(folder: &Path, hooks: &[String], capabilities: &[String]) -> Result<()> {
    let because = || format!("cannot write the contract to {}", folder.display());
    if folder.exists() {
        // What an earlier version wrote must not stand beside this one.
        fs::remove_dir_all(folder).with_context(because)?;
    }
    fs::create_dir_all(folder).with_context(because)?;
    for (name, text) in FILES {
        fs::write(folder.join(name), text).with_context(because)?;
    }
    let mut world = format!("/// What this filter is and uses, as its weir-plugin.toml says.\nworld {WORLD} {{\n");
    for capability in capabilities {
        writeln!(world, "    import {capability};")?;
    }
    for hook in hooks {
        writeln!(world, "    export {hook};")?;
    }
    world.push_str("}\n");
    fs::write(folder.join("filter.wit"), world).with_context(because)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_contract_is_embedded() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".wit"))
            .collect();
        names.sort();
        assert_eq!(names, FILES.map(|(name, _)| name));
    }

    #[test]
    fn a_written_world_is_a_package_with_just_what_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let wit = folder.path().join("wit");
        let hooks = ["configure".to_owned(), "on-request".to_owned()];
        write_world(&wit, &hooks, &["log".into(), "reply".into()]).unwrap();
        // Again, over what is there.
        write_world(&wit, &hooks, &["log".into(), "request".into()]).unwrap();
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(&wit).unwrap();
        let world = &resolve.worlds[resolve.packages[package].worlds[WORLD]];
        let names = |items: &wit_parser::IndexMap<wit_parser::WorldKey, WorldItem>| -> Vec<String> {
            items.keys().map(|key| resolve.name_world_key(key)).collect()
        };
        assert_eq!(names(&world.exports), ["weir:filter/configure@0.1.1", "weir:filter/on-request@0.1.1"]);
        let imports = names(&world.imports);
        assert!(imports.contains(&"weir:filter/request@0.1.1".to_owned()), "{imports:?}");
        assert!(!imports.contains(&"weir:filter/reply@0.1.1".to_owned()), "{imports:?}");
    }
}
