//! Where in a document: a JSON Pointer (`/items/0/card`), or a simple path with wildcards (`items[*].card`, `**.card`).

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The member with this key; in a pointer `7` is also an element's index.
    Key(Box<str>, Option<u32>),
    /// The element with this index.
    Index(u32),
    /// `*`: every member or element.
    Each,
    /// `[*]`: every element.
    EachElement,
    /// `**`: any number of steps.
    Deep,
}

/// The steps from the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path(pub(crate) Vec<Step>);

/// Steps of a path.
const LONGEST: usize = 16;

impl Path {
    /// Reads a path, or says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let steps = match text.strip_prefix('/') {
            Some(tokens) => {
                tokens.split('/').map(token).collect::<Option<Vec<_>>>().ok_or_else(|| {
                    ["`", text, "` has a `~` that is neither `~0` (for `~`) nor `~1` (for `/`)"].concat()
                })?
            }
            None => simple(text).ok_or_else(|| {
                let words = "` is neither a JSON Pointer, as `/user/name`, nor a path, as `items[*].card` or `**.card`";
                ["`", text, words].concat()
            })?,
        };
        let is_deep = |step: &Step| *step == Step::Deep;
        if steps.len() > LONGEST {
            return Err(["`", text, "` has more than 16 steps"].concat());
        }
        if steps.last().is_some_and(is_deep) || steps.windows(2).any(|two| two.iter().all(is_deep)) {
            return Err(["a name follows `**`, which `", text, "` lacks; `a.**.*` is all that is below `a`"].concat());
        }
        Ok(Self(steps))
    }

    /// The key of the member that it is about, if that has one.
    pub(crate) fn key(&self) -> Option<&str> {
        match self.0.last() {
            Some(Step::Key(key, _)) => Some(key),
            _ => None,
        }
    }

    /// The path of a member beside this one.
    pub(crate) fn beside(&self, key: &str) -> Self {
        let mut steps = self.0.clone();
        steps.pop();
        steps.push(Step::Key(key.into(), None));
        Self(steps)
    }

    /// Whether it is about one place.
    pub(crate) fn is_literal(&self) -> bool {
        self.0.iter().all(|step| matches!(step, Step::Key(..) | Step::Index(_)))
    }

    pub(crate) fn is_deep(&self) -> bool {
        self.0.contains(&Step::Deep)
    }

    /// Whether the other is in it, or it: whether one could change what the other is about.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        for (one, other) in self.0.iter().zip(&other.0) {
            if *one == Step::Deep || *other == Step::Deep {
                return true;
            }
            if !one.meets(other) {
                return false;
            }
        }
        true
    }

    /// Whether the other is this place or in it, if both are literal.
    pub(crate) fn holds(&self, other: &Self) -> bool {
        other.0.len() >= self.0.len() && self.meets(other)
    }

    /// Whether both could make the same parent of what they are about.
    pub(crate) fn has_parent_of(&self, other: &Self) -> bool {
        match (self.0.as_slice(), other.0.as_slice()) {
            ([one, _, ..], [other, _, ..]) => one.meets(other),
            _ => false,
        }
    }

    /// Whether taking away what this is about may give elements that the other is about another index.
    pub(crate) fn shifts(&self, other: &Self) -> bool {
        matches!(self.0.last(), Some(Step::Index(_) | Step::Key(_, Some(_))))
            && other.0.iter().any(|step| matches!(step, Step::Index(_) | Step::Key(_, Some(_))))
    }
}

impl Step {
    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Key(one, _), Self::Key(other, _)) => one == other,
            (Self::Index(one), Self::Index(other)) => one == other,
            (Self::Key(_, index), Self::Index(other)) | (Self::Index(other), Self::Key(_, index)) => {
                *index == Some(*other)
            }
            (Self::Key(_, index), Self::EachElement) | (Self::EachElement, Self::Key(_, index)) => index.is_some(),
            _ => true,
        }
    }
}

/// A reference token of a pointer (RFC 6901).
fn token(token: &str) -> Option<Step> {
    let mut rest = token.split('~');
    let mut key = rest.next().unwrap_or_default().to_owned();
    for part in rest {
        let (character, behind) = part
            .strip_prefix('0')
            .map(|behind| ('~', behind))
            .or(part.strip_prefix('1').map(|behind| ('/', behind)))?;
        key.push(character);
        key.push_str(behind);
    }
    Some(Step::Key(key.as_str().into(), index(&key)))
}

/// Digits without a zero before them.
fn index(text: &str) -> Option<u32> {
    let is_index = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_index)
}

fn simple(text: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = text;
    loop {
        rest = if let Some(from) = rest.strip_prefix('[') {
            let (inside, behind) = from.split_once(']')?;
            steps.push(if inside == "*" { Step::EachElement } else { Step::Index(index(inside)?) });
            behind
        } else {
            let length = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, behind) = rest.split_at_checked(length)?;
            let is_name = |character: char| !character.is_whitespace() && !character.is_control();
            steps.push(match name {
                "*" => Step::Each,
                "**" => Step::Deep,
                "" | "$" => return None,
                _ if name.contains(['*', ']', '/', '~', '"', '\\']) || !name.chars().all(is_name) => return None,
                _ => Step::Key(name.into(), None),
            });
            behind
        };
        if rest.is_empty() {
            return Some(steps);
        }
        rest = match rest.strip_prefix('.') {
            Some(behind) if !behind.starts_with('[') => behind,
            None if rest.starts_with('[') => rest,
            _ => return None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Step};

    fn key(key: &str) -> Step {
        Step::Key(key.into(), None)
    }

    #[test]
    fn pointers_and_paths_are_steps() {
        let numbered = |text: &str, index| Step::Key(text.into(), Some(index));
        for (text, steps) in [
            ("/a", vec![key("a")]),
            ("/a~1b/m~0n/*/", vec![key("a/b"), key("m~n"), key("*"), key("")]),
            ("/items/0/10/01", vec![key("items"), numbered("0", 0), numbered("10", 10), key("01")]),
            ("/", vec![key("")]),
            ("a", vec![key("a")]),
            ("items[*].card.number", vec![key("items"), Step::EachElement, key("card"), key("number")]),
            ("[*][0].*", vec![Step::EachElement, Step::Index(0), Step::Each]),
            ("**.password", vec![Step::Deep, key("password")]),
            ("a.**[*].b-c", vec![key("a"), Step::Deep, Step::EachElement, key("b-c")]),
            ("$ref", vec![key("$ref")]),
            ("größe.@id", vec![key("größe"), key("@id")]),
        ] {
            assert_eq!(Path::parse(text).unwrap().0, steps, "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_told() {
        for text in ["", ".", "a.", ".a", "a..b", "a[", "a[x]", "a[01]", "a[*]b", "a.[0]", "a b", "$.a", "a*", "a/b"] {
            let said = Path::parse(text).unwrap_err();
            assert!(said.contains("neither a JSON Pointer"), "{text}: {said}");
        }
        assert!(Path::parse("/a~2").unwrap_err().contains("`~`"));
        for text in ["**", "a.**", "**.**.a"] {
            assert!(Path::parse(text).unwrap_err().contains("follows `**`"), "{text}");
        }
        assert!(Path::parse(&"/a".repeat(17)).unwrap_err().contains("16 steps"));
    }
}
