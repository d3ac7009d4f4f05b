//! From what was written to what it means.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::super::fault::quoted;
use super::super::read::Reader;
use super::super::{Located, Place};
use super::file::{self};
use super::forms::{self, Lines, Table};
use super::settings::Settings;
use super::wanted::{self, AnyMatch, AnySent, AnyTotal};
use super::{Answer, Body, Case, Expect, Fitting, Line, Match, Named, Request, Sent, Step, TlsFacts, Total};

/// 2026-01-01T00:00:00Z.
const BEGINS: Duration = Duration::from_hours(490_896);

/// Of the addresses that are for documentation (RFC 5737).
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

type Refused = Option<Located<Vec<Located<String>>>>;

const HOST: &str = "example.com";
pub(super) const LISTENER: &str = "public";

/// Exchanges, and why the configuration is to be refused.
pub(super) fn steps(steps: Vec<file::Step>, reader: &mut Reader) -> (Vec<Step>, Refused) {
    let mut refused = None;
    let mut exchanges = Vec::with_capacity(steps.len());
    for mut written in steps {
        if let Some(faults) = written.expect.as_mut().and_then(|expect| expect.faults.take()) {
            refused = Some(faults);
        }
        exchanges.extend(step(written, reader));
    }
    (exchanges, refused)
}

pub(super) fn case(case: file::Case, (steps, refused): (Vec<Step>, Refused), reader: &mut Reader) -> Case {
    let random = match &case.random {
        Some(hex) => forms::bytes(hex, reader).unwrap_or_default(),
        None => Vec::new(),
    };
    let settings = Settings::new(&case, &steps);
    let stored =
        case.kv.0.into_iter().flat_map(|(store, values)| {
            values.0.into_iter().map(move |(key, value)| (store.clone(), key.value, value.0))
        });
    Case {
        name: case.name,
        begins: case.clock.map_or(BEGINS, |moment| moment.0),
        random: (random, case.seed.map_or(0, |seed| seed.0)),
        documents: case.documents.0.into_iter().map(|(name, document)| (name, document.0)).collect(),
        stored: stored.collect(),
        steps,
        refused,
        settings,
    }
}

fn step(step: file::Step, reader: &mut Reader) -> Option<Step> {
    let request = request(step.request, step.place, reader);
    let upstream = match step.upstream {
        Some(file::Upstream { status, headers, body, delay, failure, .. }) => {
            let status = status.map_or(200, |status| status.0);
            answer(status, &headers, body.map(|body| body.0), delay.map(|delay| delay.0), failure, reader)
        }
        None => answer(200, &Table(Vec::new()), None, None, None, reader),
    };
    let answers = step.http.unwrap_or_default().into_iter().map(|fitting| Fitting {
        answer: answer(
            fitting.status.map_or(200, |status| status.0),
            &fitting.headers,
            fitting.body.map(|body| body.0),
            fitting.delay.map(|delay| delay.0),
            fitting.failure,
            reader,
        ),
        upstream: fitting.upstream.value,
        method: fitting.method,
        path: fitting.path.map(Match::Like),
        times: fitting.times.map(|times| times.0),
    });
    Some(Step {
        place: step.place,
        name: step.name,
        advance: step.advance.map_or(Duration::ZERO, |advance| advance.value.0),
        documents: step.documents.0.into_iter().map(|(name, document)| (name, document.0)).collect(),
        vars: step.vars.0.into_iter().map(|(name, value)| (name.value, value)).collect(),
        answers: answers.collect(),
        upstream,
        expect: step.expect.map(expect).unwrap_or_default(),
        request: request?,
    })
}

