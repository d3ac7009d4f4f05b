//! Texts with places for values of the exchange: `Hello {query:name}`.

use crate::source::Source;

/// A text with placeholders: the name of a [`Source`] in braces. `{{` and `}}` are braces themselves.
///
/// Who fills it in says how a value is written: what comes from a client must be escaped for where it goes.
///
/// ```
/// use weir::template::{Part, Template};
///
/// let template = Template::parse("{{{client.ip}}}").unwrap();
/// let parts: Vec<&Part> = template.parts().iter().collect();
/// assert!(matches!(parts[..], [Part::Text(open), Part::Value(_), Part::Text(_)] if open == "{"));
/// assert!(Template::parse("{clientip}").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// What stands there as it is; never empty.
    Text(String),
    /// Where a value goes.
    Value(Source),
}

impl Template {
    /// Reads a template, or says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut template = Self(Vec::new());
        let mut rest = text;
        while let Some(place) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at_checked(place).unwrap_or_default();
            template.push(before);
            rest = if let Some(behind) = from.strip_prefix("{{") {
                template.push("{");
                behind
            } else if let Some(behind) = from.strip_prefix("}}") {
                template.push("}");
                behind
            } else if let Some((name, behind)) = from.strip_prefix('{').and_then(|from| from.split_once('}')) {
                template.0.push(Part::Value(Source::parse(name)?));
                behind
            } else {
                let brace = if from.starts_with('{') { "{" } else { "}" };
                return Err(
                    ["a `", brace, "` stands alone; write `", brace, brace, "` for the character itself"].concat()
                );
            };
        }
        template.push(rest);
        Ok(template)
    }

    fn push(&mut self, text: &str) {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Text(before)) => before.push_str(text),
            _ => self.0.push(Part::Text(text.to_owned())),
        }
    }

    /// Its pieces in order.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// Whether there is a value in it.
    pub fn has_values(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Value(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Part, Template};
    use crate::source::Source;

    #[test]
    fn templates_are_texts_and_values() {
        let text = |text: &str| Part::Text(text.to_owned());
        let path = || Part::Value(Source::Path);
        for (written, parts) in [
            ("", vec![]),
            ("plain", vec![text("plain")]),
            ("{path}", vec![path()]),
            ("a{path}{path}b", vec![text("a"), path(), path(), text("b")]),
            ("{{path}}", vec![text("{path}")]),
            ("a{{b}}c", vec![text("a{b}c")]),
            ("{{{path}}}", vec![text("{"), path(), text("}")]),
        ] {
            let template = Template::parse(written).unwrap();
            assert_eq!((template.has_values(), template.parts()), (parts.contains(&path()), &parts[..]), "{written}");
        }
    }

    #[test]
    fn what_is_no_template_is_told() {
        for (written, words) in [
            ("{pth}", "there is no value `pth`"),
            ("{ path }", "there is no value ` path `"),
            ("{}", "there is no value ``"),
            ("{path", "a `{` stands alone; write `{{`"),
            ("path}", "a `}` stands alone; write `}}`"),
        ] {
            let said = Template::parse(written).unwrap_err();
            assert!(said.contains(words), "{written}: {said}");
        }
    }
}
