//! From the files that were asked for to the answer: its status, its fields and where its bytes are.

use std::collections::VecDeque;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LOCATION,
    RANGE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, request, response};

use super::beneath::How;
use super::conditions::{Decision, Validators};
use super::open::{Found, Opened, Trouble, find};
use super::pieces::{Pieces, Segment};
use super::ranges::{self, Part, Parts};
use super::{Candidate, Wanted};

/// What is not larger is read at once, and its file is closed before anybody waits for the client.
const SMALL: u64 = 64 << 10;

/// How often a file is read anew that changes meanwhile.
const MOST_LOOKS: usize = 4;

/// The fields that say which state and part of a file a client wants.
const ABOUT_FILES: [HeaderName; 6] = [IF_MATCH, IF_UNMODIFIED_SINCE, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_RANGE, RANGE];

/// Fields that describe a content, which a 304 does not have.
const ABOUT_CONTENT: [HeaderName; 4] = [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_DISPOSITION];

/// A request, as far as files depend on it.
#[derive(Clone, Debug)]
pub struct Asked {
    fields: HeaderMap,
    is_head: bool,
    /// What no file holds, to stand between parts.
    boundary: String,
}

impl Asked {
    /// What this request asks for; `boundary` is a word that nobody could foresee.
    pub fn of(request: &request::Parts, boundary: String) -> Self {
        let mut fields = HeaderMap::new();
        for name in &ABOUT_FILES {
            for value in request.headers.get_all(name) {
                fields.append(name, value.clone());
            }
        }
        Self { fields, is_head: request.method == Method::HEAD, boundary }
    }
}

/// An answer.
#[derive(Debug)]
pub struct Sent {
    /// Its head, `content-length` included.
    pub head: response::Parts,
    /// Why it is this one, for records.
    pub code: &'static str,
    /// The same in words.
    pub detail: String,
    /// Its bytes; none for HEAD.
    pub pieces: Pieces,
}

