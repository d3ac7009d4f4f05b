//! The entry's `config`, and what becomes of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use weir::config::{self, JsonText, Size};
use weir::{Document, Faults, setup};

use crate::json::Bounds;
use crate::kept::{Given, Kept, Text};
use crate::media::Types;
use crate::query::Parameters;
use crate::refusal::Answers;
use crate::schema::{Draft, Options};
use crate::{Limits, Query, Requests, Responses, Validate, uri};

/// The entry's `config`.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The schema of requests' bodies.
    request: Option<Request>,
    /// The schema of upstreams' answers.
    response: Option<Response>,
    /// The schema of the query: an object with a member for each parameter.
    query: Option<JsonText>,
    /// Schemas to which others may refer, by name or URI; nothing is fetched from elsewhere.
    #[serde(default)]
    schemas: BTreeMap<String, Other>,
    /// How often documents are read anew, from `1s` on.
    #[serde(default = "minute")]
    #[weir(default = "1m")]
    refresh: config::Duration,
    /// The draft of schemas that name none by `$schema`.
    #[serde(default)]
    #[weir(default = "2020-12")]
    draft: DraftName,
    /// Whether what `format` says must hold.
    #[serde(default)]
    #[weir(default = "draft")]
    formats: Formats,
    /// What becomes of bodies in which a name stands twice in one object.
    #[serde(default)]
    #[weir(default = "refuse")]
    duplicates: Duplicates,
    /// The most bytes of a body, decoded; up to the plugin's `limits.body`.
    #[serde(default = "mebibyte")]
    #[weir(default = "1MiB")]
    max: Size,
    /// How deeply a body may be nested, 1 to 64.
    #[serde(default = "deepest")]
    #[weir(default = 64)]
    depth: u8,
    /// How many steps a body may take to be read and checked, 1,000 to 10,000,000.
    #[serde(default = "steps")]
    #[weir(default = 100000)]
    steps: u32,
    /// The status for requests that do not fit: 400 or 422.
    #[serde(default = "bad_request")]
    #[weir(default = 400)]
    status: u16,
    /// How many errors are told of one request, 0 to 100.
    #[serde(default = "ten")]
    #[weir(default = 10)]
    errors: u8,
    /// The type of the problems that are told.
    problem: Option<ProblemType>,
    /// Refuse nothing; the log says what would have been.
    #[serde(default)]
    dry_run: bool,
}

/// What is said of requests.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Request {
    /// The schema itself.
    schema: Option<JsonText>,
    /// A document with the schema.
    document: Option<Document>,
    /// The methods whose bodies are checked.
    #[serde(default = "writing")]
    #[weir(default = ["POST", "PUT", "PATCH"])]
    methods: Vec<String>,
    /// The types of bodies that are checked; a `*` stands for anything.
    #[serde(default = "json_types")]
    #[weir(default = ["application/json", "application/*+json"])]
    types: Vec<String>,
    /// What becomes of bodies of another type.
    #[serde(default)]
    #[weir(default = "refuse")]
    other_types: OtherTypes,
    /// Whether there must be a body.
    #[serde(default = "yes")]
    #[weir(default = true)]
    required: bool,
}

/// What is said of responses.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Response {
    /// The schema itself.
    schema: Option<JsonText>,
    /// A document with the schema.
    document: Option<Document>,
    /// The statuses whose bodies are checked; all from 200 to 299 unless some are named.
    #[serde(default)]
    statuses: Vec<u16>,
    /// The types of bodies that are checked; a `*` stands for anything.
    #[serde(default = "json_types")]
    #[weir(default = ["application/json", "application/*+json"])]
    types: Vec<String>,
    /// What becomes of bodies of another type.
    #[serde(default)]
    #[weir(default = "refuse")]
    other_types: OtherTypes,
    /// What becomes of responses that do not fit.
    #[serde(default)]
    #[weir(default = "refuse")]
    on_misfit: OnMisfit,
}

/// A schema to which others refer.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Other {
    /// The schema itself.
    schema: Option<JsonText>,
    /// A document with the schema.
    document: Option<Document>,
}

/// A type of problems, as RFC 9457 has it.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct ProblemType {
    /// A URI.
    r#type: String,
    /// What all problems of the type are called.
    title: String,
}

