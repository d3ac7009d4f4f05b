//! The entry's `config`, and what becomes of it.

use serde::Deserialize;
use weir::{Faults, Message, Refusal, fields, setup};

use crate::several::Several;
use crate::status::Statuses;
use crate::{Transform, body, headers, pointer, query, request, response, rewrite};

/// The entry's `config`.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// What is changed about requests on their way to the upstream.
    request: Option<Request>,
    /// What is changed about responses on their way to the client.
    response: Option<Response>,
}

/// What is changed about requests.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Request {
    /// Headers that are this filter's alone: what clients send of them is removed on every route of the site.
    #[serde(default)]
    own: Vec<String>,
    /// Headers.
    headers: Option<headers::Written>,
    /// The path that goes to the upstream: the first rule that is about it.
    #[serde(default)]
    path: Several<rewrite::Written>,
    /// The query that goes to the upstream.
    query: Option<query::Written>,
    /// JSON bodies.
    body: Option<body::Written>,
}

/// What is changed about responses.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Response {
    /// Which responses; all if nothing is said.
    when: Option<When>,
    /// Another status.
    status: Option<u16>,
    /// Headers.
    headers: Option<headers::Written>,
    /// JSON bodies.
    body: Option<body::Written>,
}

/// Which responses.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct When {
    /// One of these statuses: `404`, `2xx`.
    status: Several<Statuses>,
}

impl Config {
    /// The filter; what is wrong is noted.
    pub(crate) fn into_filter(self, faults: &mut Faults) -> Transform {
        let filter = Transform {
            request: self.request.map(|request| request.into_side(faults)).unwrap_or_default(),
            response: self.response.map(|response| response.into_side(faults)).unwrap_or_default(),
        };
        if filter.request.is_empty() {
            setup::skip(setup::Hook::OnRequest);
        }
        if filter.response.is_empty() {
            setup::skip(setup::Hook::OnResponse);
        }
        if filter.request.is_empty() && filter.response.is_empty() && faults.iter().next().is_none() {
            faults.at("", "nothing says what is changed; write `request` or `response`");
        }
        filter
    }
}

impl Request {
    fn into_side(self, faults: &mut Faults) -> request::Side {
        for (index, name) in self.own.iter().enumerate() {
            let at = ["/request/own/", &index.to_string()].concat();
            fields::check_name(faults, &at, name);
            if setup::own_header(name) == Err(Refusal::TooLarge) {
                faults.at(&at, "a filter has at most 64 headers of its own");
            }
        }
        request::Side {
            headers: self.headers.unwrap_or_default().into_headers("/request/headers", faults),
            path: rewrite::rules(self.path, "/request/path", faults),
            query: self.query.map(|query| query.into_query("/request/query", faults)),
            body: self.body.map(|body| body.into_bodies(Message::Request, "/request/body", faults)),
        }
    }
}

impl Response {
    fn into_side(self, faults: &mut Faults) -> response::Side {
        if self.status.is_some_and(|status| !(200..600).contains(&status) || matches!(status, 204 | 205 | 304)) {
            faults.at(
                "/response/status",
                "a status is a number from 200 to 599 of a response with a body, so not 204, 205 or 304",
            );
        }
        let when = self.when.map(|when| {
            if when.status.is_empty() {
                faults.at(&pointer("/response/when", "status"), "no response has none of all statuses");
            }
            when.status.placed("").map(|(_, statuses)| statuses).collect()
        });
        response::Side {
            when,
            status: self.status,
            headers: self.headers.unwrap_or_default().into_headers("/response/headers", faults),
            body: self.body.map(|body| body.into_bodies(Message::Response, "/response/body", faults)),
        }
    }
}
