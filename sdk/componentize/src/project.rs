//! `weir-plugin.toml`: what a project says about its filter that its code does not.

use std::fmt::Display;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use crate::contract::Contract;

/// The file's name.
pub(crate) const FILE: &str = "weir-plugin.toml";

/// Where in a chain a filter may belong, from the outermost to the innermost.
const PLACES: [&str; 11] = [
    "edge",
    "network",
    "compression",
    "cors",
    "authentication",
    "authorization",
    "limits",
    "cache",
    "validation",
    "transformation",
    "answer",
];

/// A project's file; empty where there is none.
#[derive(Debug, Default)]
pub(crate) struct Project {
    pub(crate) name: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) place: Option<String>,
    /// Prefixes of the variables that the filter wants to write.
    pub(crate) vars: Vec<String>,
    /// The JSON Schema of its configuration.
    pub(crate) schema: Option<Value>,
    /// How a language other than Rust makes a component of it.
    pub(crate) build: Option<Foreign>,
}

/// How a language other than Rust makes a component.
#[derive(Debug)]
pub(crate) struct Foreign {
    /// The command, with `{wit}`, `{world}` and `{output}` in it.
    pub(crate) command: String,
    /// What it writes, if that is not `{output}`.
    pub(crate) output: Option<PathBuf>,
    pub(crate) hooks: Vec<String>,
    pub(crate) capabilities: Vec<String>,
}

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Option<Spanned<String>>,
    version: Option<String>,
    description: Option<String>,
    place: Option<Spanned<String>>,
    #[serde(default)]
    grants: Grants,
    hooks: Option<Spanned<Vec<Spanned<String>>>>,
    capabilities: Option<Spanned<Vec<Spanned<String>>>>,
    schema: Option<Spanned<PathBuf>>,
    build: Option<String>,
    output: Option<Spanned<PathBuf>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Grants {
    #[serde(default)]
    vars: Vec<Spanned<String>>,
}

impl Project {
    /// Reads the file of the project in `directory`, if it has one.
    pub(crate) fn read(directory: &Path) -> Result<Self> {
        let path = directory.join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, directory),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    fn parse(text: &str, directory: &Path) -> Result<Self> {
        let written: Written = toml::from_str(text).map_err(|error| match error.span() {
            Some(span) => at(text, span, error.message()),
            None => anyhow!("{FILE}: {}", error.message()),
        })?;
        if let Some(name) = &written.name
            && !is_name(name.get_ref())
        {
            let why = format!("`{}` is not a plugin's name: a-z, 0-9 and -, at most 64 characters", name.get_ref());
            return Err(at(text, name.span(), why));
        }
        if let Some(place) = &written.place
            && !PLACES.contains(&place.get_ref().as_str())
        {
            let help = suggestion(place.get_ref(), PLACES);
            return Err(at(text, place.span(), format!("there is no place `{}` in a chain; {help}", place.get_ref())));
        }
        for prefix in &written.grants.vars {
            if !is_prefix(prefix.get_ref()) {
                let why = format!(
                    "`{}` is not a prefix of variables: words of a-z, 0-9, _ and -, each with a dot behind it, as `user.`",
                    prefix.get_ref()
                );
                return Err(at(text, prefix.span(), why));
            }
        }
        let schema = written.schema.as_ref().map(|file| schema(text, file, directory)).transpose()?;
        let build = match written.build {
            Some(command) => {
                let contract = Contract::read()?;
                let mut hooks = known(text, written.hooks, "hook", &contract.hooks)?;
                if !hooks.iter().any(|hook| hook == "configure") {
                    hooks.insert(0, "configure".into());
                }
                let capabilities = known(text, written.capabilities, "capability", &contract.capabilities)?;
                Some(Foreign { command, output: written.output.map(Spanned::into_inner), hooks, capabilities })
            }
            None => {
                let foreign = [
                    ("hooks", written.hooks.map(|list| list.span())),
                    ("capabilities", written.capabilities.map(|list| list.span())),
                    ("output", written.output.map(|path| path.span())),
                ];
                for (key, span) in foreign {
                    if let Some(span) = span {
                        let why = format!("`{key}` goes with `build`; of a Rust crate it is read from what was built");
                        return Err(at(text, span, why));
                    }
                }
                None
            }
        };
        Ok(Self {
            name: written.name.map(Spanned::into_inner),
            version: written.version,
            description: written.description,
            place: written.place.map(Spanned::into_inner),
            vars: written.grants.vars.into_iter().map(Spanned::into_inner).collect(),
            schema,
            build,
        })
    }
}

