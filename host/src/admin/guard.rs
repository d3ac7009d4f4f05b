//! Who may ask.

use http::{Request, StatusCode, header};
use hyper::body::Incoming;

/// Whether this caller may ask.
pub(super) fn admit(request: &Request<Incoming>, token: Option<&str>) -> Result<(), (StatusCode, &'static str)> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_matches(['[', ']']);
    let is_address = name == "localhost" || name.parse::<std::net::IpAddr>().is_ok();
    if !is_address && token.is_none() {
        return Err((StatusCode::FORBIDDEN, "call this address by its number, not by a name"));
    }
    if request.headers().contains_key(header::ORIGIN) {
        return Err((StatusCode::FORBIDDEN, "pages of a browser may not call this address"));
    }
    let Some(token) = token else { return Ok(()) };
    let shown = request.headers().get(header::AUTHORIZATION).map(http::HeaderValue::as_bytes).unwrap_or_default();
    if shown.strip_prefix(b"Bearer ").is_some_and(|shown| is_same(shown, token.as_bytes())) {
        return Ok(());
    }
    Err((StatusCode::UNAUTHORIZED, "show the token: Authorization: Bearer TOKEN"))
}

/// In a time that tells nothing of where they differ.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    use sha2::{Digest, Sha256};
    // Digests have one length, and what is learnt of a digest's bytes says nothing of the token's.
    let difference =
        Sha256::digest(one).iter().zip(Sha256::digest(other)).fold(0, |all, (one, other)| all | (one ^ other));
    difference == 0
}
