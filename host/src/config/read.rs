//! From the tree to typed values: what is wrong is noted, and reading goes on behind it.
//!
//! [`Read`] is what a type of the file must know: to read itself, what stands for it where it is absent, and its JSON
//! Schema. One description serves both, so that the schema cannot say other than what is read.

use std::rc::Rc;

use serde_json::{Value, json};

use super::fault::{closest, quoted};
use super::schema::Definitions;
use super::tree::{Key, Kind, Node};
use super::{Fault, Located, Place};

/// Notes what is wrong.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) faults: Vec<Fault>,
}

/// A type of the file.
pub(super) trait Read: Sized {
    /// The value, or none: then a fault was noted.
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self>;

    /// What stands for it where its key is absent; none if the key is required.
    fn absent() -> Option<Self> {
        None
    }

    /// Its JSON Schema.
    fn schema(definitions: &mut Definitions) -> Value;
}

impl Reader {
    pub(super) fn fault(&mut self, place: Place, message: impl Into<String>) -> &mut Fault {
        self.faults.push(Fault::new(place, message));
        self.faults.last_mut().expect("one was pushed")
    }

    /// Notes that something else stands here than what is expected.
    pub(super) fn expected<T>(&mut self, what: &str, node: &Node) -> Option<T> {
        let found = match &node.kind {
            Kind::Broken => return None,
            Kind::Nothing => "there is nothing".to_owned(),
            Kind::List(items) if items.is_empty() => "this is an empty list".to_owned(),
            Kind::List(_) => "this is a list".to_owned(),
            Kind::Map(_) => "this is a map".to_owned(),
            Kind::Scalar(scalar) => format!("this is {}", quoted(&scalar.text)),
        };
        self.fault(node.place, format!("{what} is expected here, but {found}"));
        None
    }

    /// The same, and what to do.
    pub(super) fn expected_with<T>(&mut self, what: &str, node: &Node, help: impl Into<String>) -> Option<T> {
        let before = self.faults.len();
        let nothing = self.expected(what, node);
        if let Some(fault) = self.faults.get_mut(before) {
            fault.help = Some(help.into());
        }
        nothing
    }

    /// The entries of a map whose keys must be among `known`; keys that begin with `x-` are the operator's own.
    pub(super) fn map<'a>(&mut self, node: &'a Node, known: &[&str]) -> Option<&'a [(Key, Rc<Node>)]> {
        let Kind::Map(entries) = &node.kind else {
            return self.expected_with("a map", node, format!("known keys: {}", known.join(", ")));
        };
        for (key, _) in entries {
            if is_known(key, known) {
                continue;
            }
            let help = match meant(key, known) {
                Some(meant) if key.name.contains(':') => format!("write a space behind the colon: `{meant}: ...`"),
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("known keys: {}", known.join(", ")),
            };
            self.fault(key.place, format!("unknown key {}", quoted(&key.name))).help = Some(help);
        }
        Some(entries)
    }

    /// The value of a key. What is wrong with one that may be absent is noted, and it is taken as absent.
    pub(super) fn field<T: Read>(
        &mut self,
        node: &Node,
        entries: &[(Key, Rc<Node>)],
        known: &[&str],
        name: &str,
    ) -> Option<T> {
        match entries.iter().find(|(key, _)| key.name == name) {
            Some((_, value)) => T::read(value, self).or_else(T::absent),
            None => T::absent().or_else(|| {
                // A misspelt key is told already.
                if !entries.iter().any(|(key, _)| !is_known(key, known) && meant(key, known) == Some(name)) {
                    self.fault(node.place, format!("the key `{name}` is missing here"));
                }
                None
            }),
        }
    }
}

fn is_known(key: &Key, known: &[&str]) -> bool {
    known.contains(&key.name.as_str()) || key.name.starts_with("x-")
}