/// What came of it.
#[derive(Debug)]
pub enum Served {
    /// This is the answer.
    Sent(Box<Sent>),
    /// None of the files is there, and the request is to go on then. The code says why.
    GoesOn(&'static str),
    /// The disk has to be waited for.
    NotAtHand,
}

/// Looks for the files and makes the answer.
pub fn serve(wanted: &mut Wanted, asked: &Asked, how: How) -> Served {
    let (opened, number) = match find(wanted, how) {
        Found::File(opened, number) => (opened, number),
        Found::NotAtHand => return Served::NotAtHand,
        Found::Nothing(trouble) => {
            let may_go_on = trouble.is_of_one();
            let failure = failure(trouble);
            return if wanted.goes_on && may_go_on { Served::GoesOn(failure.code) } else { Served::Sent(failure) };
        }
    };
    send(opened, &mut wanted.candidates[number], asked, how)
}

fn send(mut opened: Opened, candidate: &mut Candidate, asked: &Asked, how: How) -> Served {
    if let Some(location) = candidate.location.take() {
        let mut head = head(candidate.status, std::mem::take(&mut candidate.fields));
        head.headers.insert(LOCATION, location);
        return sent(head, "redirect", candidate, Pieces::nothing());
    }
    for _ in 0..MOST_LOOKS {
        let plan = Plan::of(&opened, candidate, asked);
        let Plan { head, code, body } = match plan {
            Ok(plan) => plan,
            Err(failure) => return Served::Sent(failure),
        };
        let Some(segments) = body.filter(|_| !asked.is_head) else {
            return finish(head, code, candidate, Pieces::nothing());
        };
        let mut pieces = Pieces::of(opened, segments);
        if pieces.left() > SMALL {
            return finish(head, code, candidate, pieces);
        }
        match pieces.gather(how) {
            Some(Ok(bytes)) => return finish(head, code, candidate, Pieces::text(bytes)),
            None => return Served::NotAtHand,
            Some(Err(error)) if error.raw_os_error().is_some() => return Served::Sent(failure(Trouble::Disk(error))),
            Some(Err(_)) => {}
        }
        // It changed while it was read: what it is now.
        let again = pieces.into_file().map(|file| file.look().map(|facts| Opened { facts, ..file }));
        opened = match again {
            Some(Ok(opened)) => opened,
            Some(Err(error)) => return Served::Sent(failure(Trouble::Disk(error))),
            None => break,
        };
    }
    Served::Sent(failure(Trouble::Changing))
}

/// The candidate's own fields, beneath those that were made here.
fn finish(mut made: response::Parts, code: &'static str, candidate: &mut Candidate, pieces: Pieces) -> Served {
    let mut fields = std::mem::take(&mut candidate.fields);
    if made.status == StatusCode::NOT_MODIFIED {
        for name in &ABOUT_CONTENT {
            fields.remove(name);
        }
    }
    for (name, value) in made.headers.drain() {
        if let Some(name) = name {
            fields.insert(name, value);
        }
    }
    made.headers = fields;
    sent(made, code, candidate, pieces)
}

fn sent(head: response::Parts, code: &'static str, candidate: &mut Candidate, pieces: Pieces) -> Served {
    Served::Sent(Box::new(Sent { head, code, detail: std::mem::take(&mut candidate.path), pieces }))
}

/// How a file is to be answered.
struct Plan {
    head: response::Parts,
    code: &'static str,
    /// None if there is none, whatever the method.
    body: Option<VecDeque<Segment>>,
}

impl Plan {
    /// An error is an answer of its own, which has nothing of the file's.
    fn of(opened: &Opened, candidate: &Candidate, asked: &Asked) -> Result<Self, Box<Sent>> {
        let size = opened.facts.size;
        let mut head = head(candidate.status, HeaderMap::new());
        let whole = VecDeque::from([Segment::File(Part { first: 0, length: size })]);
        let validators = Validators::of(opened.facts, candidate.fields.get(CONTENT_ENCODING), SystemTime::now());
        if candidate.status != StatusCode::OK {
            head.headers.insert(CONTENT_LENGTH, size.into());
            return Ok(Self { head, code: "file", body: Some(whole) });
        }
        if let Some(validators) = &validators {
            validators.tell(&mut head.headers);
        }
        match validators.as_ref().map_or(Decision::Send, |validators| validators.decide(&asked.fields)) {
            Decision::Send => {}
            Decision::NotModified => {
                head.status = StatusCode::NOT_MODIFIED;
                return Ok(Self { head, code: "not-modified", body: None });
            }
            Decision::Failed => {
                return Err(words(StatusCode::PRECONDITION_FAILED, "precondition-failed", String::new()));
            }
        }
        head.headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        let may_be_parted = validators
            .map_or_else(|| !asked.fields.contains_key(IF_RANGE), |validators| validators.may_be_parted(&asked.fields));
        let parts = if may_be_parted && !asked.is_head { ranges::parse(&asked.fields, size) } else { Parts::Whole };
        let (code, body) = match parts {
            Parts::Whole => ("file", whole),
            Parts::None => {
                let mut sent = words(StatusCode::RANGE_NOT_SATISFIABLE, "no-such-part", String::new());
                insert(&mut sent.head.headers, CONTENT_RANGE, format!("bytes */{size}"));
                return Err(sent);
            }
            Parts::These(parts) => {
                head.status = StatusCode::PARTIAL_CONTENT;
                ("part", self::parts(&mut head.headers, &parts, size, candidate, asked))
            }
        };
        let length = body.iter().map(|segment| match segment {
            Segment::Text(text) => text.len() as u64,
            Segment::File(part) => part.length,
        });
        head.headers.insert(CONTENT_LENGTH, length.sum::<u64>().into());
        Ok(Self { head, code, body: Some(body) })
    }
}

/// One part as it is; several with a head each (RFC 9110, 15.3.7.2).
fn parts(fields: &mut HeaderMap, parts: &[Part], size: u64, candidate: &Candidate, asked: &Asked) -> VecDeque<Segment> {
    let range = |part: &Part| format!("bytes {}-{}/{size}", part.first, part.first + part.length - 1);
    if let [only] = parts {
        insert(fields, CONTENT_RANGE, range(only));
        return VecDeque::from([Segment::File(*only)]);
    }
    let boundary = &asked.boundary;
    let mut kind = Vec::new();
    if let Some(written) = candidate.fields.get(CONTENT_TYPE) {
        kind = [b"content-type: ", written.as_bytes(), b"\r\n"].concat();
    }
    let mut segments = VecDeque::with_capacity(2 * parts.len() + 1);
    for part in parts {
        let begin = format!("\r\n--{boundary}\r\n");
        let range = format!("content-range: {}\r\n\r\n", range(part));
        segments.push_back(Segment::Text([begin.as_bytes(), &kind, range.as_bytes()].concat().into()));
        segments.push_back(Segment::File(*part));
    }
    segments.push_back(Segment::Text(format!("\r\n--{boundary}--\r\n").into()));
    insert(fields, CONTENT_TYPE, format!("multipart/byteranges; boundary={boundary}"));
    segments
}

fn insert(fields: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        fields.insert(name, value);
    }
}

