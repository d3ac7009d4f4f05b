//! Sending clients from http to https.

use http::header::{self, HeaderValue};
use http::uri::Authority;
use http::{Response, StatusCode, request, response};

use super::Error;

/// The same URL at https, on this port of the same host. 308 keeps method and body.
pub(super) fn to_https(head: &request::Parts, port: u16) -> Result<response::Parts, Error> {
    let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok()).ok_or(Error::Host)?;
    let authority: Authority = host.parse().map_err(|_| Error::Host)?;
    if authority.host().is_empty() || host.contains('@') {
        return Err(Error::Host);
    }
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let location = match port {
        443 => format!("https://{}{target}", authority.host()),
        _ => format!("https://{}:{port}{target}", authority.host()),
    };
    let mut redirect = Response::new(()).into_parts().0;
    redirect.status = StatusCode::PERMANENT_REDIRECT;
    redirect.headers.insert(header::LOCATION, HeaderValue::try_from(location).map_err(|_| Error::Target)?);
    Ok(redirect)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(host: &str, target: &str, port: u16) -> Option<String> {
        let request = http::Request::get(target).header("host", host).body(()).unwrap();
        let redirect = to_https(&request.into_parts().0, port).ok()?;
        Some(redirect.headers["location"].to_str().unwrap().to_owned())
    }

    #[test]
    fn the_host_keeps_its_name_and_not_its_port() {
        for (host, target, port, expected) in [
            ("a.example", "/", 443, Some("https://a.example/")),
            ("a.example:8080", "/x?y=%20", 443, Some("https://a.example/x?y=%20")),
            ("a.example:8080", "/", 8443, Some("https://a.example:8443/")),
            ("[::1]:80", "/", 443, Some("https://[::1]/")),
            ("", "/", 443, None),
            (":80", "/", 443, None),
            ("u@a.example", "/", 443, None),
            ("a b", "/", 443, None),
        ] {
            assert_eq!(location(host, target, port).as_deref(), expected, "{host}");
        }
    }
}
