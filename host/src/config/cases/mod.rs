//! Cases that a filter is tried with: what comes in, what is there, and what is to come of it.
//!
//! Read as strictly as a configuration, by the same means: every fault at once, each with its place. What holds for all
//! cases is merged under each of them, part by part. How a case is run and compared is not known here; what its
//! configuration would be in an operator's file is ([`Case::configuration`]).

mod file;
mod forms;
mod merge;
mod settings;
#[cfg(test)]
mod tests;
mod values;
mod wanted;

use std::net::IpAddr;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::read::{Read, Reader};
use super::tree::{Kind, Node};
use super::{Fault, Located, Place, Source, tree};
use file::Whole;
use settings::Settings;

/// A file of cases: sound if it has no faults.
#[derive(Debug)]
pub struct Cases {
    /// The file; places point into it.
    pub sources: Arc<Vec<Source>>,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// The cases, in the file's order.
    pub cases: Vec<Case>,
}

/// One case.
#[derive(Debug)]
pub struct Case {
    /// What it shows.
    pub name: Located<String>,
    /// The time at which it begins, since 1970.
    pub begins: Duration,
    /// The first random bytes, and what follows behind them.
    pub random: (Vec<u8>, u64),
    /// Texts of documents at first.
    pub documents: Vec<(Located<String>, Document)>,
    /// What stores hold at first: store, key, value.
    pub stored: Vec<(Located<String>, String, Vec<u8>)>,
    /// Exchanges, one after the other.
    pub steps: Vec<Step>,
    /// Why the configuration is to be refused, if it is.
    pub refused: Option<Located<Vec<Located<String>>>>,
    settings: Settings,
}

/// One exchange.
#[derive(Debug)]
pub struct Step {
    /// Where it stands.
    pub place: Place,
    /// What it shows, if it says so.
    pub name: Option<String>,
    /// How much time passes before it.
    pub advance: Duration,
    /// Documents that have changed before it.
    pub documents: Vec<(Located<String>, Document)>,
    /// Variables that filters before have set.
    pub vars: Vec<(String, String)>,
    /// What the client asks.
    pub request: Request,
    /// What the upstream answers.
    pub upstream: Answer,
    /// What upstreams answer to the filter's own requests.
    pub answers: Vec<Fitting>,
    /// What is to come of it.
    pub expect: Expect,
}

/// A document: its text, and what a fetch brings later. None cannot be had.
#[derive(Clone, Debug)]
pub struct Document {
    /// At first.
    pub first: Option<Bytes>,
    /// When it is fetched anew.
    pub then: Option<Bytes>,
}

/// What a client asks.
#[derive(Debug)]
pub struct Request {
    /// Method, target, host and fields.
    pub head: http::request::Parts,
    /// Its body.
    pub body: Option<Body>,
    /// Where the connection comes from.
    pub peer: IpAddr,
    /// Whether the operator trusts that peer.
    pub is_trusted: bool,
    /// How the connection is protected.
    pub tls: Option<TlsFacts>,
    /// The listener's name.
    pub listener: String,
    /// The exchange's id, if it is not the step's number.
    pub id: Option<u128>,
}

/// How a connection is protected.
#[derive(Clone, Debug)]
pub struct TlsFacts {
    /// `TLSv1.3`.
    pub version: String,
    /// The cipher suite.
    pub cipher: String,
    /// The host that the client named.
    pub server_name: Option<String>,
}

/// A body, and how it comes.
#[derive(Clone, Debug)]
pub struct Body {
    /// Its pieces.
    pub pieces: Vec<Bytes>,
    /// Whether its length is told before.
    pub has_length: bool,
    /// Whether it breaks off behind its last piece.
    pub breaks: bool,
}

/// What an upstream answers.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status and fields.
    pub head: http::response::Parts,
    /// Its body.
    pub body: Body,
    /// How long it takes.
    pub delay: Duration,
    /// Nothing of this comes.
    pub failure: Option<Failure>,
}

/// How an upstream does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nobody listens.
    Unreachable,
    /// The connection is closed.
    Closed,
    /// Nothing comes.
    Timeout,
}

/// What an upstream answers to requests of a filter's own that fit.
#[derive(Clone, Debug)]
pub struct Fitting {
    /// The upstream's name.
    pub upstream: String,
    /// Only this method.
    pub method: Option<String>,
    /// Only such a path and query.
    pub path: Option<Match>,
    /// How often.
    pub times: Option<u64>,
    /// What it answers.
    pub answer: Answer,
}

/// What the filter does with an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It lets it go on.
    Next,
    /// It answers.
    Answer,
    /// It fails.
    Failed,
}

/// What is to come of an exchange. What is not there is not compared.
#[derive(Debug, Default)]
pub struct Expect {
    /// What the filter does.
    pub flow: Option<Located<Flow>>,
    /// How it fails.
    pub failure: Option<Located<String>>,
    /// The client's status.
    pub status: Option<Located<u16>>,
    /// The client's fields.
    pub headers: Vec<Named>,
    /// The fields behind the body.
    pub trailers: Vec<Named>,
    /// The client's body.
    pub body: Option<Located<Match>>,
    /// The code of the reason.
    pub code: Option<Located<Match>>,
    /// Its detail.
    pub detail: Option<Located<Match>>,
    /// How it ends.
    pub ended: Option<Located<String>>,
    /// What the upstream gets: nothing, or this.
    pub upstream: Option<Located<Option<Sent>>>,
    /// Variables at the end.
    pub vars: Vec<Named>,
    /// What stores hold at the end.
    pub stored: Vec<(Located<String>, Vec<Named>)>,
    /// Lines that are logged.
    pub log: Vec<Line>,
    /// What was counted.
    pub metrics: Vec<Total>,
    /// All notes.
    pub notes: Option<Located<Vec<String>>>,
    /// All requests of the filter's own.
    pub calls: Option<Located<Vec<Sent>>>,
}

