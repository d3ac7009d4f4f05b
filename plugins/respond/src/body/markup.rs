//! Where in HTML and XML a value may stand: between tags, where it is text whatever it says once it is escaped. Not in a
//! tag (an attribute may be a script, or have no quotes), nor in the elements whose text browsers run.

use weir::template::Part;

/// What is read.
enum State {
    /// Text between tags.
    Text,
    /// `<` and what follows it; the quote that is open.
    Tag { name: String, quote: Option<char> },
    /// `<!--`, and the last two characters.
    Comment { before: [char; 2] },
    /// `<script>` or `<style>`: what was read since the last `<`, as far as it can be the end.
    Raw { element: String, end: String },
}

/// What is wrong with where the values stand.
pub(super) fn fault(parts: &[Part]) -> Option<String> {
    let mut state = State::Text;
    for part in parts {
        match part {
            Part::Text(text) => {
                for character in text.chars() {
                    state = state.after(character);
                }
            }
            Part::Value(_) if !matches!(state, State::Text) => {
                let words = "a value can stand between tags only, not in one (write `&lt;` for a `<` that begins none), nor in a \
                             comment, a script or a style";
                return Some(words.to_owned());
            }
            Part::Value(_) => {}
        }
    }
    None
}

impl State {
    fn after(self, character: char) -> Self {
        match self {
            Self::Text if character == '<' => Self::Tag { name: String::new(), quote: None },
            Self::Text => Self::Text,
            Self::Tag { mut name, quote } => {
                if quote == Some(character) {
                    return Self::Tag { name: name + " ", quote: None };
                }
                match character {
                    _ if quote.is_some() => Self::Tag { name, quote },
                    // Elsewhere in a tag browsers take a quote as a letter.
                    '"' | '\'' if name.trim_end().ends_with('=') => {
                        Self::Tag { name: name + " ", quote: Some(character) }
                    }
                    '>' => match name.split([' ', '/']).next().unwrap_or_default() {
                        element @ ("script" | "style") => Self::Raw { element: element.to_owned(), end: String::new() },
                        _ => Self::Text,
                    },
                    _ => {
                        name.push(if character.is_whitespace() { ' ' } else { character.to_ascii_lowercase() });
                        if name == "!--" { Self::Comment { before: [' '; 2] } } else { Self::Tag { name, quote } }
                    }
                }
            }
            Self::Comment { before: ['-', '-'] } if character == '>' => Self::Text,
            Self::Comment { before: [_, last] } => Self::Comment { before: [last, character] },
            Self::Raw { element, mut end } => {
                if character == '<' {
                    return Self::Raw { element, end: "<".to_owned() };
                }
                // No longer than an end can be.
                if !end.is_empty() && end.len() <= "</script>".len() {
                    end.push(character.to_ascii_lowercase());
                }
                if end == "<!--" {
                    // In a script that has a comment an end is not always one: nothing is taken for it.
                    return Self::Raw { element: String::from(" "), end: String::new() };
                }
                let behind = end.strip_prefix("</").and_then(|name| name.strip_prefix(element.as_str()));
                match behind.and_then(|behind| behind.chars().next()) {
                    Some('>') => Self::Text,
                    Some('/') => Self::Tag { name: "/".to_owned(), quote: None },
                    Some(space) if space.is_whitespace() => Self::Tag { name: "/".to_owned(), quote: None },
                    Some(_) => Self::Raw { element, end: String::new() },
                    None => Self::Raw { element, end },
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fault;
    use weir::template::Template;

    #[test]
    fn values_stand_between_tags_only() {
        for (template, is_fine) in [
            ("<p>{path}</p>", true),
            ("{path}", true),
            ("<!DOCTYPE html><html><body class='a>b' data-x=\"'>\">{path}</body>", true),
            ("<!-- don't > --><p>{path}", true),
            ("<script>a < 1; \"</b>\"</script><p>{path}", true),
            ("<STYLE>p > a {{}}</Style >{path}", true),
            ("a &lt; {path}", true),
            ("<script src=x></script>{path}<b>{method}</b>", true),
            ("<{path}>", false),
            ("a < {path}", false),
            ("<a href=\"{path}\">", false),
            ("<a href='>{path}'>", false),
            ("<a title=\"'\" href=\">{path}\">", false),
            ("<p {path}>", false),
            ("<script>{path}</script>", false),
            ("<SCRIPT type='x'>let a = '{path}'", false),
            ("<script>'</scripty>' {path}", false),
            ("<style>{path}</style>", false),
            ("<script><!-- <script> </script> {path}", false),
            ("<a b=c\"d><script>\"> {path}", false),
            ("<script>1</script/x>{path}", true),
            ("<script>a</scriptx</script>{path}", true),
            ("<!-- {path} -->", false),
            ("<!-- > {path} -->", false),
            ("<p>{path}</p><a b={method}>", false),
        ] {
            let parsed = Template::parse(template).unwrap();
            assert_eq!(fault(parsed.parts()).is_none(), is_fine, "{template}");
        }
    }
}
