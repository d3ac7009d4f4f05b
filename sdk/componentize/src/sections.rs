//! Custom sections: what the SDK leaves in a module for the manifest, and the manifest in a component.

use anyhow::{Context, Result, ensure};
use wasmparser::{BinaryReader, Parser, Payload};

use crate::contract::PACKAGE;

/// The component's section with its manifest.
const MANIFEST: &str = "weir:manifest";

/// The section with the crate's name, version and description, as JSON.
const CRATE: &str = "weir:package";

/// The section with the JSON Schema of the filter's configuration.
const SCHEMA: &str = "weir:schema";

/// The section with names for the parts of a component, which only those read who look into its bytes.
const NAMES: &str = "component-name";

/// What a module says about itself for the manifest.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// JSON.
    pub(crate) package: Option<Vec<u8>>,
    /// JSON.
    pub(crate) schema: Option<Vec<u8>>,
}

/// Takes out of a core module what it says for the manifest, so that it is not shipped twice.
pub(crate) fn take(module: &[u8]) -> Result<(Vec<u8>, Told)> {
    let (module, package) = without(module, CRATE)?;
    let (module, schema) = without(&module, SCHEMA)?;
    Ok((module, Told { package, schema }))
}

/// The component without the names of its parts: more than a kilobyte that every host would read over.
pub(crate) fn without_names(component: &[u8]) -> Result<Vec<u8>> {
    Ok(without(component, NAMES)?.0)
}

/// The component with this manifest, in the place of one that it may have.
pub(crate) fn add_manifest(component: &[u8], manifest: &[u8]) -> Result<Vec<u8>> {
    let (mut component, _) = without(component, MANIFEST)?;
    let mut content = Vec::with_capacity(manifest.len() + MANIFEST.len() + 1);
    length(MANIFEST.len(), &mut content)?;
    content.extend_from_slice(MANIFEST.as_bytes());
    content.extend_from_slice(manifest);
    component.push(0);
    length(content.len(), &mut component)?;
    component.extend_from_slice(&content);
    Ok(component)
}

/// A module or component without its custom sections of this name, and the last of those.
fn without(binary: &[u8], name: &str) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
    let mut taken = None;
    let mut rest = binary.get(..8).context("it is not WebAssembly")?.to_vec();
    let mut reader = BinaryReader::new(&binary[8..], 8);
    while !reader.eof() {
        let before = binary.len() - reader.bytes_remaining();
        let id = reader.read_u8()?;
        let length = reader.read_var_u32()? as usize;
        let content = reader.read_bytes(length)?;
        let mut custom = BinaryReader::new(content, 0);
        if id == 0 && custom.read_string()? == name {
            taken = Some(custom.read_bytes(custom.bytes_remaining())?.to_vec());
        } else {
            rest.extend_from_slice(&binary[before..binary.len() - reader.bytes_remaining()]);
        }
    }
    Ok((rest, taken))
}

/// LEB128, as WebAssembly writes lengths.
fn length(length: usize, into: &mut Vec<u8>) -> Result<()> {
    let mut rest = u32::try_from(length).context("it is longer than WebAssembly allows")?;
    loop {
        let [low, ..] = rest.to_le_bytes();
        rest >>= 7;
        if rest == 0 {
            into.push(low & 0x7f);
            return Ok(());
        }
        into.push(low | 0x80);
    }
}

/// Which hooks a component exports, and the version of the contract that they are of.
pub(crate) fn hooks(component: &[u8]) -> Result<(Vec<String>, String)> {
    ensure!(
        Parser::is_component(component),
        "it is no component: a core module must be wrapped, as `wasm-tools component new` does"
    );
    let (mut hooks, mut version, mut depth) = (Vec::new(), None, 0_usize);
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentExportSection(exports) if depth == 0 => {
                for export in exports {
                    let name = export?.name.name;
                    let Some((PACKAGE, interface)) = name.split_once('/') else { continue };
                    let (interface, of) = interface.split_once('@').unwrap_or((interface, ""));
                    hooks.push(interface.to_owned());
                    version = Some(of.to_owned());
                }
            }
            _ => {}
        }
    }
    let version =
        version.context("it exports nothing of weir:filter; in Rust, `#[weir::filter]` on an impl block does that")?;
    ensure!(hooks.iter().any(|hook| hook == "configure"), "it does not export `configure`, which every filter has");
    Ok((hooks, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &[u8] = b"\0asm\x01\0\0\0";

    fn with(module: &[u8], name: &str, content: &[u8]) -> Vec<u8> {
        let mut section = vec![u8::try_from(name.len()).unwrap()];
        section.extend_from_slice(name.as_bytes());
        section.extend_from_slice(content);
        let mut module = module.to_vec();
        module.push(0);
        length(section.len(), &mut module).unwrap();
        module.extend(section);
        module
    }

    #[test]
    fn what_is_for_the_manifest_is_taken_and_the_rest_stays() {
        let long = vec![b' '; 300];
        let other = with(EMPTY, "mine", b"kept");
        let module = with(&with(&with(EMPTY, SCHEMA, &long), "mine", b"kept"), CRATE, b"{}");
        let (rest, told) = take(&module).unwrap();
        assert_eq!(rest, other);
        assert_eq!(told.schema.unwrap(), long);
        assert_eq!(told.package.unwrap(), b"{}");
    }

    #[test]
    fn damaged_modules_are_refused() {
        let module = with(EMPTY, SCHEMA, b"{}");
        for end in (0..module.len()).filter(|end| *end != EMPTY.len()) {
            assert!(take(&module[..end]).is_err(), "cut to {end} bytes");
        }
        assert!(hooks(EMPTY).unwrap_err().to_string().contains("no component"));
    }
}