/// A draft of JSON Schema.
#[derive(Clone, Copy, Debug, Default, Deserialize, weir::Config)]
pub(crate) enum DraftName {
    #[default]
    #[serde(rename = "2020-12")]
    TwentyTwenty,
    #[serde(rename = "07")]
    Seven,
}

/// Whether formats are asserted.
#[derive(Clone, Copy, Debug, Default, Deserialize, weir::Config)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Formats {
    /// As the draft has it: asserted in 07, notes in 2020-12.
    #[default]
    Draft,
    /// What is not of the format does not fit.
    Assert,
    /// Formats are notes for people.
    Annotate,
}

/// What becomes of names that stand twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, weir::Config)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Duplicates {
    /// Who reads the body next may take the other one.
    #[default]
    Refuse,
    /// Each is checked.
    Allow,
}

/// What becomes of bodies of other types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, weir::Config)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OtherTypes {
    /// They are refused.
    #[default]
    Refuse,
    /// They go on unchecked.
    Pass,
}

/// What becomes of responses that do not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, weir::Config)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnMisfit {
    /// The client gets a 502.
    #[default]
    Refuse,
    /// They go on, and the log says what is wrong.
    Log,
}

fn minute() -> config::Duration {
    Duration::from_secs(60).into()
}

fn mebibyte() -> Size {
    Size::from(1 << 20)
}

fn deepest() -> u8 {
    64
}

fn steps() -> u32 {
    100_000
}

fn bad_request() -> u16 {
    400
}

fn ten() -> u8 {
    10
}

fn yes() -> bool {
    true
}

fn writing() -> Vec<String> {
    ["POST", "PUT", "PATCH"].map(str::to_owned).into()
}

fn json_types() -> Vec<String> {
    ["application/json", "application/*+json"].map(str::to_owned).into()
}

/// What a schema without a name is called.
const ROOT: &str = "schema:///";

/// More would take too long to be compiled.
const MOST_SCHEMAS: usize = 64;