/// A fault with its line.
fn at(text: &str, span: Range<usize>, why: impl Display) -> anyhow::Error {
    let line = text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1;
    anyhow!("{FILE}:{line}: {why}")
}

/// The listed names, all of which must be known.
fn known(text: &str, list: Option<Spanned<Vec<Spanned<String>>>>, what: &str, known: &[String]) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for name in list.map(Spanned::into_inner).unwrap_or_default() {
        let (span, name) = (name.span(), name.into_inner());
        if !known.contains(&name) {
            let help = suggestion(&name, known.iter().map(String::as_str));
            return Err(at(text, span, format!("the contract has no {what} `{name}`; {help}")));
        }
        if names.contains(&name) {
            return Err(at(text, span, format!("`{name}` stands here twice")));
        }
        names.push(name);
    }
    Ok(names)
}

fn schema(text: &str, file: &Spanned<PathBuf>, directory: &Path) -> Result<Value> {
    let path = directory.join(file.get_ref());
    let shown = file.get_ref().display();
    let schema = fs::read(&path).map_err(|error| at(text, file.span(), format!("cannot read {shown}: {error}")))?;
    let schema: Value = serde_json::from_slice(&schema).with_context(|| format!("{shown} is not JSON"))?;
    if schema.is_object() { Ok(schema) } else { Err(anyhow!("{shown} is not a JSON Schema: it is no object")) }
}

fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let near = known
        .clone()
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(3))
        .min();
    match near {
        Some((_, candidate)) => format!("did you mean `{candidate}`?"),
        None => format!("there are: {}", known.into_iter().collect::<Vec<_>>().join(", ")),
    }
}

/// Whether a plugin can have this name.
pub(crate) fn is_name(name: &str) -> bool {
    let is_part = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-';
    !name.is_empty() && name.len() <= 64 && name.chars().all(is_part) && !name.starts_with('-')
}

fn is_prefix(prefix: &str) -> bool {
    let is_part =
        |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || "_-".contains(character);
    prefix.strip_suffix('.').is_some_and(|words| {
        words.len() < 64 && words.split('.').all(|word| !word.is_empty() && word.chars().all(is_part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        Project::parse(text, Path::new("/nowhere")).unwrap_err().to_string()
    }

    #[test]
    fn everything_that_can_be_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("schema.json"), r#"{"type": "object"}"#).unwrap();
        let text = "name = \"banner\"\nversion = \"1.2.3\"\ndescription = \"Says hello\"\nplace = \"answer\"\n\
            hooks = [\"on-request\"]\ncapabilities = [\"log\", \"kv\"]\nschema = \"schema.json\"\n\
            build = \"make {output}\"\noutput = \"banner.wasm\"\n[grants]\nvars = [\"user.\"]\n";
        let project = Project::parse(text, folder.path()).unwrap();
        assert_eq!(project.name.as_deref(), Some("banner"));
        assert_eq!(project.place.as_deref(), Some("answer"));
        assert_eq!(project.vars, ["user."]);
        assert_eq!(project.schema.unwrap()["type"], "object");
        let build = project.build.unwrap();
        assert_eq!(build.hooks, ["configure", "on-request"]);
        assert_eq!(build.capabilities, ["log", "kv"]);
    }

    #[test]
    fn a_fault_names_its_line_and_what_was_meant() {
        for (text, words) in [
            ("name = \"x\"\nnmae = 1\n", "weir-plugin.toml:2: unknown field `nmae`"),
            ("name = \"My Filter\"", "weir-plugin.toml:1: `My Filter` is not a plugin's name"),
            (
                "\nplace = \"authentification\"",
                ":2: there is no place `authentification` in a chain; did you mean `authentication`?",
            ),
            ("place = \"x\"", "there are: edge, network,"),
            (
                "build = \"x\"\nhooks = [\n  \"on-requst\",\n]",
                ":3: the contract has no hook `on-requst`; did you mean `on-request`?",
            ),
            ("build = \"x\"\ncapabilities = [\"kvs\"]", ":2: the contract has no capability `kvs`; did you mean `kv`?"),
            ("build = \"x\"\ncapabilities = [\"kv\", \"kv\"]", ":2: `kv` stands here twice"),
            ("hooks = [\"on-request\"]", ":1: `hooks` goes with `build`"),
            ("output = \"a.wasm\"", ":1: `output` goes with `build`"),
            ("[grants]\nvars = [\"user\"]", ":2: `user` is not a prefix of variables"),
            ("[grants]\nvar = []", ":2: unknown field `var`"),
            ("schema = \"none.json\"", ":1: cannot read none.json"),
            ("name = ", ":1: "),
        ] {
            let said = fault(text);
            assert!(said.contains(words), "{text:?} says: {said}");
        }
    }
}