/// The key that an unknown one was probably meant to be: misspelt, or without the space behind its colon.
fn meant<'a>(key: &Key, known: &[&'a str]) -> Option<&'a str> {
    let word = key.name.split(':').next().unwrap_or_default();
    let exact = known.iter().copied().find(|known| *known == word);
    exact.or_else(|| closest(&key.name, known.iter().copied()))
}

/// A key that is a word of Rust's is written `r#key` there.
pub(super) fn word(name: &'static str) -> &'static str {
    name.strip_prefix("r#").unwrap_or(name)
}

/// Declares a section: a map with known keys. The doc comments are the schema's descriptions.
///
/// Behind `=>` may stand what narrows the schema of the type: checks that the file's meaning makes later.
macro_rules! section {
    ($(#[doc = $text:literal])* struct $name:ident {
        $( $(#[doc = $key_text:literal])* $key:ident: $type:ty $(=> $narrow:expr)?, )*
    }) => {
        $(#[doc = $text])*
        #[derive(Debug)]
        pub(super) struct $name {
            #[allow(dead_code)]
            pub(super) place: $crate::config::Place,
            $( $(#[doc = $key_text])* pub(super) $key: $type, )*
        }

        impl $crate::config::read::Read for $name {
            fn read(
                node: &std::rc::Rc<$crate::config::tree::Node>,
                reader: &mut $crate::config::read::Reader,
            ) -> Option<Self> {
                let known = [$($crate::config::read::word(stringify!($key))),*];
                let entries = reader.map(node, &known)?;
                // All of them, before the first that is missing ends it.
                $( let $key = reader.field::<$type>(node, entries, &known, $crate::config::read::word(stringify!($key))); )*
                Some(Self { place: node.place, $($key: $key?,)* })
            }

            fn schema(definitions: &mut $crate::config::schema::Definitions) -> serde_json::Value {
                definitions.section(stringify!($name), concat!($($text, "\n"),*), |_definitions| vec![
                    $( $crate::config::schema::Property {
                        name: $crate::config::read::word(stringify!($key)),
                        text: concat!($($key_text, "\n"),*),
                        is_required: <$type as $crate::config::read::Read>::absent().is_none(),
                        schema: {
                            let schema = <$type as $crate::config::read::Read>::schema(_definitions);
                            $( let schema = $narrow(schema); )?
                            schema
                        },
                    } ),*
                ])
            }
        }
    };
}
pub(super) use section;

/// Declares an enumeration of words.
macro_rules! words {
    ($what:literal, $name:ty { $( $word:literal => $value:expr, )* }) => {
        impl $crate::config::read::Read for $name {
            fn read(
                node: &std::rc::Rc<$crate::config::tree::Node>,
                reader: &mut $crate::config::read::Reader,
            ) -> Option<Self> {
                let known = [$($word),*];
                match &node.kind {
                    $( $crate::config::tree::Kind::Scalar(scalar) if scalar.text == $word => Some($value), )*
                    $crate::config::tree::Kind::Scalar(scalar) => {
                        let help = $crate::config::fault::suggestion(&scalar.text, "words", known);
                        let text = $crate::config::fault::quoted(&scalar.text);
                        reader.fault(node.place, format!("{text} is not {}", $what)).help = Some(help);
                        None
                    }
                    _ => reader.expected($what, node),
                }
            }

            fn schema(_: &mut $crate::config::schema::Definitions) -> serde_json::Value {
                serde_json::json!({ "enum": [$($word),*] })
            }
        }
    };
}
pub(super) use words;

impl<T: Read> Read for Option<T> {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        T::read(node, reader).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn schema(definitions: &mut Definitions) -> Value {
        T::schema(definitions)
    }
}

impl<T: Read> Read for Located<T> {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        T::read(node, reader).map(|value| Located { value, place: node.place })
    }

    fn schema(definitions: &mut Definitions) -> Value {
        T::schema(definitions)
    }
}

/// A list; faulty items are noted and left out.
impl<T: Read> Read for Vec<T> {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::List(items) => Some(items.iter().filter_map(|item| T::read(item, reader)).collect()),
            Kind::Scalar(scalar) => {
                let help = format!("write `[{}]`, or each item on a line that begins with `- `", scalar.text.trim());
                reader.expected_with("a list", node, help)
            }
            _ => reader.expected_with("a list", node, "write `[...]`, or each item on a line that begins with `- `"),
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "type": "array", "items": T::schema(definitions) })
    }
}

/// What operators give names to, in the file's order. A faulty one keeps its name, so that what refers to it is
/// not at fault too.
#[derive(Debug)]
pub(super) struct Named<T>(pub(super) Vec<(Located<String>, Option<T>)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Named<T> {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.iter().map(|(name, _)| name.value.as_str())
    }

    pub(super) fn sound(&self) -> impl Iterator<Item = (&Located<String>, &T)> {
        self.0.iter().filter_map(|(name, value)| value.as_ref().map(|value| (name, value)))
    }
}

impl<T: Read> Read for Named<T> {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            let help = "write `NAME: ...` for each, further right than this key";
            return reader.expected_with("a map of names", node, help);
        };
        let own = entries.iter().filter(|(key, _)| !key.name.starts_with("x-"));
        let read = own.map(|(key, value)| {
            if key.name.is_empty()
                || !key.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            {
                reader.fault(key.place, format!("{} is not a name", quoted(&key.name))).help =
                    Some("names are made of letters, digits, `-`, `_` and `.`".into());
            }
            (Located { value: key.name.clone(), place: key.place }, T::read(value, reader))
        });
        Some(Self(read.collect()))
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({
            "type": "object",
            "patternProperties": { "^x-": {} },
            "propertyNames": { "pattern": "^[A-Za-z0-9._-]+$" },
            "additionalProperties": T::schema(definitions),
        })
    }
}

