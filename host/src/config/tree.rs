//! A YAML text as a tree in which every value knows its place.
//!
//! What the values mean is not known here. Syntax, duplicate keys and `${NAME}` are settled, so that those who read the
//! tree see plain values only.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, Span, StructureStyle};

use super::fault::quoted;
use super::{Fault, Place, syntax};

/// A tree with more is no configuration but an attack with aliases.
const MOST_NODES: usize = 2_000_000;

/// Deeper nesting is no configuration either, and readers of the tree recurse.
const DEEPEST: usize = 64;

/// A value.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) kind: Kind,
}

/// What kind of value.
#[derive(Debug)]
pub(super) enum Kind {
    Nothing,
    /// Text that could not be had; why is noted already.
    Broken,
    Scalar(Scalar),
    List(Vec<Rc<Node>>),
    Map(Vec<(Key, Rc<Node>)>),
}

/// Text, and whether it was written without quotes: only then can it be a number or a truth value.
#[derive(Debug)]
pub(super) struct Scalar {
    pub(super) text: String,
    pub(super) is_plain: bool,
    /// As it stands in the file, if variables of the environment stand in it.
    pub(super) written: Option<Box<str>>,
}

/// A key of a map.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) place: Place,
}

/// Where values of `${NAME}` come from.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads the text. Without a tree there is a fault that says why; with one there may be faults, too.
pub(super) fn parse(text: &str, file: u32, environment: Environment<'_>, faults: &mut Vec<Fault>) -> Option<Rc<Node>> {
    let options = granit_parser::options! { emit_comments: false };
    let mut builder = Builder {
        text,
        file,
        environment,
        faults,
        parser: Parser::new_from_str_with_options(text, options),
        anchors: HashMap::new(),
        nodes: 0,
    };
    match builder.document() {
        Ok(node) => Some(node),
        Err(fault) => {
            faults.push(fault);
            None
        }
    }
}

struct Builder<'a, 'b> {
    text: &'a str,
    file: u32,
    environment: Environment<'b>,
    faults: &'b mut Vec<Fault>,
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    anchors: HashMap<usize, (Rc<Node>, usize)>,
    nodes: usize,
}

