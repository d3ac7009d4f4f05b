//! A config and its schema, side by side: what is marked is granted, and replaced where the filter must not see it.

use serde_json::Value;

use super::shape::{Parts, Shape};
use super::{Document, Follow, Grant, Known, Resolved};
use crate::config::fault::{closest, quoted, suggestion};
use crate::config::json::JsonKind;
use crate::config::{Endpoint, Fault, Json, Located, Place, Secret, sources};

/// A config is not as deep; a default may lead to itself.
const DEEPEST: usize = 100;

/// What stands in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    /// What the operator wrote.
    There,
    /// The schema's default.
    Not,
}

pub(super) fn walk(mut resolved: Resolved, schema: &Value, known: &Known<'_>) -> Result<Resolved, Vec<Fault>> {
    let mut config = resolved.config.clone();
    let mut walk = Walk {
        shape: Shape::new(schema, &config),
        depth: 0,
        known: *known,
        resolved: &mut resolved,
        faults: Vec::new(),
    };
    walk.value(&mut config, &[schema], "", Written::There);
    if walk.shape.is_exhausted() {
        let message = "the schema of this filter holds itself, or is too large to go through";
        walk.faults.push(Fault::new(config.place, message).help("its author must mend that"));
    }
    let faults = walk.faults;
    resolved.config = config;
    if faults.is_empty() { Ok(resolved) } else { Err(faults) }
}

struct Walk<'a, 'b> {
    shape: Shape<'a>,
    depth: usize,
    known: Known<'b>,
    resolved: &'b mut Resolved,
    faults: Vec<Fault>,
}

