//! A document that another one leads to: a JSON text names its URL at a place of which the operator wrote the pointer.
//!
//! Whoever can change that text must not choose where this proxy sends requests: the URL has to lead to an endpoint of the
//! upstream that the operator named.

use http::Uri;

/// Bytes of a URL that are shown.
const SHOWN: usize = 200;

/// Where a document's address is found, and where it may lead.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::plugin) struct Follow {
    /// The place of the URL in the JSON text.
    pub(in crate::plugin) pointer: String,
    /// The upstream that it leads to.
    pub(in crate::plugin) upstream: String,
    /// What that upstream's endpoints are, as URLs name them: `https://login.example.com:443`.
    pub(in crate::plugin) origins: Vec<String>,
}

impl Follow {
    /// Path and query that the text leads to, or why it leads nowhere.
    pub(super) fn target(&self, text: &[u8]) -> Result<String, String> {
        let pointer = &self.pointer;
        let document: serde_json::Value = serde_json::from_slice(text)
            .map_err(|error| format!("it is not JSON ({error}), so `{pointer}` leads nowhere"))?;
        let url = document.pointer(pointer).and_then(serde_json::Value::as_str);
        let url = url.ok_or_else(|| format!("it has no text at `{pointer}`"))?;
        let shown = shown(url);
        let uri: Uri = url.parse().map_err(|error| format!("`{shown}` at `{pointer}` is not a URL: {error}"))?;
        let origin = origin(&uri).ok_or_else(|| {
            format!("`{shown}` at `{pointer}` is not the URL of a document: it has to begin with https:// or http:// and a host")
        })?;
        if !self.origins.contains(&origin) {
            return Err(format!(
                "`{shown}` at `{pointer}` leads to {}, which is not an endpoint of upstream `{}` ({}): name the \
                 upstream that has it in `follow: {{ pointer: {pointer}, upstream: NAME }}`",
                self::shown(&origin),
                self.upstream,
                self.origins.join(", ")
            ));
        }
        Ok(uri.path_and_query().map_or("/", |target| target.as_str()).to_owned())
    }
}

fn shown(url: &str) -> String {
    url.chars().take(SHOWN).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Scheme, host and port, in one spelling.
fn origin(uri: &Uri) -> Option<String> {
    let scheme = uri.scheme_str()?;
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
    let host = authority.host();
    let port = match authority.as_str().strip_prefix(host)? {
        "" | ":" => usual,
        port => port.strip_prefix(':')?.parse::<u16>().ok()?,
    };
    Some(format!("{scheme}://{}:{port}", host.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::Follow;

    fn target(text: &str) -> Result<String, String> {
        let origins = ["http://127.0.0.1:9000", "https://login.example.com:443", "http://[::1]:80"];
        let follow = Follow {
            pointer: "/keys/0/uri".into(),
            upstream: "auth".into(),
            origins: origins.map(str::to_owned).into(),
        };
        follow.target(text.as_bytes())
    }

    fn of(url: &str) -> Result<String, String> {
        target(&serde_json::json!({ "keys": [{ "uri": url }] }).to_string())
    }

    #[test]
    fn a_url_of_an_endpoint_is_followed_however_it_is_spelt() {
        for (url, wanted) in [
            ("http://127.0.0.1:9000/keys?v=1", "/keys?v=1"),
            ("https://login.example.com/keys", "/keys"),
            ("https://LOGIN.example.com:443/a/keys#part", "/a/keys"),
            ("HTTPS://login.example.com", "/"),
            ("http://[::1]/keys", "/keys"),
        ] {
            assert_eq!(of(url).as_deref(), Ok(wanted), "{url}");
        }
    }

    #[test]
    fn it_leads_nowhere_else() {
        for (url, words) in [
            (
                "http://127.0.0.1:9001/keys",
                "leads to http://127.0.0.1:9001, which is not an endpoint of upstream `auth`",
            ),
            ("https://127.0.0.1:9000/keys", "leads to https://127.0.0.1:9000"),
            ("http://login.example.com/keys", "leads to http://login.example.com:80"),
            ("https://login.example.com.evil.example/keys", "not an endpoint"),
            ("https://login.example.com@evil.example/keys", "is not the URL of a document"),
            ("https://evil@login.example.com/keys", "is not the URL of a document"),
            ("//login.example.com/keys", "is not the URL of a document"),
            ("/keys", "is not the URL of a document"),
            ("keys", "is not"),
            ("file:///etc/passwd", "is not"),
            ("gopher://127.0.0.1:9000/keys", "is not the URL of a document"),
            ("http://127.0.0.1:9000\\@evil.example/", "is not"),
            ("http://127.0.0.1:99999/keys", "is not the URL of a document"),
            ("http://127.0.0.1:9000 /keys", "is not a URL"),
            ("", "is not"),
        ] {
            let said = of(url).expect_err(url);
            assert!(said.contains(words), "{url}: {said}");
        }
        assert!(of(&format!("https://{}/", "x".repeat(5000))).unwrap_err().len() < 1000);
    }

    #[test]
    fn what_leads_nowhere_is_told() {
        for (text, words) in [
            ("<html>", "it is not JSON"),
            ("", "it is not JSON"),
            ("{}", "it has no text at `/keys/0/uri`"),
            (r#"{"keys": [{"uri": 1}]}"#, "it has no text"),
            (&format!("{}{}", "[".repeat(500), "]".repeat(500)), "it is not JSON"),
        ] {
            let said = target(text).unwrap_err();
            assert!(said.contains(words), "{text}: {said}");
        }
    }
}