/// One, or a list.
#[derive(Debug)]
pub(super) struct OneOrMore<T>(pub(super) Vec<T>);

impl<T: Read> Read for OneOrMore<T> {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::List(items) if items.is_empty() => reader.expected("at least one item", node),
            Kind::List(_) => Vec::read(node, reader).map(Self),
            _ => T::read(node, reader).map(|one| Self(vec![one])),
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        let one = T::schema(definitions);
        json!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}

impl Read for String {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Scalar(scalar) => Some(scalar.text.clone()),
            _ => reader.expected("text", node),
        }
    }

    fn schema(_: &mut Definitions) -> Value {
        // YAML reads `8080` as a number; where text is expected it is taken as it is written.
        json!({ "type": ["string", "number", "boolean"] })
    }
}

impl Read for bool {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Scalar(scalar) if scalar.text == "true" => Some(true),
            Kind::Scalar(scalar) if scalar.text == "false" => Some(false),
            _ => reader.expected("`true` or `false`", node),
        }
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "boolean" })
    }
}

/// A whole number from `LEAST` to `MOST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count<const LEAST: u64, const MOST: u64>(pub(super) u64);

impl<const LEAST: u64, const MOST: u64> Read for Count<LEAST, MOST> {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        let number = match &node.kind {
            Kind::Scalar(scalar) => scalar.text.parse().ok().filter(|number| (LEAST..=MOST).contains(number)),
            _ => None,
        };
        let what = if MOST == u64::MAX {
            format!("a whole number from {LEAST} on")
        } else {
            format!("a whole number from {LEAST} to {MOST}")
        };
        number.map(Self).or_else(|| reader.expected(&what, node))
    }

    fn schema(_: &mut Definitions) -> Value {
        let mut number = json!({ "type": "integer", "minimum": LEAST });
        if MOST < u64::MAX {
            number["maximum"] = MOST.into();
        }
        json!({ "anyOf": [number, { "type": "string", "pattern": r"\$\{" }] })
    }
}
