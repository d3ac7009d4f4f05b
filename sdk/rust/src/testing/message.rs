//! A request or a response, before and after the filter.

use crate::{Coding, Origin, Refusal, fields};

/// A request or a response.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
#[allow(clippy::struct_excessive_bools, reason = "each was done or not")]
pub struct Message<Head> {
    pub(super) head: Head,
    /// All fields in order.
    pub fields: Vec<(String, Vec<u8>)>,
    /// The body.
    pub bytes: Vec<u8>,
    /// Whether the filter replaced the body.
    pub replaced: bool,
    /// The coding, and its level, in which the filter lets the body go on.
    pub encoded: Option<(Coding, Option<u8>)>,
    /// The coding that the filter lets be taken off, and the most bytes that may come out.
    pub decoded: Option<(Coding, u64)>,
    /// The most bytes that may come out for each one that goes in, if the filter said so.
    pub decoded_within: Option<u32>,
    /// Whether the filter rewrites the body's chunks.
    pub rewritten: bool,
    /// Whether the filter observes the body's chunks.
    pub observed: bool,
    /// Whether one instance is kept for the body's chunks.
    pub pinned: bool,
    pub(super) buffered: bool,
}

/// What only a request has.
#[derive(Clone, Debug)]
pub struct RequestHead {
    pub(super) method: String,
    pub(super) scheme: String,
    pub(super) authority: String,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) upstream_path: Option<String>,
    /// What the filter set, if it did: a query or none.
    pub(super) upstream_query: Option<NewQuery>,
}

impl Default for RequestHead {
    fn default() -> Self {
        Self {
            method: "GET".to_owned(),
            scheme: "http".to_owned(),
            authority: "example.com".to_owned(),
            path: "/".to_owned(),
            query: None,
            upstream_path: None,
            upstream_query: None,
        }
    }
}

/// What a filter set in the query's place.
#[derive(Clone, Debug)]
pub(super) struct NewQuery(pub(super) Option<String>);

/// What only a response has.
#[derive(Clone, Debug)]
pub struct ResponseHead {
    pub(super) status: u16,
    pub(super) source: Origin,
}

impl Default for ResponseHead {
    fn default() -> Self {
        Self { status: 200, source: Origin::Upstream }
    }
}

impl<Head> Message<Head> {
    /// Adds a field.
    pub fn header(&mut self, name: &str, value: impl AsRef<[u8]>) -> &mut Self {
        self.fields.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets the body.
    pub fn body(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        bytes.as_ref().clone_into(&mut self.bytes);
        self
    }

    /// The first value of the field, if it is text.
    pub fn get(&self, name: &str) -> Option<&str> {
        first(&self.fields, name)
    }

    /// The field's values that are text, in order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.fields
            .iter()
            .filter(|(field, _)| field.eq_ignore_ascii_case(name))
            .filter_map(|(_, value)| std::str::from_utf8(value).ok())
            .collect()
    }

    /// Removes every field that a server may take for this one: some read `x_user` as `X-User`.
    pub(super) fn remove_owned(&mut self, name: &str) {
        let spelt = |byte: u8| if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'_' };
        self.fields.retain(|(field, _)| !field.bytes().map(spelt).eq(name.bytes().map(spelt)));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.fields.retain(|(field, _)| !field.eq_ignore_ascii_case(name));
    }
}

impl Message<RequestHead> {
    /// Sets the method.
    pub fn method(&mut self, method: &str) -> &mut Self {
        method.clone_into(&mut self.head.method);
        self
    }

    /// Sets the scheme.
    pub fn scheme(&mut self, scheme: &str) -> &mut Self {
        scheme.clone_into(&mut self.head.scheme);
        self
    }

    /// Sets the host, and port, that the client asked for.
    pub fn authority(&mut self, authority: &str) -> &mut Self {
        authority.clone_into(&mut self.head.authority);
        self
    }

    /// Sets the path that the client asked for.
    pub fn path(&mut self, path: &str) -> &mut Self {
        path.clone_into(&mut self.head.path);
        self
    }

    /// Sets what follows the `?`.
    pub fn query(&mut self, query: &str) -> &mut Self {
        self.head.query = Some(query.to_owned());
        self
    }

    /// The path that goes to the upstream.
    pub fn upstream_path(&self) -> &str {
        self.head.upstream_path.as_deref().unwrap_or(&self.head.path)
    }

    /// The query that goes to the upstream.
    pub fn upstream_query(&self) -> Option<&str> {
        self.head.upstream_query.as_ref().map_or(&self.head.query, |NewQuery(query)| query).as_deref()
    }
}

impl Message<ResponseHead> {
    /// Sets the status.
    pub fn status(&mut self, status: u16) -> &mut Self {
        self.head.status = status;
        self
    }

    /// Sets who made the response.
    pub fn source(&mut self, source: Origin) -> &mut Self {
        self.head.source = source;
        self
    }

    /// The status as the filter left it.
    pub fn status_code(&self) -> u16 {
        self.head.status
    }
}

pub(super) fn first<'a>(fields: &'a [(String, Vec<u8>)], name: &str) -> Option<&'a str> {
    let (_, value) = fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(value).ok()
}

/// Whether a filter may set this field.
pub(super) fn check(name: &str, value: &[u8]) -> Result<(), Refusal> {
    if !fields::is_name(name) {
        return Err(Refusal::InvalidName);
    }
    if fields::HOSTS_OWN.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        return Err(Refusal::Forbidden);
    }
    if !fields::is_value(value) {
        return Err(Refusal::InvalidValue);
    }
    if value.len() > 64 << 10 { Err(Refusal::TooLarge) } else { Ok(()) }
}