/// Something by its name, and what it must be.
pub type Named = (Located<String>, Match);

/// What something must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Match {
    /// There, once, and this.
    Is(String),
    /// There as often, and these in order.
    Each(Vec<String>),
    /// There, whatever it is.
    Any,
    /// Not there.
    Absent,
    /// Such a pattern; `*` stands for anything.
    Like(String),
    /// All of these are in it.
    Contains(Vec<String>),
    /// The same JSON.
    Json(Value),
    /// These bytes.
    Bytes(Vec<u8>),
    /// Not this.
    Not(String),
}

/// A request, as its receiver is to see it.
#[derive(Debug)]
pub struct Sent {
    /// Where it stands.
    pub place: Place,
    /// The upstream's name.
    pub upstream: Option<Located<Match>>,
    /// The method.
    pub method: Option<Located<Match>>,
    /// Path and query.
    pub path: Option<Located<Match>>,
    /// Its fields.
    pub headers: Vec<Named>,
    /// Its body.
    pub body: Option<Located<Match>>,
}

/// A line of the log.
#[derive(Debug)]
pub struct Line {
    /// Where it stands.
    pub place: Place,
    /// Its level.
    pub level: Option<String>,
    /// What it says.
    pub text: Match,
}

/// A count.
#[derive(Debug)]
pub struct Total {
    /// The metric's name.
    pub name: Located<String>,
    /// Names and values of labels; none for the sum over all.
    pub labels: Option<Vec<(String, String)>>,
    /// As it is written.
    pub value: Located<String>,
}

impl Cases {
    /// `file:line` of a place.
    pub fn line_of(&self, place: Place) -> String {
        super::fault::line_of(&self.sources, place)
    }
}

/// Reads a file of cases.
pub fn load(path: &Path) -> std::io::Result<Cases> {
    let text = super::sources::read(path)?;
    Ok(parse(Source { path: path.to_owned(), text }))
}

/// Reads the text of a file of cases.
pub fn parse(source: Source) -> Cases {
    let mut reader = Reader::default();
    let environment = |name: &str| std::env::var(name).ok();
    let tree = tree::parse(&source.text, 0, &environment, &mut reader.faults);
    let cases = tree.and_then(|tree| Whole::read(&tree, &mut reader)).map(|whole| every(&whole, &mut reader));
    Cases { sources: Arc::new(vec![source]), faults: reader.faults, cases: cases.unwrap_or_default() }
}

/// The JSON Schema of the file.
pub fn schema() -> Value {
    file::schema()
}

fn every(whole: &Whole, reader: &mut Reader) -> Vec<Case> {
    if whole.cases.value.is_empty() {
        reader.fault(whole.cases.place, "there is no case here").help =
            Some("write `cases: [{ name: ..., request: { path: / }, expect: { status: 200 } }]`".into());
    }
    let defaults = whole.defaults.as_ref().map(|defaults| &defaults.0);
    if let Some(own) = defaults.and_then(|defaults| merge::value(defaults, "name")) {
        reader.fault(own.place, "a name is a case's own").help = Some("move it into the case".into());
    }
    let cases = whole.cases.value.iter().filter_map(|case| one(&case.0, defaults, reader));
    cases.collect()
}

fn one(written: &Rc<Node>, defaults: Option<&Rc<Node>>, reader: &mut Reader) -> Option<Case> {
    let known: Vec<&str> = file::CASE.into_iter().chain(file::SHARED).chain(["steps"]).collect();
    let node = match defaults.filter(|_| matches!(written.kind, Kind::Map(_))) {
        Some(defaults) => merge::merge(defaults, written),
        None => Rc::clone(written),
    };
    let before = reader.faults.len();
    reader.map(&node, &known)?;
    let is_misspelt = reader.faults.len() > before && merge::value(&node, "name").is_none();
    let shared = merge::part(&node, |key| file::SHARED.contains(&key));
    let steps = match merge::value(&node, "steps").map(|steps| (steps, &steps.kind)) {
        None => vec![Rc::clone(&shared)],
        Some((_, Kind::List(steps))) if !steps.is_empty() => {
            steps.iter().map(|step| merge::merge(&shared, step)).collect()
        }
        Some((steps, _)) => {
            reader.expected::<()>("a list of steps", steps);
            Vec::new()
        }
    };
    let steps: Vec<file::Step> = steps.iter().filter_map(|step| file::Step::read(step, reader)).collect();
    let steps = values::steps(steps, reader);
    if is_misspelt {
        // That the name is missing would be said once more.
        return None;
    }
    let case = file::Case::read(&merge::part(&node, |key| file::CASE.contains(&key)), reader)?;
    Some(values::case(case, steps, reader))
}
