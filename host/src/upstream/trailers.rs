//! What may come behind a body.

use http::{HeaderMap, HeaderName};

/// Removes what must not come behind a body (RFC 9110, 6.5.1): framing, routing, who asks and what proves it. No filter has
/// seen trailers, and some servers read them as if they had come before the body.
pub(super) fn keep_trailers(trailers: &mut HeaderMap) {
    let is_out_of_place = |name: &HeaderName| {
        let name = name.as_str();
        // What servers may take for one of these: CGI and its heirs read `_` and the like as `-`.
        let is_odd = name.bytes().any(|byte| !byte.is_ascii_alphanumeric() && byte != b'-');
        let beginnings = [
            "content-",
            "x-forwarded",
            "x-original",
            "x-real",
            "x-client",
            "x-cluster",
            "x-remote",
            "client-",
            "remote-",
            "cf-",
            "proxy-",
            "if-",
            "sec-",
        ];
        let names = [
            "accept",
            "authorization",
            "connection",
            "cookie",
            "expect",
            "forwarded",
            "forwarded-for",
            "host",
            "keep-alive",
            "range",
            "te",
            "trailer",
            "transfer-encoding",
            "true-client-ip",
            "upgrade",
            "via",
        ];
        is_odd || names.contains(&name) || beginnings.iter().any(|beginning| name.starts_with(beginning))
    };
    let removed: Vec<HeaderName> = trailers.keys().filter(|name| is_out_of_place(name)).cloned().collect();
    for name in removed {
        trailers.remove(name);
    }
}
