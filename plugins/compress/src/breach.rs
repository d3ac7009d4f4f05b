//! Who could learn a secret from the length of a compressed answer.
//!
//! Where an answer holds a secret and something that the request brought along, it is a little shorter when the latter
//! repeats a part of the former. Who can make a victim's browser send many such requests and sees how long the answers
//! are, learns the secret letter by letter, in spite of TLS (BREACH, 2013). The requests come from a page of the
//! attacker's, and the browser adds the victim's credentials: just these are looked for.

use serde::Deserialize;
use weir::Request;

/// Which answers are not compressed, because who asks may not be who the credentials belong to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, weir::Config)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Breach {
    /// Those to requests with credentials that another site made a browser send.
    #[default]
    CrossSite,
    /// The same, and those of other origins of the same site.
    CrossOrigin,
    /// Those to all requests with credentials.
    Credentials,
    /// None of them: all are compressed.
    Ignore,
}

/// What browsers add by themselves; a token is added by who knows it.
const BROWSERS_OWN: [&str; 4] = ["basic", "digest", "negotiate", "ntlm"];

impl Breach {
    /// Whether the request is one whose answer is not compressed.
    pub(crate) fn is_foreign(self, request: &Request) -> bool {
        self != Self::Ignore
            && has_credentials(request)
            && (self == Self::Credentials || self.is_from_elsewhere(request))
    }

    fn is_from_elsewhere(self, request: &Request) -> bool {
        if let Some(site) = request.header_str("sec-fetch-site") {
            return match site.trim_ascii() {
                "same-origin" | "none" => false,
                "same-site" => self == Self::CrossOrigin,
                _ => true,
            };
        }
        // A browser of old, or no browser at all.
        let from = request.header_str("origin").or_else(|| request.header_str("referer"));
        from.is_some_and(|from| !is_host(&from, &request.authority()))
    }
}

fn has_credentials(request: &Request) -> bool {
    let is_browsers = |value: String| {
        let scheme = value.split(' ').next().unwrap_or_default();
        BROWSERS_OWN.iter().any(|own| scheme.eq_ignore_ascii_case(own))
    };
    request.header("cookie").is_some() || request.header_str("authorization").is_some_and(is_browsers)
}

/// Whether this URL is of this host. `null`, which stands for an origin that is not told, is of none.
fn is_host(url: &str, host: &str) -> bool {
    let rest = url.split_once("://").map(|(_, rest)| rest);
    rest.is_some_and(|rest| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        without_port(authority).eq_ignore_ascii_case(without_port(host))
    })
}

/// Without a port that the scheme implies: which scheme the browser used is not known behind another proxy.
fn without_port(authority: &str) -> &str {
    [":443", ":80"].iter().find_map(|port| authority.strip_suffix(port)).unwrap_or(authority)
}
