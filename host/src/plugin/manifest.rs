//! What a component is, read from its bytes without compiling or running it: the hooks that it exports, the
//! capabilities that it imports, and what it says about itself in its section `weir:manifest`.
//!
//! The bytes come from anywhere: whatever they are, the answer is a manifest or words.

use serde::Deserialize;
use wasmparser::component_types::ComponentEntityType;
use wasmparser::types::Types;
use wasmparser::{Parser, Payload, ValidPayload, Validator, WasmFeatures};

use super::contract::{CAPABILITIES, HOOKS, PACKAGE, VERSION, WAITING, line};

/// The section's name.
const SECTION: &str = "weir:manifest";

/// A schema of a configuration is a few KiB.
const LARGEST_SECTION: usize = 1 << 20;

/// A component as others see it.
#[derive(Debug)]
pub struct Manifest {
    /// What it says about itself; none if it has no such section.
    pub about: Option<About>,
    /// What it imports, in its order.
    pub imports: Vec<Interface>,
    /// What it exports, in its order.
    pub exports: Vec<Interface>,
}

/// An interface that is imported or exported.
#[derive(Debug, PartialEq, Eq)]
pub struct Interface {
    /// `weir:filter`; empty for what is in no package.
    pub package: String,
    /// `on-request`.
    pub name: String,
    /// `0.1.1`.
    pub version: Option<String>,
    /// What of it is imported, or exported.
    pub functions: Vec<String>,
}

/// What a component says about itself.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct About {
    /// The plugin's name.
    pub name: String,
    /// The contract that it was built for.
    pub contract: Option<String>,
    /// Its own version.
    pub version: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// Where in a chain it belongs: `edge`, `authentication`, ...
    pub place: Option<String>,
    /// What it asks the operator for.
    #[serde(default)]
    pub grants: Grants,
    /// The JSON Schema of its configuration.
    pub schema: Option<serde_json::Value>,
}

/// What a component asks for beyond what its configuration grants.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Grants {
    /// Prefixes of variables that it wants to write.
    #[serde(default)]
    pub vars: Vec<String>,
}

impl Manifest {
    /// Reads a component. Function bodies are passed over: checking them is the compiler's.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        if Parser::is_core_wasm(bytes) {
            return Err(
                "it is a core WebAssembly module, not a component: componentize it with `weir plugin build`".into()
            );
        }
        if !Parser::is_component(bytes) {
            return Err("it is not a WebAssembly component".into());
        }
        let mut validator = Validator::new_with_features(WasmFeatures::all());
        let (mut imports, mut exports, mut about) = (Vec::new(), Vec::new(), None);
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload.map_err(|error| damaged(&error))?;
            match &payload {
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section.clone() {
                        imports.push(import.map_err(|error| damaged(&error))?.name.name);
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section.clone() {
                        exports.push(export.map_err(|error| damaged(&error))?.name.name);
                    }
                }
                Payload::CustomSection(section) if depth == 0 && section.name() == SECTION => {
                    if about.replace(self::about(section.data())?).is_some() {
                        return Err(format!("it has two sections {SECTION}"));
                    }
                }
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                _ => {}
            }
            if let ValidPayload::End(types) = validator.payload(&payload).map_err(|error| damaged(&error))? {
                if depth == 0 {
                    let import = |name: &str| types.component_item_for_import(name).map(|item| item.ty);
                    let export = |name: &str| types.component_item_for_export(name).map(|item| item.ty);
                    let interfaces = |names: Vec<&str>, of: &dyn Fn(&str) -> Option<ComponentEntityType>| {
                        names.into_iter().filter_map(|name| Some(Interface::new(name, of(name)?, &types))).collect()
                    };
                    return Ok(Self {
                        about,
                        imports: interfaces(imports, &import),
                        exports: interfaces(exports, &export),
                    });
                }
                depth -= 1;
            }
        }
        Err("it ends too early: the file was cut off".into())
    }

    /// The hooks that it exports.
    pub fn hooks(&self) -> impl Iterator<Item = &str> {
        self.exports.iter().filter(|interface| interface.is_ours()).map(|interface| interface.name.as_str())
    }

    /// What it imports of the contract, and which functions of it.
    pub fn capabilities(&self) -> impl Iterator<Item = &Interface> {
        self.imports.iter().filter(|interface| interface.is_ours() && !interface.functions.is_empty())
    }

    /// Whether it imports something that can wait, and so runs on a fiber.
    pub fn waits(&self) -> bool {
        self.capabilities().any(|interface| WAITING.contains(&interface.name.as_str()))
    }

    /// What it imports of WASI. It can be loaded with stubs in its place only.
    pub fn wasi(&self) -> impl Iterator<Item = &Interface> {
        self.imports.iter().filter(|interface| interface.is_wasi())
    }

    /// Whether this host has all that it asks for, WASI aside; if not, what is missing and what to do.
    pub fn check(&self) -> Result<(), String> {
        let ours = || self.imports.iter().chain(&self.exports).filter(|interface| interface.is_ours());
        if let Some(version) = ours().filter_map(Interface::version).find(|version| line(version) != line(VERSION)) {
            return Err(format!(
                "it speaks {PACKAGE}@{version}, and this weir speaks {} (which is {VERSION}): build it for that one",
                line(VERSION)
            ));
        }
        if let Some(foreign) = self.imports.iter().find(|interface| !interface.is_ours() && !interface.is_wasi()) {
            return Err(format!("it imports `{foreign}`, which is no part of the contract {PACKAGE}"));
        }
        if !self.hooks().any(|hook| hook == "configure") {
            return Err(format!("it does not export {PACKAGE}/configure, which every filter has"));
        }
        let missing = self.missing();
        if missing.is_empty() {
            return Ok(());
        }
        let newest = ours().filter_map(Interface::version).max_by_key(|version| patch(version)).unwrap_or(VERSION);
        let missing = missing.join(", ");
        Err(if patch(newest) > patch(VERSION) {
            format!(
                "it was built for the contract {newest}, and this weir speaks {VERSION}, which lacks {missing}: use a \
                 newer weir, or build it for {VERSION}"
            )
        } else {
            format!("it asks for {missing}, which the contract {VERSION} does not have: build it again for that one")
        })
    }

    /// What it exports or imports that the contract does not hold.
    fn missing(&self) -> Vec<String> {
        let hooks = self.hooks().filter(|hook| !HOOKS.contains(hook)).map(|hook| format!("the hook `{hook}`"));
        let mut missing: Vec<String> = hooks.collect();
        for interface in self.capabilities() {
            match CAPABILITIES.iter().find(|(name, _)| *name == interface.name) {
                None => missing.push(format!("the capability `{}`", interface.name)),
                Some((name, known)) => {
                    let unknown = interface.functions.iter().filter(|function| !known.contains(&function.as_str()));
                    missing.extend(unknown.map(|function| format!("`{name}.{function}`")));
                }
            }
        }
        missing
    }
}

