//! From the tree to JSON text, by the compiler. Done twice: once to know how long the text is.

use super::{Node, Property};

/// How many bytes the schema has as text.
#[must_use]
pub const fn length(node: &Node) -> usize {
    let mut text = Text::new(&mut []);
    text.node(node, &About::NOTHING);
    text.length
}

/// The schema as text; `N` is its [`length`].
#[must_use]
pub const fn render<const N: usize>(node: &Node) -> [u8; N] {
    let mut bytes = [0; N];
    write(node, &mut bytes);
    bytes
}

/// The schema as text, as much as fits.
pub(crate) const fn write(node: &Node, bytes: &mut [u8]) {
    Text::new(bytes).node(node, &About::NOTHING);
}

/// How many bytes [`package`] has.
#[must_use]
pub const fn package_length(name: &str, version: &str, description: &str) -> usize {
    let mut text = Text::new(&mut []);
    text.package(name, version, description);
    text.length
}

/// What the filter's package says of itself, as JSON.
#[must_use]
pub const fn package<const N: usize>(name: &str, version: &str, description: &str) -> [u8; N] {
    let mut bytes = [0; N];
    Text::new(&mut bytes).package(name, version, description);
    bytes
}

/// What is to be said in a node's object beside the node.
#[derive(Clone, Copy)]
struct About<'a> {
    description: &'a str,
    default: Option<&'a str>,
    nullable: bool,
    tag: Option<(&'a str, &'a str)>,
}

impl About<'_> {
    const NOTHING: Self = Self { description: "", default: None, nullable: false, tag: None };
}

/// JSON in the making. Without room it only counts.
struct Text<'a> {
    bytes: &'a mut [u8],
    length: usize,
    /// Whether nothing stands before the next part of this object or list.
    first: bool,
}

