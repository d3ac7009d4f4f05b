//! A filter's configuration as a table, from its JSON Schema. Whatever stands there, the answer is a table.

use serde_json::Value;

use super::plain;

/// Schemas may refer to themselves.
const DEEPEST: usize = 8;

/// Nobody reads more.
const MOST_ROWS: usize = 200;

/// A small schema can have more parts than anybody could wait for, by references to itself.
const MOST_STEPS: usize = 10_000;

/// One key.
struct Row {
    key: String,
    kind: String,
    is_required: bool,
    default: String,
    description: String,
}

/// The keys with what they take, indented by two.
pub(super) fn table(schema: &Value) -> String {
    let mut reading = Reading { root: schema, steps: 0, rows: Vec::new() };
    reading.properties(schema, "", 0);
    if reading.rows.is_empty() {
        return format!("  {}\n", reading.kind(schema, 0));
    }
    let rows = reading.rows;
    let width = |of: fn(&Row) -> &str, title: &str| {
        rows.iter().map(|row| of(row).chars().count()).chain([title.len()]).max().unwrap_or_default()
    };
    let widths = [width(|row| &row.key, "key"), width(|row| &row.kind, "type"), width(|row| &row.default, "default")];
    let line = |[key, kind, required, default, description]: [&str; 5]| {
        let [keys, kinds, defaults] = widths;
        let line = format!("  {key:<keys$}  {kind:<kinds$}  {required:<8}  {default:<defaults$}  {description}");
        format!("{}\n", line.trim_end())
    };
    let mut table = line(["key", "type", "required", "default", "description"]);
    for row in &rows {
        let required = if row.is_required { "yes" } else { "no" };
        table += &line([&row.key, &row.kind, required, &row.default, &row.description]);
    }
    table
}

/// A schema that is being read.
struct Reading<'a> {
    root: &'a Value,
    steps: usize,
    rows: Vec<Row>,
}

impl<'a> Reading<'a> {
    /// Adds a row for each property, and for those below it.
    fn properties(&mut self, schema: &'a Value, prefix: &str, depth: usize) {
        if self.is_enough(depth) {
            return;
        }
        let schema = self.resolve(schema);
        for variant in variants(schema) {
            self.properties(variant, prefix, depth + 1);
        }
        let required = schema["required"].as_array();
        for (name, written) in schema["properties"].as_object().into_iter().flatten() {
            let property = self.resolve(written);
            let key = format!("{prefix}{}", plain(name));
            // The variants of a choice have keys in common.
            if self.is_enough(depth) || self.rows.iter().any(|row| row.key == key) {
                continue;
            }
            let text = |key: &str| [written, property].iter().find_map(|schema| schema[key].as_str());
            let default = written.get("default").or_else(|| property.get("default"));
            let row = Row {
                kind: self.kind(property, 0),
                is_required: required.is_some_and(|names| names.iter().any(|required| required == name)),
                default: default.map(|value| plain(&value.to_string())).unwrap_or_default(),
                description: plain(text("description").unwrap_or_default()),
                key: key.clone(),
            };
            self.rows.push(row);
            // What the operator writes there is the host's form, not the filter's.
            if property["x-weir"].is_string() {
                continue;
            }
            self.properties(property, &format!("{key}."), depth + 1);
            self.properties(&property["items"], &format!("{key}[]."), depth + 1);
            self.properties(&property["additionalProperties"], &format!("{key}.*."), depth + 1);
        }
    }