impl<'a> Builder<'a, '_> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Fault> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let start = error.marker().byte_offset().unwrap_or(0).min(self.text.len());
                Err(self.syntax(start, error.kind()))
            }
            None => Err(Fault::new(self.at(self.text.len(), 0), "the file ends too early")),
        }
    }

    /// The parser's complaint in other words; a tab, whatever it complains of.
    fn syntax(&self, start: usize, kind: &ErrorKind) -> Fault {
        let line = self.text[..start].rfind('\n').map_or(0, |end| end + 1);
        let rest = &self.text[line..];
        let indent = &rest[..rest.len() - rest.trim_start_matches([' ', '\t']).len()];
        if let Some(tab) = indent.find('\t') {
            return Fault::new(self.at(line + tab, 1), "a tab cannot indent a line of YAML").help("write spaces");
        }
        let (what, help) = syntax::words(kind, &self.text[..start], &self.text[start..]);
        Fault::new(self.at(start, 0), what).help(help)
    }

    fn document(&mut self) -> Result<Rc<Node>, Fault> {
        loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentStart(..), _) => {}
                (Event::StreamEnd | Event::DocumentEnd, _) => {
                    return Err(Fault::new(self.at(0, 0), "the file is empty")
                        .help("begin with `version: 1`; `weir demo` prints a whole configuration"));
                }
                (event, span) => {
                    let root = self.node(event, span, 0)?.0;
                    self.next()?;
                    return match self.next()? {
                        (Event::StreamEnd, _) => Ok(root),
                        (_, span) => Err(Fault::new(self.place(span, false), "a second document begins here")
                            .help("a configuration is one document; `include:` names more files")),
                    };
                }
            }
        }
    }

    /// The node that begins with this event, and how many nodes it holds.
    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<(Rc<Node>, usize), Fault> {
        let before = self.nodes;
        self.count(1, span)?;
        if depth > DEEPEST {
            return Err(Fault::new(self.place(span, false), format!("more than {DEEPEST} levels of nesting")));
        }
        let (node, anchor) = match event {
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor).map(|(node, size)| (Rc::clone(node), *size)) else {
                    return Err(Fault::new(self.place(span, false), "this alias stands inside of what it names"));
                };
                self.count(size, span)?;
                return Ok((node, size));
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                let is_plain = style == ScalarStyle::Plain;
                let place = self.place(span, false);
                let kind = if is_plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL") {
                    Kind::Nothing
                } else {
                    self.expand(&text, place).map_or(Kind::Broken, |expanded| {
                        let written = (*text != *expanded).then(|| (*text).into());
                        Kind::Scalar(Scalar { text: expanded, is_plain, written })
                    })
                };
                (Node { place, kind }, anchor)
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                let mut place = self.place(span, style == StructureStyle::Flow);
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, end) => break place = self.close(place, style, end),
                        (event, span) => {
                            let item = self.node(event, span, depth + 1)?.0;
                            items.push(self.or_dash(item));
                        }
                    }
                }
                (Node { place, kind: Kind::List(items) }, anchor)
            }
            Event::MappingStart(style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                self.map(style, span, depth).map(|node| (node, anchor))?
            }
            _ => return Err(Fault::new(self.place(span, false), "a value is missing here")),
        };
        let (node, size) = (Rc::new(node), self.nodes - before);
        if anchor != 0 {
            self.anchors.insert(anchor, (Rc::clone(&node), size));
        }
        Ok((node, size))
    }

    /// An item of which nothing was written is the dash before it: there is no more to point at.
    fn or_dash(&self, item: Rc<Node>) -> Rc<Node> {
        let end = item.place.start();
        let dash = self.text[..end].trim_end().strip_suffix('-').map(str::len);
        match dash.filter(|_| matches!(item.kind, Kind::Nothing) && item.place.length() <= 1) {
            Some(dash) => Rc::new(Node { place: self.at(dash, 1), kind: Kind::Nothing }),
            None => item,
        }
    }

    fn map(&mut self, style: StructureStyle, span: Span, depth: usize) -> Result<Node, Fault> {
        let mut place = self.place(span, style == StructureStyle::Flow);
        let mut entries: Vec<(Key, Rc<Node>)> = Vec::new();
        let mut seen: HashMap<String, Place> = HashMap::new();
        loop {
            let (event, span) = self.next()?;
            let key = match event {
                Event::MappingEnd => break place = self.close(place, style, span),
                Event::Scalar(name, ..) => Key { name: name.into_owned(), place: self.place(span, false) },
                _ => return Err(Fault::new(self.place(span, false), "a key must be a word")),
            };
            if entries.is_empty() && style != StructureStyle::Flow {
                place = key.place;
            }
            let (event, span) = self.next()?;
            let mut value = self.node(event, span, depth + 1)?.0;
            if matches!(value.kind, Kind::Nothing) && value.place.length() <= 1 {
                // Nothing was written: then the key is what can be pointed at.
                value = Rc::new(Node { place: key.place, kind: Kind::Nothing });
            }
            if key.name == "<<" {
                self.faults.push(
                    Fault::new(key.place, "merge keys are not known here")
                        .help("repeat the keys, or give what is common a name under `chains:` or `defaults:`"),
                );
                continue;
            }
            match seen.insert(key.name.clone(), key.place) {
                Some(first) => self.faults.push(
                    Fault::new(key.place, format!("{} stands twice in this map", quoted(&key.name)))
                        .also(first, "here before")
                        .help("remove one of them"),
                ),
                None => entries.push((key, value)),
            }
        }
        Ok(Node { place, kind: Kind::Map(entries) })
    }

    fn count(&mut self, more: usize, span: Span) -> Result<(), Fault> {
        self.nodes += more;
        if self.nodes > MOST_NODES {
            return Err(Fault::new(self.place(span, false), format!("the file has more than {MOST_NODES} values")));
        }
        Ok(())
    }

    fn refuse_tag(&mut self, is_tagged: bool, span: Span) {
        if is_tagged {
            self.faults.push(
                Fault::new(self.place(span, false), "tags (`!...`) mean nothing here")
                    .help("remove the tag; quotes make a text of anything"),
            );
        }
    }

    fn at(&self, start: usize, length: usize) -> Place {
        Place::new(self.file, start, start + length)
    }

    fn place(&self, span: Span, is_whole: bool) -> Place {
        let start = span.start.byte_offset().unwrap_or(0).min(self.text.len());
        let end = span.end.byte_offset().unwrap_or(start).min(self.text.len());
        if end > start && !is_whole {
            return Place::new(self.file, start, start + self.text[start..end].trim_end().len());
        }
        // The span of an opening is empty or a bracket: mark the word that stands there.
        let rest = self.text.get(start..).unwrap_or_default();
        let word = rest.find(|character: char| character.is_whitespace() || character == ':').unwrap_or(rest.len());
        self.at(start, if is_whole { 1 } else { word.max(1).min(rest.len()) })
    }

    fn close(&self, place: Place, style: StructureStyle, end: Span) -> Place {
        match style {
            StructureStyle::Flow => {
                let end = end.end.byte_offset().unwrap_or(0).min(self.text.len());
                place.until(Place::new(self.file, end, end))
            }
            StructureStyle::Block => place,
        }
    }

    /// `${NAME}` and `${NAME:-default}`; `$${` stands for `${`.
    fn expand(&mut self, text: &str, place: Place) -> Option<String> {
        if !text.contains("${") {
            return Some(text.to_owned());
        }
        let (mut expanded, mut rest, mut is_whole) = (String::new(), text, true);
        while let Some(start) = rest.find("${") {
            let (before, from) = rest.split_at(start);
            if let Some(before) = before.strip_suffix('$') {
                expanded.push_str(before);
                expanded.push_str("${");
                rest = &from[2..];
                continue;
            }
            expanded.push_str(before);
            let Some(end) = from.find('}') else {
                self.faults.push(
                    Fault::new(place, "`${` without its `}`").help("write `${NAME}`, or `$${` for the two characters"),
                );
                return None;
            };
            let inside = &from[2..end];
            let (name, default) = inside.split_once(":-").map_or((inside, None), |(name, value)| (name, Some(value)));
            let is_name = !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                && !name.as_bytes()[0].is_ascii_digit();
            let value = if is_name { (self.environment)(name).or_else(|| default.map(str::to_owned)) } else { None };
            is_whole &= value.is_some();
            match value {
                Some(value) => expanded.push_str(&value),
                None if is_name => self.faults.push(
                    Fault::new(place, format!("the environment variable `{name}` is not set"))
                        .help(format!("set it where weir runs, or write a default: `${{{name}:-default}}`")),
                ),
                None => self.faults.push(
                    Fault::new(place, format!("{} is not the name of an environment variable", quoted(name)))
                        .help("write `${NAME}` or `${NAME:-default}`, or `$${` for the two characters"),
                ),
            }
            rest = &from[end + 1..];
        }
        is_whole.then(|| expanded + rest)
    }
}