impl<'a> Text<'a> {
    const fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, length: 0, first: true }
    }

    const fn byte(&mut self, byte: u8) {
        if self.length < self.bytes.len() {
            self.bytes[self.length] = byte;
        }
        self.length += 1;
    }

    const fn raw(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            self.byte(bytes[at]);
            at += 1;
        }
    }

    const fn open(&mut self, bracket: u8) {
        self.byte(bracket);
        self.first = true;
    }

    const fn close(&mut self, bracket: u8) {
        self.byte(bracket);
        self.first = false;
    }

    /// Before each part of an object or a list.
    const fn part(&mut self) {
        if !self.first {
            self.byte(b',');
        }
        self.first = false;
    }

    const fn key(&mut self, key: &str) {
        self.part();
        self.string(key);
        self.byte(b':');
    }

    const fn string(&mut self, text: &str) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.byte(b'"');
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at] {
                byte @ (b'"' | b'\\') => {
                    self.byte(b'\\');
                    self.byte(byte);
                }
                b'\n' => self.raw("\\n"),
                byte @ 0..0x20 => {
                    self.raw("\\u00");
                    self.byte(DIGITS[(byte >> 4) as usize]);
                    self.byte(DIGITS[(byte & 15) as usize]);
                }
                byte => self.byte(byte),
            }
            at += 1;
        }
        self.byte(b'"');
    }

    const fn number(&mut self, negative: bool, number: u64) {
        if negative {
            self.byte(b'-');
        }
        let mut unit = 1;
        while number / unit >= 10 {
            unit *= 10;
        }
        while unit > 0 {
            self.byte(b'0' + (number / unit % 10) as u8);
            unit /= 10;
        }
    }

    const fn package(&mut self, name: &str, version: &str, description: &str) {
        self.open(b'{');
        self.key("name");
        self.string(name);
        self.key("version");
        self.string(version);
        if !description.is_empty() {
            self.key("description");
            self.string(description);
        }
        self.close(b'}');
    }

    const fn kind(&mut self, kind: &str, about: &About<'_>) {
        self.key("type");
        if about.nullable {
            self.open(b'[');
            self.part();
            self.string(kind);
            self.part();
            self.string("null");
            self.close(b']');
        } else {
            self.string(kind);
        }
    }

    /// The whole object of a node.
    const fn node(&mut self, node: &Node, about: &About<'_>) {
        match node {
            Node::Described(description, node) if about.description.is_empty() => {
                self.node(node, &About { description, ..*about });
            }
            Node::Described(_, node) => self.node(node, about),
            Node::Optional(node) => self.node(node, &About { nullable: true, ..*about }),
            Node::Tagged { key, value, node } => self.node(node, &About { tag: Some((key, value)), ..*about }),
            node => {
                self.open(b'{');
                if !about.description.is_empty() {
                    self.key("description");
                    self.string(about.description);
                }
                self.members(node, about);
                if let Some(default) = about.default {
                    self.key("default");
                    self.raw(default);
                }
                self.close(b'}');
            }
        }
    }

    const fn members(&mut self, node: &Node, about: &About<'_>) {
        assert!(
            about.tag.is_none() || matches!(node, Node::Object { .. }),
            "a variant of an enum with `#[serde(tag)]` must hold a struct"
        );
        match node {
            Node::Any => {}
            Node::Boolean => self.kind("boolean", about),
            Node::Integer { minimum, maximum } => {
                self.kind("integer", about);
                if let Some(minimum) = minimum {
                    self.key("minimum");
                    self.number(*minimum < 0, minimum.unsigned_abs());
                }
                if let Some(maximum) = maximum {
                    self.key("maximum");
                    self.number(false, *maximum);
                }
            }
            Node::Number => self.kind("number", about),
            Node::String => self.kind("string", about),
            Node::Pattern(pattern) => {
                self.kind("string", about);
                self.key("pattern");
                self.string(pattern);
            }
            Node::Null => self.kind("null", &About::NOTHING),
            Node::Array(items) => {
                self.kind("array", about);
                self.key("items");
                self.node(items, &About::NOTHING);
            }
            Node::Map(values) => {
                self.kind("object", about);
                self.key("additionalProperties");
                self.node(values, &About::NOTHING);
            }
            Node::Object { properties, closed } => self.object(properties, *closed, about),
            Node::Enum(words) => self.words(words, about.nullable),
            Node::OneOf(nodes) => self.choices("oneOf", nodes, about.nullable),
            Node::AnyOf(nodes) => self.choices("anyOf", nodes, about.nullable),
            Node::Marked(members) => {
                self.part();
                self.raw(members);
            }
            Node::Optional(_) | Node::Described(..) | Node::Tagged { .. } => unreachable!(),
        }
    }

    const fn object(&mut self, properties: &[Property], closed: bool, about: &About<'_>) {
        self.kind("object", about);
        self.key("properties");
        self.open(b'{');
        if let Some((key, value)) = about.tag {
            self.key(key);
            self.open(b'{');
            self.key("const");
            self.string(value);
            self.close(b'}');
        }
        let mut at = 0;
        while at < properties.len() {
            let property = &properties[at];
            self.key(property.name);
            let about =
                About { description: property.description, default: property.default, nullable: false, tag: None };
            self.node(property.node, &about);
            at += 1;
        }
        self.close(b'}');
        self.required(properties, about.tag);
        if closed {
            self.key("additionalProperties");
            self.raw("false");
        }
    }

    const fn required(&mut self, properties: &[Property], tag: Option<(&str, &str)>) {
        let mut any = tag.is_some();
        let mut at = 0;
        while at < properties.len() {
            any |= properties[at].required;
            at += 1;
        }
        if !any {
            return;
        }
        self.key("required");
        self.open(b'[');
        if let Some((key, _)) = tag {
            self.part();
            self.string(key);
        }
        at = 0;
        while at < properties.len() {
            if properties[at].required {
                self.part();
                self.string(properties[at].name);
            }
            at += 1;
        }
        self.close(b']');
    }

    const fn words(&mut self, words: &[&str], nullable: bool) {
        self.key("enum");
        self.open(b'[');
        let mut at = 0;
        while at < words.len() {
            self.part();
            self.string(words[at]);
            at += 1;
        }
        if nullable {
            self.part();
            self.raw("null");
        }
        self.close(b']');
    }

    const fn choices(&mut self, key: &str, nodes: &[&Node], nullable: bool) {
        self.key(key);
        self.open(b'[');
        let mut at = 0;
        while at < nodes.len() {
            self.part();
            self.node(nodes[at], &About::NOTHING);
            at += 1;
        }
        if nullable {
            self.part();
            self.node(&Node::Null, &About::NOTHING);
        }
        self.close(b']');
    }
}
