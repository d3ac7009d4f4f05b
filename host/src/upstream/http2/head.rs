//! A request's head as HTTP/2 says it.

use http::header::{self, HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{Request, Version};

use crate::config;
use crate::telemetry::traces::{PARENT, STATE};
use crate::upstream::endpoint::Endpoint;
use crate::upstream::{Error, Outbound};

/// What HTTP/2 says in other ways, or what is framing: RFC 9113, 8.2.2 and 8.3.1.
static NOT_SENT: [HeaderName; 8] = [
    header::HOST,
    header::CONNECTION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    // hyper says it from the body.
    header::CONTENT_LENGTH,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// The head, with `Host` as the authority.
pub(super) fn head(outbound: &Outbound<'_>, endpoint: &Endpoint) -> Result<Request<()>, Error> {
    let host = outbound.host.choose(outbound.head.headers.get(header::HOST), &endpoint.authority);
    let authority = Authority::try_from(host.as_bytes()).map_err(|_| Error::Request("its host is not an authority"))?;
    let path = PathAndQuery::try_from(outbound.target).map_err(|_| Error::Request("its path is not valid"))?;
    let scheme = if endpoint.config.scheme == config::Scheme::Https { Scheme::HTTPS } else { Scheme::HTTP };
    let uri = Uri::builder().scheme(scheme).authority(authority).path_and_query(path).build();
    let mut request = Request::new(());
    *request.method_mut() = outbound.head.method.clone();
    *request.uri_mut() = uri.map_err(|_| Error::Request("its target is not valid"))?;
    *request.version_mut() = Version::HTTP_2;
    let mut headers = outbound.head.headers.clone();
    for name in &NOT_SENT {
        headers.remove(name);
    }
    for (name, value) in outbound.added.iter() {
        headers.append(name, value.clone());
    }
    if let Some(parent) = outbound.parent()
        && let Ok(parent) = HeaderValue::from_bytes(&parent)
    {
        headers.insert(&PARENT, parent);
        if outbound.leaves_out(&STATE) {
            headers.remove(&STATE);
        }
    }
    if outbound.trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    *request.headers_mut() = headers;
    Ok(request)
}
