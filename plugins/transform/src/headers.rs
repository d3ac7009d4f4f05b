//! Fields of a request's or a response's head.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use weir::escape::Destination;
use weir::{Error, Faults, Refusal, Request, Response, fields};

use crate::fill::{Text, TooLong};
use crate::pointer;

/// What becomes of headers: some are removed, then renamed, then set, then appended.
#[derive(Debug, Default, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    /// Headers that go; `x-internal-*` is all that begin so.
    #[serde(default)]
    remove: Vec<String>,
    /// Headers that get another name, with all of their values: `{ x-old: x-new }`.
    #[serde(default)]
    rename: BTreeMap<String, String>,
    /// Headers with this one value, which may have placeholders; if a value is not there, the header goes.
    #[serde(default)]
    set: BTreeMap<String, String>,
    /// Values beside those that are there, which may have placeholders; if a value is not there, nothing is appended.
    #[serde(default)]
    append: BTreeMap<String, String>,
}

/// Of each kind.
const MOST: usize = 64;

/// Fields that are looked at for those that begin so; the host takes no head with more.
const MOST_FIELDS: u32 = 1024;

/// What becomes of headers.
#[derive(Debug, Default)]
pub(crate) struct Headers {
    remove: Vec<String>,
    /// How those begin that are removed, in small letters.
    beginnings: Vec<String>,
    rename: Vec<(String, String)>,
    set: Vec<(String, Text)>,
    append: Vec<(String, Text)>,
}

/// The values of what is set, then of what is appended; none where one is not there.
type Values<'a> = Vec<Option<Cow<'a, str>>>;

/// A head that can be edited.
pub(crate) trait Head {
    fn sole(&self, name: &str) -> Result<Option<Vec<u8>>, weir::Several>;
    fn values(&self, name: &str) -> Vec<Vec<u8>>;
    fn all(&self) -> Vec<(String, Vec<u8>)>;
    fn set(&mut self, name: &str, value: &[u8]) -> Result<(), Refusal>;
    fn append(&mut self, name: &str, value: &[u8]) -> Result<(), Refusal>;
    fn remove(&mut self, name: &str) -> Result<(), Refusal>;
}

macro_rules! heads {
    ($($message:ty)*) => {$(
        impl Head for $message {
            fn sole(&self, name: &str) -> Result<Option<Vec<u8>>, weir::Several> {
                self.sole_header(name)
            }

            fn values(&self, name: &str) -> Vec<Vec<u8>> {
                self.header_values(name)
            }

            fn all(&self) -> Vec<(String, Vec<u8>)> {
                self.headers(MOST_FIELDS)
            }

            fn set(&mut self, name: &str, value: &[u8]) -> Result<(), Refusal> {
                self.set_header(name, value)
            }

            fn append(&mut self, name: &str, value: &[u8]) -> Result<(), Refusal> {
                self.append_header(name, value)
            }

            fn remove(&mut self, name: &str) -> Result<(), Refusal> {
                self.remove_header(name)
            }
        }
    )*};
}

heads!(Request Response);

/// Why a head is not as it was to be.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// What the client or the upstream sent is too long, or too much.
    TooLong,
    Failed(Error),
}

impl From<TooLong> for Unfit {
    fn from(_: TooLong) -> Self {
        Self::TooLong
    }
}

impl From<Refusal> for Unfit {
    fn from(refusal: Refusal) -> Self {
        if refusal == Refusal::TooLarge { Self::TooLong } else { Self::Failed(refusal.into()) }
    }
}

impl Written {
    /// What becomes of headers; what is wrong is noted.
    pub(crate) fn into_headers(self, at: &str, faults: &mut Faults) -> Headers {
        let mut headers = Headers::default();
        let counts = [
            ("remove", self.remove.len()),
            ("rename", self.rename.len()),
            ("set", self.set.len()),
            ("append", self.append.len()),
        ];
        for (key, _) in counts.iter().filter(|(_, count)| *count > MOST) {
            faults.at(&pointer(at, key), "there are more than 64 headers here");
        }
        for (index, name) in self.remove.into_iter().enumerate() {
            let at = [at, "/remove/", &index.to_string()].concat();
            match name.strip_suffix('*') {
                Some("") => faults.at(&at, "`*` would be every header; write how those begin that are to go"),
                Some(beginning) => {
                    fields::check_name(faults, &at, &[beginning, "x"].concat());
                    headers.beginnings.push(beginning.to_ascii_lowercase());
                }
                None => {
                    fields::check_name(faults, &at, &name);
                    headers.remove.push(name);
                }
            }
        }
        for (name, to) in self.rename {
            let at = pointer(&[at, "/rename"].concat(), &name);
            fields::check_name(faults, &at, &name);
            fields::check_name(faults, &at, &to);
            if name.eq_ignore_ascii_case(&to) {
                faults.at(&at, "it has that name already");
            }
            headers.rename.push((name, to));
        }
        for (key, written, texts) in
            [("/set", self.set, &mut headers.set), ("/append", self.append, &mut headers.append)]
        {
            for (name, value) in written {
                let at = pointer(&[at, key].concat(), &name);
                fields::check_name(faults, &at, &name);
                fields::check_value(faults, &at, &value);
                if texts.iter().any(|(other, _): &(String, Text)| other.eq_ignore_ascii_case(&name)) {
                    faults.at(&at, "this header stands here already, in other letters");
                }
                texts.push((name, Text::parse(&value, &at, faults)));
            }
        }
        headers
    }
}

impl Headers {
    pub(crate) fn is_empty(&self) -> bool {
        self.remove.is_empty()
            && self.beginnings.is_empty()
            && self.rename.is_empty()
            && self.set.is_empty()
            && self.append.is_empty()
    }

    /// What is set and appended for this request.
    pub(crate) fn fill(&self, request: &Request) -> Result<Values<'_>, TooLong> {
        self.set.iter().chain(&self.append).map(|(_, text)| text.fill(request, Destination::Header)).collect()
    }

    /// Edits a head, with values from before any of it.
    pub(crate) fn edit(&self, head: &mut impl Head, values: Values<'_>) -> Result<(), Unfit> {
        for name in &self.remove {
            head.remove(name)?;
        }
        if !self.beginnings.is_empty() {
            self.remove_beginnings(head)?;
        }
        for (name, to) in &self.rename {
            let mut values = head.values(name).into_iter();
            let Some(first) = values.next() else { continue };
            head.remove(name)?;
            head.set(to, &first)?;
            for value in values {
                head.append(to, &value)?;
            }
        }
        let mut values = values.into_iter();
        for ((name, _), value) in self.set.iter().zip(values.by_ref()) {
            match value {
                Some(value) => head.set(name, value.as_bytes())?,
                None => head.remove(name)?,
            }
        }
        for ((name, _), value) in self.append.iter().zip(values) {
            if let Some(value) = value {
                head.append(name, value.as_bytes())?;
            }
        }
        Ok(())
    }

    fn remove_beginnings(&self, head: &mut impl Head) -> Result<(), Unfit> {
        for (name, _) in head.all() {
            let small = name.to_ascii_lowercase();
            if self.beginnings.iter().any(|beginning| small.starts_with(beginning)) {
                match head.remove(&name) {
                    // What frames the message stays the host's.
                    Ok(()) | Err(Refusal::Forbidden) => {}
                    Err(refused) => return Err(refused.into()),
                }
            }
        }
        Ok(())
    }
}
