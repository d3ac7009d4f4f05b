//! Who may ask. A request that is refused here learns nothing of what is behind.

use std::cell::Cell;
use std::time::{Duration, Instant};

use http::{HeaderMap, Request, StatusCode, Version, header, uri::Authority};

use super::reply::Refusal;

const SAID_AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// What callers must show, and by which names they may call.
#[derive(Clone, Default)]
pub struct Rules {
    /// The token, if one is wanted.
    pub token: Option<String>,
    /// Names besides addresses and `localhost`, in lower case.
    pub hosts: Vec<String>,
    /// Whether only those who have shown a certificate are served.
    pub needs_certificate: bool,
    /// Whether probes are answered without either.
    pub has_open_probes: bool,
}

/// Without the token.
impl std::fmt::Debug for Rules {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Rules").field("hosts", &self.hosts).finish_non_exhaustive()
    }
}

/// Callers that were not let in, on their way to the log: one line for all within a second, for a log that is flooded
/// helps nobody.
#[derive(Debug, Default)]
pub struct Refused {
    count: Cell<u64>,
    said: Cell<Option<Instant>>,
}

impl Refused {
    pub(super) fn note(&self, why: &str) {
        self.count.set(self.count.get() + 1);
        if self.said.get().is_none_or(|said| said.elapsed() >= SAID_AT_MOST_EVERY) {
            let count = self.count.take();
            tracing::warn!("{count} requests to the admin address were not served, the last one because: {why}");
            self.said.set(Some(Instant::now()));
        }
    }
}

/// How a caller came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caller {
    /// Over a socket of the file system, which no browser can reach.
    pub is_local: bool,
    /// With a certificate, which was checked.
    pub has_certificate: bool,
}

/// Refuses what a page of a browser sends, and what reached this address under a name that is not its own: a page whose
/// name was made to lead here is of the same origin to its browser.
pub(super) fn refuse_browsers<B>(request: &Request<B>, rules: &Rules, caller: Caller) -> Result<(), Refusal> {
    let forbidden = |words: &str| Err(Refusal::new(StatusCode::FORBIDDEN, words));
    let headers = request.headers();
    let is_foreign = headers.get("sec-fetch-site").is_some_and(|site| site != "none");
    if headers.contains_key(header::ORIGIN) || is_foreign {
        return forbidden("pages of a browser may not call this address");
    }
    if caller.is_local {
        return Ok(());
    }
    let Some(host) = host(headers, request.uri().authority(), request.version()) else {
        return Err(Refusal::bad("the request must name one host"));
    };
    if is_own(&host, rules) {
        return Ok(());
    }
    forbidden("call this address by its number, not by a name; `admin: { hosts: [NAME] }` lets one be used")
}

/// Wants the certificate and the token, as far as there are.
pub(super) fn admit(headers: &HeaderMap, rules: &Rules, caller: Caller) -> Result<(), Refusal> {
    if rules.needs_certificate && !caller.has_certificate {
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "show a certificate"));
    }
    let Some(token) = &rules.token else { return Ok(()) };
    let mut shown = headers.get_all(header::AUTHORIZATION).iter();
    let bearer = match (shown.next(), shown.next()) {
        (Some(only), None) => bearer(only.as_bytes()),
        _ => None,
    };
    // Compared also where nothing is shown, so that the time tells nothing of that either.
    if is_same(bearer.unwrap_or_default(), token.as_bytes()) {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::UNAUTHORIZED, "show the token: Authorization: Bearer TOKEN"))
}

/// The one host that the request names.
fn host(headers: &HeaderMap, target: Option<&Authority>, version: Version) -> Option<String> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let said = match (hosts.next(), hosts.next()) {
        (Some(only), None) => only.to_str().ok()?.parse::<Authority>().ok()?,
        // Before 1.1 the target alone may name it.
        (None, _) if version < Version::HTTP_11 => target?.clone(),
        _ => return None,
    };
    // What the target names replaces the field; both must be right then.
    if target.is_some_and(|target| target.host() != said.host()) || said.as_str().contains('@') {
        return None;
    }
    Some(said.host().trim_matches(['[', ']']).to_ascii_lowercase())
}

fn is_own(host: &str, rules: &Rules) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok() || rules.hosts.iter().any(|known| known == host)
}

/// The scheme's name has no case.
fn bearer(shown: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = shown.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| rest.trim_ascii())
}

/// In a time that tells nothing of where they differ.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    use sha2::{Digest, Sha256};
    // Digests have one length, and what is learnt of a digest's bytes says nothing of the token's.
    let difference =
        Sha256::digest(one).iter().zip(Sha256::digest(other)).fold(0, |all, (one, other)| all | (one ^ other));
    std::hint::black_box(difference) == 0
}
