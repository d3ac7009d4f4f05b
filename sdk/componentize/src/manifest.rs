//! What a component says about itself, written into it so that it can be read without running it.
//!
//! Hooks and capabilities are not repeated here: they are the component's exports and imports.

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::project::{FILE, Project, is_name};
use crate::sections::{self, Told};

/// Crates of plugins are often named so; the plugin is named without it.
const PREFIX: &str = "weir-plugin-";

/// Name, version and description of a package, as its language's tools know them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: String,
}

/// The section's JSON.
#[derive(Debug, Serialize)]
struct Manifest {
    contract: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    grants: Grants,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<Value>,
}

#[derive(Debug, Serialize)]
struct Grants {
    vars: Vec<String>,
}

/// Wraps a core module that was built with the SDK, with a manifest of what the module, its package and its
/// project say. The project comes first, then what stands in the module.
pub(crate) fn wrap(module: &[u8], package: Package, project: Project) -> Result<(String, Vec<u8>)> {
    let (module, told) = sections::take(module)?;
    let component = wit_component::ComponentEncoder::default().validate(true).module(&module)?.encode()?;
    let component = sections::without_names(&component)?;
    let package = match &told.package {
        Some(json) => serde_json::from_slice(json).context("its section weir:package is not what the SDK writes")?,
        None => package,
    };
    add(&component, &told, package, project)
}

/// Gives a component its manifest.
pub(crate) fn add(component: &[u8], told: &Told, package: Package, project: Project) -> Result<(String, Vec<u8>)> {
    let (_, contract) = sections::hooks(component)?;
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let name = match project.name {
        Some(name) => name,
        None => package.name.strip_prefix(PREFIX).unwrap_or(&package.name).replace('_', "-"),
    };
    ensure!(is_name(&name), "`{name}` is not a plugin's name (a-z, 0-9 and -): say `name = ...` in {FILE}");
    let schema = match (project.schema, &told.schema) {
        (Some(_), Some(_)) => {
            bail!("the code has a schema of its configuration already: remove `schema` from {FILE}");
        }
        (Some(schema), None) => Some(schema),
        (None, Some(json)) => {
            Some(serde_json::from_slice(json).context("its section weir:schema is not what the SDK writes")?)
        }
        (None, None) => None,
    };
    let manifest = Manifest {
        contract,
        name,
        version: project.version.or(some(package.version)),
        description: project.description.or(some(package.description)),
        place: project.place,
        grants: Grants { vars: project.vars },
        schema,
    };
    let component = sections::add_manifest(component, &serde_json::to_vec(&manifest)?)?;
    Ok((manifest.name, component))
}