fn request(request: Option<file::Request>, place: Place, reader: &mut Reader) -> Option<Request> {
    let Some(written) = request else {
        let mut head = http::Request::new(()).into_parts().0;
        head.headers.insert(http::header::HOST, HeaderValue::from_static(HOST));
        return Some(Request {
            head,
            body: None,
            peer: CLIENT,
            is_trusted: false,
            tls: None,
            listener: LISTENER.to_owned(),
            id: None,
        });
    };
    let mut builder = http::Request::builder();
    if let Some(method) = &written.method {
        match http::Method::from_bytes(method.value.as_bytes()) {
            Ok(method) => builder = builder.method(method),
            Err(_) => drop(reader.fault(method.place, format!("{} is not a method", quoted(&method.value)))),
        }
    }
    if let Some(path) = &written.path {
        match path.value.parse::<http::Uri>() {
            Ok(target) if path.value.starts_with('/') => builder = builder.uri(target),
            _ => {
                let fault = reader.fault(path.place, format!("{} is not a path", quoted(&path.value)));
                fault.help = Some("write a path with a slash first, and a query if there is one: `/a?b=1`".into());
            }
        }
    }
    let mut head = builder.body(()).ok()?.into_parts().0;
    let host = written.host.as_ref().map_or(HOST, |host| &host.value);
    match HeaderValue::from_str(host) {
        Ok(host) => drop(head.headers.insert(http::header::HOST, host)),
        Err(_) => drop(reader.fault(place, format!("{} is not a host", quoted(host)))),
    }
    fields(&written.headers, &mut head.headers, reader);
    let mut address = |written: &Option<Located<String>>| {
        let written = written.as_ref()?;
        let address = written.value.parse::<IpAddr>().ok();
        if address.is_none() {
            reader.fault(written.place, format!("{} is not an IP address", quoted(&written.value)));
        }
        address
    };
    let (peer, client) = (address(&written.peer), address(&written.client));
    let is_trusted = written.trusted.unwrap_or(false);
    if let (Some(peer), Some(client), Some(said)) = (peer, client, &written.client)
        && peer != client
    {
        if is_trusted {
            let client = HeaderValue::from_str(&client.to_string()).ok()?;
            head.headers.entry("x-forwarded-for").or_insert(client);
        } else {
            reader.fault(said.place, "a peer that is not trusted cannot speak for another client").help =
                Some("write `trusted: true`, or leave one of both out".into());
        }
    }
    let id = written.id.as_ref().and_then(|id| {
        let number = u128::from_str_radix(&id.value, 16).ok().filter(|_| id.value.len() == 32);
        if number.is_none() {
            reader.fault(id.place, format!("{} is not an exchange's id", quoted(&id.value))).help =
                Some("write 32 hexadecimal digits".into());
        }
        number
    });
    let body = written.body.map(|body| body.0);
    if let Some(body) = &body {
        let (name, value) = framing(body);
        head.headers.insert(name, value);
    }
    let tls = written.tls.and_then(|tls| tls.0).map(|tls| TlsFacts {
        version: tls.version.unwrap_or_else(|| "TLSv1.3".to_owned()),
        cipher: tls.cipher.unwrap_or_else(|| "TLS13_AES_128_GCM_SHA256".to_owned()),
        server_name: tls.server_name,
    });
    let peer = peer.or(client).unwrap_or(CLIENT);
    let listener = written.listener.map_or_else(|| LISTENER.to_owned(), |listener| listener.value);
    Some(Request { head, body, peer, is_trusted, tls, listener, id })
}

