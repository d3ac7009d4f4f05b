//! `validate`: lets through requests and responses whose JSON fits a schema, and says of the rest what is wrong and where.
//! Bodies go on as they came, byte for byte.

mod check;
mod config;
mod format;
mod json;
mod kept;
mod media;
mod number;
mod query;
mod refusal;
mod regex;
mod schema;
mod steps;
mod uri;

use config::Config;
use json::Bounds;
use kept::Kept;
use media::{Coded, Kind, Types, coded, kind};
use query::Parameters;
use refusal::{Answers, Refusal};
use schema::Schemas;
use weir::metrics::Counter;
use weir::{Body, Ended, Error, Faults, Flow, Message, Origin, Request, Response, Result, Resumed, exchange};

struct Validate {
    requests: Option<Requests>,
    responses: Option<Responses>,
    query: Option<Query>,
    answers: Answers,
    limits: Limits,
    misfits: Option<Counter<2>>,
    is_dry: bool,
}

/// What is said of requests' bodies.
struct Requests {
    kept: Kept,
    methods: Vec<String>,
    types: Types,
    passes_others: bool,
    is_required: bool,
}

/// What is said of responses' bodies.
struct Responses {
    kept: Kept,
    statuses: Vec<u16>,
    types: Types,
    passes_others: bool,
    only_logs: bool,
}

/// What is said of queries.
struct Query {
    parameters: Parameters,
    kept: Kept,
}

/// What a message may cost.
struct Limits {
    bounds: Bounds,
    max: u32,
    errors: usize,
}

/// What comes of a message's head.
enum Head {
    /// There is nothing to check.
    Pass,
    /// The body is to be read first.
    Body,
    /// A document with a schema is to be fetched first.
    Fetch(weir::Document),
    Refused(Refusal),
}

#[weir::filter]
impl Validate {
    fn configure(config: Config) -> std::result::Result<Self, Faults> {
        let mut faults = Faults::default();
        let filter = config.into_filter(&mut faults);
        faults.or(filter)
    }

    fn on_request(&self, request: &mut Request) -> Result {
        self.request(request, true)
    }

    fn on_response(&self, request: &Request, response: &mut Response) -> Result {
        self.response(request, response, true)
    }

    /// A document has been fetched, or not.
    fn on_resume(&self, resumed: &mut Resumed) -> Result {
        match &mut resumed.response {
            Some(response) => self.response(&resumed.request, response, false),
            None => self.request(&mut resumed.request, false),
        }
    }

    fn on_request_body(&self, request: &mut Request, body: &mut Body) -> Result {
        let Some(requests) = &self.requests else { return Ok(Flow::Next) };
        match self.request_body(requests, request, body)? {
            Ok(()) => Ok(Flow::Next),
            Err(refusal) => self.refuse_request(&refusal),
        }
    }

    fn on_response_body(&self, response: &mut Response, body: &mut Body) -> Result {
        let Some(responses) = &self.responses else { return Ok(Flow::Next) };
        let checked = match kind(&responses.types, &response.header_values("content-type")) {
            Kind::None if responses.passes_others || body.len() == Ok(0) => Ok(()),
            Kind::None => Err(Refusal::wrong_type(String::new())),
            _ if body.len() == Ok(0) => Err(Refusal::no_body()),
            _ => self.body(&responses.kept, body)?,
        };
        match checked {
            Ok(()) => Ok(Flow::Next),
            Err(refusal) => self.refuse_response(responses, &refusal),
        }
    }
}

impl Validate {
    fn request(&self, request: &mut Request, may_fetch: bool) -> Result {
        match self.request_head(request, may_fetch)? {
            Head::Pass => Ok(Flow::Next),
            Head::Body => request.buffer(self.limits.max),
            Head::Fetch(document) => document.refresh(),
            Head::Refused(refusal) => self.refuse_request(&refusal),
        }
    }