/// The answer where there is no file to send.
fn failure(trouble: Trouble) -> Box<Sent> {
    let not_found = StatusCode::NOT_FOUND;
    let (status, code, detail) = match trouble {
        Trouble::NoFile => (not_found, "no-file", String::new()),
        Trouble::NotAFile => (not_found, "not-a-file", "it is a folder, a device, a pipe or a socket".to_owned()),
        Trouble::Outside => {
            (not_found, "outside", "a link leads out of the directory, or round in a circle".to_owned())
        }
        Trouble::Unreadable(error) => (not_found, "unreadable", error.to_string()),
        Trouble::NoDirectory(error) => (StatusCode::SERVICE_UNAVAILABLE, "no-directory", error.to_string()),
        Trouble::TooMany(error) => (StatusCode::SERVICE_UNAVAILABLE, "too-many-files", error.to_string()),
        Trouble::Disk(error) => (StatusCode::INTERNAL_SERVER_ERROR, "disk-failed", error.to_string()),
        Trouble::Changing => {
            let detail = "it changed each time while it was read".to_owned();
            (StatusCode::SERVICE_UNAVAILABLE, "file-changes", detail)
        }
    };
    words(status, code, detail)
}

impl Sent {
    /// More files than may be open are open already.
    pub fn too_many(most: usize) -> Box<Self> {
        words(StatusCode::SERVICE_UNAVAILABLE, "too-many-files", format!("{most} are open: `limits.files`"))
    }

    /// The disk took too long.
    pub fn too_slow(limit: std::time::Duration) -> Box<Self> {
        words(
            StatusCode::SERVICE_UNAVAILABLE,
            "disk-slow",
            format!("it did not answer within {limit:?}: `limits.wait`"),
        )
    }
}

/// An answer that says no more than its status.
fn words(status: StatusCode, code: &'static str, detail: String) -> Box<Sent> {
    let mut head = head(status, HeaderMap::new());
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    head.headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let text = Bytes::from(format!("{status}\n"));
    head.headers.insert(CONTENT_LENGTH, text.len().into());
    Box::new(Sent { head, code, detail, pieces: Pieces::text(text) })
}

fn head(status: StatusCode, fields: HeaderMap) -> response::Parts {
    let mut head = Response::new(()).into_parts().0;
    head.status = status;
    head.headers = fields;
    head
}

#[cfg(test)]
mod tests {
    use std::io::Error;

    use rustix::io::Errno;

    use super::super::open::Trouble;
    use super::failure;

    #[test]
    fn every_trouble_has_its_answer() {
        for (error, status, code) in [
            (Errno::NOENT, 404, "no-file"),
            (Errno::NOTDIR, 404, "no-file"),
            (Errno::NAMETOOLONG, 404, "no-file"),
            (Errno::ISDIR, 404, "not-a-file"),
            (Errno::NXIO, 404, "not-a-file"),
            (Errno::XDEV, 404, "outside"),
            (Errno::LOOP, 404, "outside"),
            (Errno::ACCESS, 404, "unreadable"),
            (Errno::MFILE, 503, "too-many-files"),
            (Errno::NFILE, 503, "too-many-files"),
            (Errno::IO, 500, "disk-failed"),
            (Errno::STALE, 500, "disk-failed"),
        ] {
            let sent = failure(Trouble::of(error));
            assert_eq!((sent.head.status.as_u16(), sent.code), (status, code), "{error}");
            let text = sent.head.status.to_string() + "\n";
            assert_eq!(sent.pieces.left(), text.len() as u64, "a client is told no more than the status");
        }
        assert_eq!(failure(Trouble::NoDirectory(Error::other("x"))).code, "no-directory");
        assert_eq!(failure(Trouble::Changing).code, "file-changes");
    }
}