impl Config {
    /// The filter; what is wrong is noted.
    pub(crate) fn into_filter(self, faults: &mut Faults) -> Validate {
        self.check(faults);
        self.keep_fresh(faults);
        let options = Options {
            draft: match self.draft {
                DraftName::TwentyTwenty => Draft::TwentyTwenty,
                DraftName::Seven => Draft::Seven,
            },
            formats: match self.formats {
                Formats::Draft => None,
                Formats::Assert => Some(true),
                Formats::Annotate => Some(false),
            },
        };
        let mut others = Vec::new();
        for (name, other) in self.schemas {
            let pointer = place_of(&name);
            let uri = uri::resolve(ROOT, uri::split(&name).0);
            others.extend(given(other.schema, other.document, uri, &pointer, faults));
        }
        let compiled = |first: Option<Given>, faults: &mut Faults| {
            Kept::new(first.into_iter().chain(others.iter().cloned()).collect(), options, self.steps, faults)
        };
        let requests = self.request.map(|request| {
            let first = given(request.schema, request.document, ROOT.to_owned(), "/request", faults);
            Requests {
                kept: compiled(first, faults),
                methods: request.methods,
                types: types(&request.types, "/request", faults),
                passes_others: request.other_types == OtherTypes::Pass,
                is_required: request.required,
            }
        });
        let responses = self.response.map(|response| {
            let first = given(response.schema, response.document, ROOT.to_owned(), "/response", faults);
            Responses {
                kept: compiled(first, faults),
                statuses: response.statuses,
                types: types(&response.types, "/response", faults),
                passes_others: response.other_types == OtherTypes::Pass,
                only_logs: response.on_misfit == OnMisfit::Log,
            }
        });
        let query = self.query.map(|schema| {
            let text = Text::Written(schema.as_str().to_owned());
            let first = Given { uri: ROOT.to_owned(), pointer: "/query".to_owned(), text };
            Query { parameters: Parameters::of(schema.as_str()), kept: compiled(Some(first), faults) }
        });
        let misfits = setup::counter("misfits", "Messages that did not fit", ["message", "reason"]);
        if requests.is_none() && query.is_none() {
            setup::skip(setup::Hook::OnRequest);
        }
        if responses.is_none() {
            setup::skip(setup::Hook::OnResponse);
        }
        Validate {
            requests,
            responses,
            query,
            answers: Answers { status: self.status, kind: self.problem.map(|problem| (problem.r#type, problem.title)) },
            limits: Limits {
                bounds: Bounds {
                    depth: self.depth.into(),
                    steps: self.steps,
                    duplicates: self.duplicates == Duplicates::Allow,
                },
                max: u32::try_from(self.max.bytes()).unwrap_or(u32::MAX),
                errors: usize::from(self.errors),
            },
            misfits: misfits.ok(),
            is_dry: self.dry_run,
        }
    }

    /// Has the host read documents as often as it should.
    fn keep_fresh(&self, faults: &mut Faults) {
        let request = self.request.as_ref().map(|request| ("/request".to_owned(), &request.document));
        let response = self.response.as_ref().map(|response| ("/response".to_owned(), &response.document));
        let others = self.schemas.iter().map(|(name, other)| (place_of(name), &other.document));
        for (pointer, document) in request.into_iter().chain(response).chain(others) {
            if let Some(document) = document
                && let Err(refusal) = document.keep_fresh(self.refresh.get())
            {
                let words = ["the host does not keep it fresh: ", refusal.name()].concat();
                faults.at(&(pointer + "/document"), &words);
            }
        }
    }

    fn check(&self, faults: &mut Faults) {
        if self.request.is_none() && self.response.is_none() && self.query.is_none() {
            faults.at("", "there is nothing to check; write `request`, `response` or `query`");
        }
        if self.schemas.len() > MOST_SCHEMAS {
            faults.at("/schemas", "there are at most 64 schemas beside");
        }
        if self.refresh.get() < Duration::from_secs(1) {
            faults.at("/refresh", "documents are read at most once in 1s");
        }
        if !(1..=64).contains(&self.depth) {
            faults.at("/depth", "bodies are nested 1 to 64 levels deep");
        }
        if !(1_000..=10_000_000).contains(&self.steps) {
            faults.at("/steps", "there are 1,000 to 10,000,000 steps");
        }
        if !matches!(self.status, 400 | 422) {
            faults.at("/status", "requests that do not fit get 400 or 422");
        }
        if self.errors > 100 {
            faults.at("/errors", "at most 100 errors are told of one request");
        }
        if self.max.bytes() == 0 {
            faults.at("/max", "a body of no bytes is no JSON");
        }
        if let Some(request) = &self.request {
            if request.methods.is_empty() {
                faults.at("/request/methods", "without a method nothing is checked; leave `request` out");
            }
            for (index, method) in request.methods.iter().enumerate() {
                if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-') {
                    faults.at(
                        &["/request/methods/", &index.to_string()].concat(),
                        "methods are capital letters, as `POST`",
                    );
                }
            }
        }
        for (index, status) in self.response.iter().flat_map(|response| response.statuses.iter().enumerate()) {
            if !(200..600).contains(status) {
                faults.at(&["/response/statuses/", &index.to_string()].concat(), "statuses are 200 to 599");
            }
        }
        if let Some(problem) = &self.problem
            && (problem.r#type.is_empty() || problem.title.is_empty())
        {
            faults.at("/problem", "a type of problems has a URI and a title");
        }
    }
}

/// Where a schema stands to which others refer.
fn place_of(name: &str) -> String {
    let mut pointer = "/schemas".to_owned();
    crate::json::push(&mut pointer, name);
    pointer
}

/// The schema that is given, in one way.
fn given(
    schema: Option<JsonText>,
    document: Option<Document>,
    uri: String,
    pointer: &str,
    faults: &mut Faults,
) -> Option<Given> {
    match (schema, document) {
        (Some(schema), None) => {
            let text = Text::Written(schema.as_str().to_owned());
            Some(Given { uri, pointer: [pointer, "/schema"].concat(), text })
        }
        (None, Some(document)) => {
            Some(Given { uri, pointer: [pointer, "/document"].concat(), text: Text::Kept(document) })
        }
        (Some(_), Some(_)) => {
            faults.at(pointer, "there are two schemas; write `schema` or `document`");
            None
        }
        (None, None) => {
            faults.at(pointer, "there is no schema; write `schema` or `document`");
            None
        }
    }
}

fn types(patterns: &[String], pointer: &str, faults: &mut Faults) -> Types {
    Types::new(patterns).unwrap_or_else(|index| {
        let place = [pointer, "/types/", &index.to_string()].concat();
        faults.at(&place, "a type is as `application/json`, and one `*` in it stands for anything");
        Types::default()
    })
}
