//! What filters before this one found out about who asks: variables, each read once for a request, and only if a rule
//! asks for it.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use serde::Deserialize;
use weir::exchange;

/// How a variable's text is read where a list is wanted, if it is not a JSON array of strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, weir::Config)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Split {
    /// One item.
    No,
    /// Items between spaces, as in OAuth's `scope`.
    Space,
    /// Items between commas.
    Comma,
}

impl Split {
    /// That of a variable about which nothing is said: a scope is a list between spaces by its standard (RFC 6749, 3.3).
    pub(crate) fn of(var: &str) -> Self {
        if var == "auth.scope" { Self::Space } else { Self::No }
    }
}

/// The variables that an entry looks at, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Names {
    vars: Vec<String>,
    roles: Vec<(usize, Split)>,
}

impl Names {
    /// With these that hold roles.
    pub(crate) fn new(roles: impl IntoIterator<Item = (String, Split)>) -> Self {
        let mut names = Self::default();
        for (name, split) in roles {
            let number = names.number(&name);
            names.roles.push((number, split));
        }
        names
    }

    /// The variable's number.
    pub(crate) fn number(&mut self, name: &str) -> usize {
        self.vars.iter().position(|known| known == name).unwrap_or_else(|| {
            self.vars.push(name.to_owned());
            self.vars.len() - 1
        })
    }

    /// Whether this variable holds roles, and how it is read.
    pub(crate) fn role_split(&self, name: &str) -> Option<Split> {
        let is_it = |(number, _): &&(usize, Split)| self.vars.get(*number).is_some_and(|known| known == name);
        self.roles.iter().find(is_it).map(|(_, split)| *split)
    }
}

/// Who asks in the current exchange.
pub(crate) struct Caller<'a> {
    names: &'a Names,
    vars: Vec<OnceCell<Option<String>>>,
    roles: OnceCell<Vec<String>>,
    /// Variables that were read as lists: many rules may ask for the same one.
    lists: RefCell<Vec<List>>,
}

/// A variable's items, its number, and how they were told apart.
type List = (usize, Split, Rc<[String]>);

impl<'a> Caller<'a> {
    pub(crate) fn new(names: &'a Names) -> Self {
        Self {
            names,
            vars: names.vars.iter().map(|_| OnceCell::new()).collect(),
            roles: OnceCell::new(),
            lists: RefCell::default(),
        }
    }

    /// A variable's value.
    pub(crate) fn var(&self, number: usize) -> Option<&str> {
        let (cell, name) = (self.vars.get(number)?, self.names.vars.get(number)?);
        cell.get_or_init(|| exchange::var(name)).as_deref()
    }

    /// A variable's items; none if it is not set.
    pub(crate) fn list(&self, number: usize, split: Split) -> Rc<[String]> {
        let mut lists = self.lists.borrow_mut();
        if let Some((_, _, list)) = lists.iter().find(|(known, by, _)| *known == number && *by == split) {
            return Rc::clone(list);
        }
        let read = self.var(number).map(|text| items(text, split)).unwrap_or_default();
        let list: Rc<[String]> = read.into_iter().map(Cow::into_owned).collect();
        lists.push((number, split, Rc::clone(&list)));
        list
    }

    /// The roles in all variables that hold some.
    pub(crate) fn roles(&self) -> &[String] {
        self.roles.get_or_init(|| {
            let vars = self.names.roles.iter().filter_map(|(number, split)| Some((self.var(*number)?, *split)));
            vars.flat_map(|(text, split)| items(text, split)).map(Cow::into_owned).collect()
        })
    }
}

/// A text as a list: a JSON array of strings, or what the split makes of it.
pub(crate) fn items(text: &str, split: Split) -> Vec<Cow<'_, str>> {
    if text.starts_with('[')
        && let Ok(list) = serde_json::from_str::<Vec<String>>(text)
    {
        return list.into_iter().map(Cow::Owned).collect();
    }
    let separator = match split {
        Split::No => return vec![Cow::Borrowed(text)],
        Split::Space => ' ',
        Split::Comma => ',',
    };
    text.split(separator).map(str::trim).filter(|item| !item.is_empty()).map(Cow::Borrowed).collect()
}

#[cfg(test)]
mod tests {
    use super::{Split, items};

    #[test]
    fn a_list_is_an_array_or_what_the_split_makes_of_a_text() {
        for (text, split, list) in [
            (r#"["a","b c",""]"#, Split::No, vec!["a", "b c", ""]),
            (r#"["a"]"#, Split::Space, vec!["a"]),
            ("a b", Split::No, vec!["a b"]),
            (" a  b ", Split::Space, vec!["a", "b"]),
            ("a, b c,", Split::Comma, vec!["a", "b c"]),
            ("", Split::No, vec![""]),
            ("", Split::Space, vec![]),
            (r#"["a",1]"#, Split::No, vec![r#"["a",1]"#]),
            ("[a", Split::No, vec!["[a"]),
        ] {
            assert_eq!(items(text, split), list, "{text}");
        }
    }
}
