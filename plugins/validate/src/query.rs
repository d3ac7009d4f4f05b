//! The query as a JSON object: parameters are texts, and what their schema wants as a number, `true` or `false`, or a list
//! becomes that.

use weir::problem::quoted;

use crate::check::Misfit;
use crate::json::{Bounds, Json, Kind, ROOT, read};

/// What a parameter's schema wants of its text.
#[derive(Clone, Copy, Debug, Default)]
struct Wanted {
    number: bool,
    boolean: bool,
    list: bool,
}

/// Parameters that the schema names, sorted.
#[derive(Debug)]
pub(crate) struct Parameters(Vec<(String, Wanted)>);

/// More than a query has.
const MOST: usize = 256;

/// Numbers with more digits stay texts.
const LONGEST_NUMBER: usize = 40;

const BOUNDS: Bounds = Bounds { depth: 64, steps: 200_000, duplicates: false };

impl Parameters {
    /// Those of a schema's `properties`, with the `type` that stands beside each; what only a reference says is not known
    /// here.
    pub(crate) fn of(schema: &str) -> Self {
        let mut parameters = Vec::new();
        if let Ok(json) = read(schema.as_bytes().to_vec(), &BOUNDS)
            && let Some(properties) = json.member(ROOT, "properties")
        {
            for (name, schema) in json.members(properties) {
                parameters.push((name.to_owned(), wanted(&json, schema)));
            }
        }
        parameters.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self(parameters)
    }

    fn wanted(&self, name: &str) -> Wanted {
        let found = self.0.binary_search_by(|(known, _)| known.as_str().cmp(name));
        found.ok().and_then(|index| self.0.get(index)).map(|(_, wanted)| *wanted).unwrap_or_default()
    }

    /// The query as JSON, or what is wrong with it.
    pub(crate) fn read(&self, query: &str) -> Result<String, Misfit> {
        let mut values: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            if values.len() == MOST {
                return Err(misfit("", "has too many parameters"));
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(name) = decoded(name) else { return Err(misfit("", "has names that are not UTF-8")) };
            let Some(value) = decoded(value) else { return Err(misfit(&name, "is not UTF-8")) };
            values.push((name, value));
        }
        values.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut object = String::from("{");
        for same in values.chunk_by(|(one, _), (other, _)| one == other) {
            let Some((name, _)) = same.first() else { continue };
            let wanted = self.wanted(name);
            if same.len() > 1 && !wanted.list {
                return Err(misfit(name, "stands in the query more than once"));
            }
            let items: Vec<String> = same.iter().map(|(_, value)| wanted.json(value)).collect();
            let items = items.join(",");
            let value = if wanted.list { ["[", &items, "]"].concat() } else { items };
            object.push_str(if object.len() > 1 { "," } else { "" });
            object.push_str(&[&quoted(name), ":", &value].concat());
        }
        object.push('}');
        Ok(object)
    }
}

impl Wanted {
    fn json(self, text: &str) -> String {
        let is_number = || {
            let is_one = |json: Json| json.kind(ROOT) == Kind::Number && json.text(ROOT) == text;
            text.len() <= LONGEST_NUMBER && read(text.as_bytes().to_vec(), &BOUNDS).is_ok_and(is_one)
        };
        if self.boolean && matches!(text, "true" | "false") || self.number && is_number() {
            text.to_owned()
        } else {
            quoted(text)
        }
    }
}

fn wanted(json: &Json, schema: u32) -> Wanted {
    let mut wanted = Wanted::default();
    let Some(kind) = json.member(schema, "type") else { return wanted };
    let names = json.string(kind).into_iter().chain(json.items(kind).filter_map(|at| json.string(at)));
    for name in names {
        match name {
            "integer" | "number" => wanted.number = true,
            "boolean" => wanted.boolean = true,
            "array" => {
                wanted.list = true;
                let items = json.member(schema, "items").map(|items| self::wanted(json, items)).unwrap_or_default();
                wanted.number |= items.number;
                wanted.boolean |= items.boolean;
            }
            _ => {}
        }
    }
    wanted
}

fn misfit(parameter: &str, detail: &str) -> Misfit {
    Misfit { pointer: ["/", parameter].concat(), keyword: "", detail: detail.to_owned() }
}

/// As forms are decoded.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    let hex = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    while let Some((byte, behind)) = rest.split_first() {
        let escaped = match (byte, behind) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(if *byte == b'+' { b' ' } else { *byte });
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).ok()
}
