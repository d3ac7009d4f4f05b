//! What would be right, in words: of the schema's own values, never of the message's.

use crate::json::Kind;
use crate::schema::{Constant, Schemas};

/// Of a detail.
const LONGEST: usize = 120;

/// `must be one of "a", "b", 3`; what is long or has parts is not written out.
pub(super) fn one_of(schemas: &Schemas, values: &[Constant]) -> String {
    let mut list = String::new();
    for value in values {
        let Some((json, at)) = schemas.constant(*value) else { continue };
        let text = match json.kind(at) {
            Kind::Array | Kind::Object => return unsaid(values),
            Kind::Text | Kind::Escaped => format!("{:?}", json.text(at)),
            Kind::Number => json.text(at).to_owned(),
            Kind::Null => "null".to_owned(),
            Kind::True => "true".to_owned(),
            Kind::False => "false".to_owned(),
        };
        if list.len() + text.len() > LONGEST {
            return unsaid(values);
        }
        list = if list.is_empty() { text } else { [&list, ", ", &text].concat() };
    }
    let must = if values.len() == 1 { "must be " } else { "must be one of " };
    [must, &list].concat()
}

fn unsaid(values: &[Constant]) -> String {
    if values.len() == 1 { "must be a certain value" } else { "must be one of certain values" }.to_owned()
}

/// The beginning of what may be long.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => [text.get(..end).unwrap_or_default(), "..."].concat(),
        None => text.to_owned(),
    }
}