    /// What a value is, in words.
    fn kind(&mut self, schema: &'a Value, depth: usize) -> String {
        if self.is_enough(depth) {
            return "...".into();
        }
        let schema = self.resolve(schema);
        if let Some(granted) = schema["x-weir"].as_str() {
            return plain(granted);
        }
        if let Some(constant) = schema.get("const") {
            return plain(&constant.to_string());
        }
        if let Some(values) = schema["enum"].as_array() {
            return plain(&values.iter().map(Value::to_string).collect::<Vec<_>>().join(" | "));
        }
        let mut kinds: Vec<String> = variants(schema).map(|variant| self.kind(variant, depth + 1)).collect();
        let names = schema["type"].as_array().map_or_else(|| std::slice::from_ref(&schema["type"]), Vec::as_slice);
        for name in names.iter().filter_map(Value::as_str) {
            kinds.push(match name {
                "array" if schema["items"].is_object() => format!("list of {}", self.kind(&schema["items"], depth + 1)),
                "array" => "list".into(),
                // Its variants say more.
                "object" if !kinds.is_empty() => continue,
                "object" if schema["additionalProperties"].is_object() => {
                    format!("map of {}", self.kind(&schema["additionalProperties"], depth + 1))
                }
                other => plain(other),
            });
        }
        // That a value may be left out stands in its own column.
        kinds.retain(|kind| kind != "null");
        let mut told: Vec<String> = Vec::new();
        for kind in kinds {
            if !told.contains(&kind) {
                told.push(kind);
            }
        }
        if told.is_empty() { "any".into() } else { told.join(" | ") }
    }

    /// Whether nobody would read more, or a schema goes round in itself.
    fn is_enough(&mut self, depth: usize) -> bool {
        self.steps += 1;
        depth > DEEPEST || self.rows.len() >= MOST_ROWS || self.steps > MOST_STEPS
    }

    /// The schema that a reference within the document leads to.
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let mut schema = schema;
        for _ in 0..DEEPEST {
            let target = schema["$ref"].as_str().and_then(|reference| self.root.pointer(reference.strip_prefix('#')?));
            match target {
                Some(target) => schema = target,
                None => break,
            }
        }
        schema
    }
}

/// The alternatives of a schema.
fn variants(schema: &Value) -> impl Iterator<Item = &Value> {
    ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|key| schema[key].as_array()).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_told_with_what_they_take() {
        let schema = json!({
            "type": "object",
            "required": ["limit"],
            "properties": {
                "limit": { "type": "integer", "description": "How many\nrequests" },
                "key": { "type": "array", "items": { "type": "string" }, "default": ["client.ip"] },
                "mode": { "enum": ["fixed", "sliding"] },
                "store": { "type": "string", "x-weir": "store" },
                "rules": { "type": "array", "items": { "$ref": "#/$defs/rule" } },
                "per": { "type": "object", "additionalProperties": { "type": ["number", "null"] } },
            },
            "$defs": { "rule": { "type": "object", "required": ["path"], "properties": {
                "path": { "type": "string" },
                "not": { "$ref": "#/$defs/rule" },
            } } },
        });
        let table = table(&schema);
        let lines: Vec<String> =
            table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        for line in [
            "key type required default description",
            "limit integer yes How many requests",
            "key list of string no [\"client.ip\"]",
            "mode \"fixed\" | \"sliding\" no",
            "store store no",
            "rules list of object no",
            "rules[].path string yes",
            "rules[].not.path string yes",
            "per map of number no",
        ] {
            assert!(lines.iter().any(|known| known == line), "{line:?} is missing in:\n{table}");
        }
    }

    #[test]
    fn odd_schemas_make_a_table_too() {
        let mut deep = json!({ "type": "string" });
        for _ in 0..100 {
            deep = json!({ "type": "object", "properties": { "a": deep.clone() }, "oneOf": [deep] });
            if deep.to_string().len() > 1 << 20 {
                break;
            }
        }
        for schema in [
            json!(true),
            json!(null),
            json!({}),
            json!({ "$ref": "#" }),
            json!({ "allOf": vec![json!({ "$ref": "#" }); 1000] }),
            json!({ "$ref": "#/nowhere", "properties": 7, "required": "x", "type": 3 }),
            json!({ "properties": { "\u{1b}[2J": { "type": "\u{7}", "description": 7 } } }),
            deep,
        ] {
            let table = table(&schema);
            assert!(table.starts_with("  ") && !table.contains('\u{1b}') && !table.contains('\u{7}'), "{table}");
        }
    }
}