    fn request_head(&self, request: &mut Request, may_fetch: bool) -> Result<Head> {
        if let Some(query) = &self.query {
            match schemas(&query.kept, may_fetch)? {
                Ok(schemas) => {
                    if let Err(refusal) = self.query(query, &schemas, &request.query().unwrap_or_default()) {
                        return Ok(Head::Refused(refusal));
                    }
                }
                Err(head) => return Ok(head),
            }
        }
        let Some(requests) = &self.requests else { return Ok(Head::Pass) };
        let method = request.method();
        if !requests.methods.contains(&method) {
            return Ok(Head::Pass);
        }
        match kind(&requests.types, &request.header_values("content-type")) {
            // Without a type there may be no body.
            Kind::Right | Kind::None => {}
            Kind::Other if requests.passes_others => return Ok(Head::Pass),
            Kind::Other => return Ok(Head::Refused(Refusal::wrong_type(requests.types.accept()))),
            Kind::Charset => return Ok(Head::Refused(Refusal::wrong_charset())),
        }
        if let Err(head) = schemas(&requests.kept, may_fetch)? {
            return Ok(head);
        }
        match coded(&request.header_values("content-encoding")) {
            Coded::Not => {}
            Coded::With(coding) => request.decode(coding, self.decoded())?,
            Coded::Unknown => return Ok(Head::Refused(Refusal::wrong_coding())),
        }
        Ok(Head::Body)
    }

    fn request_body(
        &self,
        requests: &Requests,
        request: &Request,
        body: &Body,
    ) -> Result<std::result::Result<(), Refusal>> {
        if body.len() == Ok(0) {
            return Ok(if requests.is_required { Err(Refusal::no_body()) } else { Ok(()) });
        }
        if kind(&requests.types, &request.header_values("content-type")) == Kind::None {
            return Ok(if requests.passes_others { Ok(()) } else { Err(Refusal::wrong_type(requests.types.accept())) });
        }
        self.body(&requests.kept, body)
    }

    fn response(&self, request: &Request, response: &mut Response, may_fetch: bool) -> Result {
        let Some(responses) = &self.responses else { return Ok(Flow::Next) };
        match self.response_head(responses, request, response, may_fetch)? {
            Head::Pass => Ok(Flow::Next),
            Head::Body => response.buffer(self.limits.max),
            Head::Fetch(document) => document.refresh(),
            Head::Refused(refusal) => self.refuse_response(responses, &refusal),
        }
    }

    fn response_head(
        &self,
        responses: &Responses,
        request: &Request,
        response: &mut Response,
        may_fetch: bool,
    ) -> Result<Head> {
        // What filters and the proxy itself answer is not the upstream's to get right.
        if response.source() != Origin::Upstream {
            return Ok(Head::Pass);
        }
        let status = response.status();
        let is_meant = if responses.statuses.is_empty() {
            (200..300).contains(&status)
        } else {
            responses.statuses.contains(&status)
        };
        // A part of a body is not the whole, and an answer to HEAD has none.
        if !is_meant || matches!(status, 204 | 205 | 206 | 304) || request.method() == "HEAD" {
            return Ok(Head::Pass);
        }
        match kind(&responses.types, &response.header_values("content-type")) {
            Kind::Right | Kind::None => {}
            Kind::Other if responses.passes_others => return Ok(Head::Pass),
            Kind::Other => return Ok(Head::Refused(Refusal::wrong_type(String::new()))),
            Kind::Charset => return Ok(Head::Refused(Refusal::wrong_charset())),
        }
        if let Err(head) = schemas(&responses.kept, may_fetch)? {
            return Ok(head);
        }
        match coded(&response.header_values("content-encoding")) {
            Coded::Not => {}
            Coded::With(coding) => response.decode(coding, self.decoded())?,
            Coded::Unknown => return Ok(Head::Refused(Refusal::wrong_coding())),
        }
        Ok(Head::Body)
    }