impl Interface {
    fn new(full: &str, what: ComponentEntityType, types: &Types) -> Self {
        let (path, version) = match full.split_once('@') {
            Some((path, version)) => (path, Some(version.to_owned())),
            None => (full, None),
        };
        let (package, name) = path.split_once('/').unwrap_or(("", path));
        let functions = match what {
            ComponentEntityType::Instance(id) => {
                let functions =
                    types[id].exports.iter().filter(|(_, item)| matches!(item.ty, ComponentEntityType::Func(_)));
                functions.map(|(name, _)| name.clone()).collect()
            }
            _ => vec![name.to_owned()],
        };
        Self { package: package.to_owned(), name: name.to_owned(), version, functions }
    }

    fn is_ours(&self) -> bool {
        self.package == PACKAGE
    }

    fn is_wasi(&self) -> bool {
        self.package.starts_with("wasi:")
    }

    fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }
}

impl std::fmt::Display for Interface {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.package.is_empty() {
            write!(formatter, "{}/", self.package)?;
        }
        formatter.write_str(&self.name)?;
        self.version.iter().try_for_each(|version| write!(formatter, "@{version}"))
    }
}

/// The number behind the line: of 0.1.7 it is 7.
fn patch(version: &str) -> u64 {
    version.rsplit('.').next().and_then(|patch| patch.parse().ok()).unwrap_or(0)
}

fn about(section: &[u8]) -> Result<About, String> {
    if section.len() > LARGEST_SECTION {
        return Err(format!("its section {SECTION} has more than {} KiB", LARGEST_SECTION >> 10));
    }
    serde_json::from_slice(section).map_err(|error| format!("its section {SECTION} is not a manifest: {error}"))
}

fn damaged(error: &wasmparser::BinaryReaderError) -> String {
    let error = error.message();
    if error.contains("unexpected end") {
        return "it ends too early: the file was cut off".into();
    }
    format!("it is damaged: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_damage_is_words_or_a_manifest() {
        let whole = weir_bundle::find("request-id").unwrap();
        assert!(Manifest::read(whole).unwrap().check().is_ok());
        let mut words = 0;
        for place in (0..whole.len()).step_by(61) {
            for damage in [0x01, 0x80, 0xff] {
                let mut bytes = whole.to_vec();
                bytes[place] ^= damage;
                words += usize::from(Manifest::read(&bytes).and_then(|manifest| manifest.check()).is_err());
            }
        }
        assert!(words > 0, "no damage was noticed");
    }
}