/// As a client says where its body ends.
fn framing(body: &Body) -> (HeaderName, HeaderValue) {
    if body.has_length {
        let length: usize = body.pieces.iter().map(bytes::Bytes::len).sum();
        (http::header::CONTENT_LENGTH, length.into())
    } else {
        (http::header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"))
    }
}

fn answer(
    status: u64,
    headers: &Table<Lines>,
    body: Option<Body>,
    delay: Option<Duration>,
    failure: Option<super::Failure>,
    reader: &mut Reader,
) -> Answer {
    let mut head = http::Response::new(()).into_parts().0;
    head.status = u16::try_from(status).ok().and_then(|status| status.try_into().ok()).unwrap_or_default();
    fields(headers, &mut head.headers, reader);
    Answer { head, body: body.unwrap_or_else(|| Body::of("")), delay: delay.unwrap_or_default(), failure }
}

fn fields(written: &Table<Lines>, headers: &mut HeaderMap, reader: &mut Reader) {
    for (name, values) in &written.0 {
        if name.value.eq_ignore_ascii_case("host") {
            reader.fault(name.place, "the host stands beside the fields").help =
                Some("write `host: NAME` in `request`, where `headers` is".into());
            continue;
        }
        let Ok(parsed) = HeaderName::from_bytes(name.value.as_bytes()) else {
            reader.fault(name.place, format!("{} is not the name of a field", quoted(&name.value)));
            continue;
        };
        for value in &values.0 {
            match HeaderValue::from_str(value) {
                Ok(value) => drop(headers.append(&parsed, value)),
                Err(_) => drop(reader.fault(name.place, format!("{} cannot be a field's value", quoted(value)))),
            }
        }
    }
}

fn expect(expect: file::Expect) -> Expect {
    let (code, detail) = expect.reason.map_or((None, None), |reason| (reason.code, reason.detail));
    Expect {
        flow: expect.flow,
        failure: expect.failure,
        status: expect
            .status
            .map(|status| Located { value: u16::try_from(status.value.0).unwrap_or_default(), place: status.place }),
        headers: named(expect.headers),
        trailers: named(expect.trailers),
        body: plain(expect.body),
        code: plain(code),
        detail: plain(detail),
        ended: expect.ended,
        upstream: expect.upstream.map(|sent| Located {
            value: match sent.value {
                AnySent::Nothing => None,
                AnySent::This(this) => Some(self::sent(*this)),
            },
            place: sent.place,
        }),
        vars: named(expect.vars),
        stored: expect.kv.0.into_iter().map(|(store, values)| (store, named(values))).collect(),
        log: expect.log.unwrap_or_default().into_iter().map(line).collect(),
        metrics: expect.metrics.0.into_iter().flat_map(|(name, total)| totals(&name, total)).collect(),
        notes: expect.notes,
        calls: expect
            .calls
            .map(|calls| Located { value: calls.value.into_iter().map(sent).collect(), place: calls.place }),
    }
}

fn line(line: wanted::Line) -> Line {
    let level = line.level.map(|level| level.value);
    Line { place: line.place, level, text: line.text.unwrap_or(Match::Any) }
}

fn totals(name: &Located<String>, total: AnyTotal) -> Vec<Total> {
    match total {
        AnyTotal::Sum(value) => vec![Total { name: name.clone(), labels: None, value }],
        AnyTotal::Each(each) => {
            let total = |labelled: file::Labelled| {
                let labels = labelled.labels.0.into_iter().map(|(name, value)| (name.value, value));
                Total { name: name.clone(), labels: Some(labels.collect()), value: labelled.value }
            };
            each.into_iter().map(total).collect()
        }
    }
}

fn sent(sent: file::Sent) -> Sent {
    Sent {
        place: sent.place,
        upstream: plain(sent.upstream),
        method: plain(sent.method),
        path: plain(sent.path),
        headers: named(sent.headers),
        body: plain(sent.body),
    }
}

fn named(table: Table<AnyMatch>) -> Vec<Named> {
    table.0.into_iter().map(|(name, wanted)| (name, wanted.0)).collect()
}

fn plain(wanted: Option<Located<AnyMatch>>) -> Option<Located<Match>> {
    wanted.map(|wanted| Located { value: wanted.value.0, place: wanted.place })
}

impl Body {
    /// All at once.
    pub(super) fn of(bytes: impl Into<bytes::Bytes>) -> Self {
        let bytes = bytes.into();
        let pieces = if bytes.is_empty() { Vec::new() } else { vec![bytes] };
        Self { pieces, has_length: true, breaks: false }
    }
}