    /// More than may be there: what is beyond is told by the buffer, which knows that it is too long and not damaged.
    fn decoded(&self) -> u64 {
        u64::from(self.limits.max) * 2 + (1 << 20)
    }

    /// Whether a body that was read fits.
    fn body(&self, kept: &Kept, body: &Body) -> Result<std::result::Result<(), Refusal>> {
        match body.outcome() {
            Ended::Done => {}
            Ended::OverLimit => return Ok(Err(Refusal::too_large())),
            Ended::TimedOut => return Ok(Err(Refusal::too_slow())),
            Ended::Failed => return Ok(Err(Refusal::broken_off())),
        }
        let Some(schemas) = kept.look()? else { return Ok(Err(Refusal::no_schema())) };
        let json = match json::read(body.bytes()?, &self.limits.bounds) {
            Ok(json) => json,
            Err(why) => return Ok(Err(Refusal::unreadable(why))),
        };
        Ok(match check::check(&schemas, &json, self.left(&json), self.limits.errors) {
            Ok(check::Verdict::Fits) => Ok(()),
            Ok(check::Verdict::Misfits(misfits)) => Err(Refusal::unfit(misfits)),
            Err(_) => Err(Refusal::too_complex()),
        })
    }

    /// The steps that reading has left.
    fn left(&self, json: &json::Json) -> u32 {
        self.limits.bounds.steps.saturating_sub(json.steps())
    }

    fn query(&self, query: &Query, schemas: &Schemas, text: &str) -> std::result::Result<(), Refusal> {
        let object = query.parameters.read(text).map_err(|misfit| Refusal::query(vec![misfit]))?;
        // An object with lists in it, each name once, whatever bodies may be.
        let bounds = Bounds { depth: 2, duplicates: true, ..self.limits.bounds };
        let json = json::read(object.into_bytes(), &bounds).map_err(Refusal::unreadable)?;
        match check::check(schemas, &json, self.left(&json), self.limits.errors) {
            Ok(check::Verdict::Fits) => Ok(()),
            Ok(check::Verdict::Misfits(misfits)) => Err(Refusal::query(misfits)),
            Err(_) => Err(Refusal::too_complex()),
        }
    }

    /// Refuses, or in a dry run only says so.
    fn refuse_request(&self, refusal: &Refusal) -> Result {
        self.count(Message::Request, refusal);
        if self.is_dry && !refusal.is_lost() {
            let status = self.answers.status_of(refusal);
            weir::info!("would refuse with {status} ({}): {}", refusal.code, refusal.in_words());
            exchange::note("would-refuse");
            return Ok(Flow::Next);
        }
        Err(self.answers.request(refusal))
    }

    fn refuse_response(&self, responses: &Responses, refusal: &Refusal) -> Result {
        self.count(Message::Response, refusal);
        if (self.is_dry || responses.only_logs) && !refusal.is_lost() {
            weir::warn!("the response is not as it should be ({}): {}", refusal.code, refusal.in_words());
            exchange::note("misfit");
            return Ok(Flow::Next);
        }
        Err(Answers::response(refusal))
    }

    fn count(&self, about: Message, refusal: &Refusal) {
        if let Some(misfits) = &self.misfits {
            misfits.add([if about == Message::Request { "request" } else { "response" }, refusal.code], 1);
        }
    }
}

/// The schemas, or what is to be done where there is no good copy of them.
fn schemas(
    kept: &Kept,
    may_fetch: bool,
) -> std::result::Result<std::result::Result<std::rc::Rc<Schemas>, Head>, Error> {
    if let Some(schemas) = kept.look()? {
        return Ok(Ok(schemas));
    }
    Ok(Err(match kept.missing()? {
        Some(document) if may_fetch => Head::Fetch(document.clone()),
        _ => Head::Refused(Refusal::no_schema()),
    }))
}

#[cfg(test)]
mod tests;
