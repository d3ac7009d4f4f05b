//! What the endpoint is told of a request, as JSON.

use serde::{Serialize, Serializer};
use weir::{Request, exchange};

use crate::caller::{Caller, Names, items};

/// What of a request goes into a question.
#[derive(Debug)]
pub(crate) struct Question {
    /// By their numbers.
    pub(crate) vars: Vec<(String, usize)>,
    /// In small letters.
    pub(crate) headers: Vec<String>,
    pub(crate) has_query: bool,
    pub(crate) has_client: bool,
    /// Whether all of it stands under `input`, as Open Policy Agent wants it.
    pub(crate) is_input: bool,
}

#[derive(Serialize)]
struct Input<'a> {
    input: Asked<'a>,
}

#[derive(Serialize)]
struct Asked<'a> {
    request: About<'a>,
    vars: Members<'a, Value<'a>>,
    site: String,
    route: String,
}

#[derive(Serialize)]
struct About<'a> {
    method: String,
    scheme: String,
    host: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    headers: Members<'a, Vec<String>>,
}

/// An object with these members.
pub(super) struct Members<'a, T>(pub(super) Vec<(&'a str, T)>);

impl<T: Serialize> Serialize for Members<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// Variables with roles are lists, all others texts: what somebody may choose as a name cannot look like a list of roles.
#[derive(Serialize)]
#[serde(untagged)]
enum Value<'a> {
    List(Vec<std::borrow::Cow<'a, str>>),
    Text(&'a str),
}

impl Question {
    pub(crate) fn ask(&self, request: &Request, names: &Names, caller: &Caller<'_>) -> weir::Result<Vec<u8>> {
        let text = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
        let values = |name: &String| request.header_values(name).into_iter().map(text).collect::<Vec<_>>();
        let var = |(name, number): &'_ (String, usize)| {
            caller.var(*number).map(|value| match names.role_split(name) {
                Some(split) => Value::List(items(value, split)),
                None => Value::Text(value),
            })
        };
        let asked = Asked {
            request: About {
                method: request.method(),
                scheme: request.scheme(),
                host: request.authority(),
                path: request.path(),
                // Without the credentials that a filter before took out of it.
                query: if self.has_query { request.upstream_query() } else { None },
                client: self.has_client.then(exchange::client_address),
                headers: Members(
                    self.headers
                        .iter()
                        .map(|name| (name.as_str(), values(name)))
                        .filter(|(_, values)| !values.is_empty())
                        .collect(),
                ),
            },
            vars: Members(self.vars.iter().filter_map(|known| Some((known.0.as_str(), var(known)?))).collect()),
            site: exchange::site(),
            route: exchange::route(),
        };
        Ok(if self.is_input { serde_json::to_vec(&Input { input: asked })? } else { serde_json::to_vec(&asked)? })
    }
}