impl<'a> Walk<'a, '_> {
    fn value(&mut self, value: &mut Json, schemas: &[&'a Value], pointer: &str, written: Written) {
        // Below what no schema speaks of there is nothing to find.
        if schemas.is_empty() || self.shape.is_exhausted() {
            return;
        }
        if self.depth == DEEPEST {
            self.shape.exhaust();
            return;
        }
        self.depth += 1;
        self.inside(value, schemas, pointer, written);
        self.depth -= 1;
    }

    fn inside(&mut self, value: &mut Json, schemas: &[&'a Value], pointer: &str, written: Written) {
        let parts = self.shape.parts(schemas, Some(value));
        if let Some(mark) = parts.word("x-weir") {
            self.marked(value, mark, pointer, written);
            return;
        }
        let place = value.place;
        match &mut value.kind {
            JsonKind::Map(entries) => {
                for (key, value) in entries.iter_mut() {
                    let schemas = parts.property(key.as_str());
                    let is_known = !schemas.is_empty() || parts.properties().any(|(name, _)| name == key.as_str());
                    if !is_known && parts.is_closed() && written == Written::There {
                        self.unknown(key, &parts);
                    }
                    self.value(value, &schemas, &below(pointer, key.as_str()), written);
                }
                for (name, schema) in parts.properties() {
                    if !entries.iter().any(|(key, _)| key.as_str() == name) {
                        self.default(schema, &below(pointer, name), place);
                    }
                }
            }
            JsonKind::List(items) => {
                let schemas = parts.items();
                for (index, item) in items.iter_mut().enumerate() {
                    self.value(item, &schemas, &below(pointer, &index.to_string()), written);
                }
            }
            _ => {}
        }
    }

    /// What the schema puts where nothing is written.
    fn default(&mut self, schema: &'a Value, pointer: &str, place: Place) {
        if let Some(default) = self.shape.parts(&[schema], None).fallback()
            && self.shape.can_copy(default)
        {
            self.value(&mut Json::standing(default, place), &[schema], pointer, Written::Not);
        }
    }

    fn unknown(&mut self, key: &Located<String>, parts: &Parts<'a>) {
        let mut names: Vec<&str> = parts.properties().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        let help = suggestion(key.as_str(), "keys", names);
        self.faults.push(Fault::new(key.place, format!("unknown key {}", quoted(key.as_str()))).help(help));
    }

    fn fault(&mut self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.faults.push(Fault::new(place, message).help(help));
    }

    fn marked(&mut self, value: &mut Json, mark: &str, pointer: &str, written: Written) {
        if matches!(value.kind, JsonKind::Null) || written == Written::Not && mark != "store" {
            return;
        }
        let (place, pointer) = (value.place, pointer.to_owned());
        match mark {
            "upstream" => {
                let Some(name) = self.upstream(value) else { return };
                self.resolved.upstreams.push(Grant { pointer, place, value: name });
            }
            "store" => {
                let Some(name) = self.store(value, written) else { return };
                self.resolved.stores.push(Grant { pointer, place, value: name });
            }
            "document" => {
                let Some(document) = self.document(value) else { return };
                value.kind = JsonKind::Text(pointer.clone());
                self.resolved.documents.push(Grant { pointer, place, value: document });
            }
            "secret" => {
                let Some(secret) = self.secret(value) else { return };
                value.kind = JsonKind::Text(pointer.clone());
                self.resolved.secrets.push(Grant { pointer, place, value: secret });
            }
            "directory" => {
                let Some(path) = self.directory(value) else { return };
                value.kind = JsonKind::Text(pointer.clone());
                self.resolved.directories.push(Grant { pointer, place, value: path });
            }
            other => self.fault(
                place,
                format!("the filter wants {} here, which this weir cannot grant", quoted(other)),
                "remove the field, or use a version of the plugin that is made for this weir",
            ),
        }
    }

    fn upstream(&mut self, value: &Json) -> Option<String> {
        let name = self.text(value, "the name of an upstream")?;
        let names = self.known.names.upstreams.iter().map(String::as_str);
        if names.clone().any(|known| known == name) {
            return Some(name);
        }
        let help = match closest(&name, names.clone()) {
            None if name.contains("://") => "write a name, and declare it under `upstreams:` with this endpoint".into(),
            None if self.known.names.upstreams.is_empty() => "declare it under `upstreams:`".into(),
            _ => suggestion(&name, "upstreams", names),
        };
        self.fault(value.place, format!("there is no upstream {}", quoted(&name)), help);
        None
    }

    fn store(&mut self, value: &Json, written: Written) -> Option<String> {
        let name = self.text(value, "the name of a store")?;
        let names = self.known.names.stores.iter().map(String::as_str);
        if names.clone().any(|known| known == name) {
            return Some(name);
        }
        let (message, help) = match written {
            Written::There => (format!("there is no store {}", quoted(&name)), suggestion(&name, "stores", names)),
            Written::Not => (
                format!("there is no store {}, which the filter uses where its config names none", quoted(&name)),
                "declare it under `stores:`, or name another in the filter's `config`".to_owned(),
            ),
        };
        self.fault(value.place, message, help);
        None
    }

    fn text(&mut self, value: &Json, what: &str) -> Option<String> {
        if let JsonKind::Text(text) = &value.kind {
            return Some(text.clone());
        }
        self.faults.push(Fault::new(value.place, format!("{what} is expected here")));
        None
    }

    fn document(&mut self, value: &Json) -> Option<Document> {
        let help = "write `{ upstream: NAME, path: /PATH }` or `{ file: PATH }`";
        let keys = ["upstream", "path", "follow", "file"];
        let [upstream, path, follow, file] = self.fields(value, keys, "a document", help)?;
        match (upstream, path, file) {
            (None, None, Some(_)) if let Some(follow) = follow => {
                self.fault(
                    follow.place,
                    "what a file holds leads nowhere",
                    "remove `follow`, or write `upstream` and `path`",
                );
                None
            }
            (Some(upstream), Some(path), None) => {
                let (upstream, written) = (self.upstream(upstream), self.text(path, "a path"));
                let (upstream, written) = (upstream?, written?);
                if !is_target(&written) {
                    let help = "write a path with a slash first, as in `/.well-known/jwks.json`";
                    self.fault(path.place, format!("{} is not a path", quoted(&written)), help);
                    return None;
                }
                let follow = match follow {
                    Some(follow) => Some(self.follow(follow, &upstream)?),
                    None => None,
                };
                Some(Document::Upstream { upstream, path: written, follow })
            }
            (None, None, Some(file)) => {
                let path = self.text(file, "the path of a file")?;
                Some(Document::File(self.relative(&path, file.place)))
            }
            _ => {
                self.fault(value.place, "a document has `upstream` and `path`, or `file` alone", help);
                None
            }
        }
    }

    /// Where the text that an upstream has leads: to the same upstream, unless another one is named.
    fn follow(&mut self, value: &Json, upstream: &str) -> Option<Follow> {
        let (pointer, upstream) = match &value.kind {
            JsonKind::Map(_) => {
                let help = "write `follow: /POINTER` or `follow: { pointer: /POINTER, upstream: NAME }`";
                let [pointer, named] = self.fields(value, ["pointer", "upstream"], "a pointer", help)?;
                let Some(pointer) = pointer else {
                    self.fault(value.place, "the key `pointer` is missing here", help);
                    return None;
                };
                let named = match named {
                    Some(named) => self.upstream(named)?,
                    None => upstream.to_owned(),
                };
                (pointer, named)
            }
            _ => (value, upstream.to_owned()),
        };
        let written = self.text(pointer, "a JSON Pointer")?;
        if !is_pointer(&written) {
            let help = "write where the URL stands in the text, as in `/jwks_uri`";
            self.fault(pointer.place, format!("{} is not a JSON Pointer", quoted(&written)), help);
            return None;
        }
        let endpoints = self.known.upstreams.iter().filter(|known| known.name == upstream);
        let origins = endpoints.flat_map(|known| known.endpoints.iter().map(Endpoint::origin)).collect();
        Some(Follow { pointer: written, upstream, origins })
    }

    fn directory(&mut self, value: &Json) -> Option<std::path::PathBuf> {
        let written = self.text(value, "the path of a directory")?;
        let path = self.relative(&written, value.place);
        match std::fs::metadata(&path) {
            Ok(found) if found.is_dir() => return Some(path),
            Ok(_) => {
                let help = "write the folder that holds the files";
                self.fault(value.place, format!("{} is a file, not a directory", quoted(&written)), help);
            }
            Err(error) => {
                let message = format!("the directory {} cannot be opened: {error}", quoted(&written));
                self.fault(value.place, message, "make it, or write another path; paths are relative to this file");
            }
        }
        None
    }

    fn secret(&mut self, value: &Json) -> Option<Secret> {
        let help = "write `{ env: NAME }` or `{ file: PATH }`";
        if !matches!(value.kind, JsonKind::Map(_)) {
            let fault = Fault::new(value.place, "a secret does not stand in the configuration").help(help);
            self.faults.push(fault.secret());
            return None;
        }
        let [env, file] = self.fields(value, ["env", "file"], "a secret", help)?;
        let read = match (env, file) {
            (Some(env), None) => {
                let name = self.text(env, "the name of a variable")?;
                self.given(&name).map_or_else(|| Secret::of_environment(&name, env.place), Ok)
            }
            (None, Some(file)) => {
                let path = self.text(file, "the path of a file")?;
                let read = || Secret::of_file(&self.relative(&path, file.place), file.place);
                self.given(&path).map_or_else(read, Ok)
            }
            _ => {
                self.fault(value.place, "a secret has either `env` or `file`, and not both", help);
                return None;
            }
        };
        read.map_err(|fault| self.faults.push(fault)).ok()
    }

    /// A secret that need not be read.
    fn given(&self, name: &str) -> Option<Secret> {
        self.known.secrets.get(name).map(|value| Secret::given(value))
    }

    /// The values of these keys; none if it is no map, or has others.
    fn fields<'v, const N: usize>(
        &mut self,
        value: &'v Json,
        known: [&str; N],
        what: &str,
        help: &str,
    ) -> Option<[Option<&'v Json>; N]> {
        let JsonKind::Map(entries) = &value.kind else {
            self.fault(value.place, format!("{what} is expected here"), help);
            return None;
        };
        let before = self.faults.len();
        for (key, _) in entries.iter().filter(|(key, _)| !known.contains(&key.as_str())) {
            let help = suggestion(key.as_str(), "keys", known);
            self.fault(key.place, format!("unknown key {}", quoted(key.as_str())), help);
        }
        let field = |name| entries.iter().find(|(key, _)| key.as_str() == name).map(|(_, value)| value);
        (self.faults.len() == before).then(|| known.map(field))
    }

    /// A path, relative to the file that names it.
    fn relative(&self, path: &str, place: Place) -> std::path::PathBuf {
        place.source(self.known.sources).map(sources::folder).unwrap_or_default().join(path)
    }
}

/// The pointer of a key or an index below another.
fn below(pointer: &str, step: &str) -> String {
    format!("{pointer}/{}", step.replace('~', "~0").replace('/', "~1"))
}

/// RFC 6901; the whole text is no URL.
fn is_pointer(text: &str) -> bool {
    let is_sound = |step: &str| step.split('~').skip(1).all(|behind| behind.starts_with(['0', '1']));
    text.starts_with('/') && text.split('/').all(is_sound)
}

/// Path and query, as a request's first line has them.
fn is_target(text: &str) -> bool {
    text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}
