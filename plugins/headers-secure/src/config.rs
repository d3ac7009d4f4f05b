//! The entry's `config`, and what becomes of it.

use serde::{Deserialize, Deserializer};
use weir::schema::{Node, Schema};
use weir::{Faults, fields};

use crate::switch::{Policy, Switch};
use crate::{HeadersSecure, csp, permissions, words};

/// The entry's `config`. Each header can be switched off with `false` or `null`.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// `Strict-Transport-Security`, on https only.
    #[serde(default = "hsts")]
    hsts: Switch<Hsts>,
    /// `Content-Security-Policy`: a text, or directives with their sources.
    #[serde(default)]
    content_security_policy: Switch<Policy>,
    /// `Content-Security-Policy-Report-Only`: the same; browsers tell what they would block.
    #[serde(default)]
    content_security_policy_report_only: Switch<Policy>,
    /// `X-Content-Type-Options`.
    #[serde(default = "nosniff")]
    #[weir(default = "nosniff")]
    content_type_options: Switch<String>,
    /// `X-Frame-Options`: `DENY` or `SAMEORIGIN`. Not sent by default where the policy has `frame-ancestors`.
    #[serde(default)]
    frame_options: Frames,
    /// `Referrer-Policy`.
    #[serde(default = "referrer_policy")]
    #[weir(default = "strict-origin-when-cross-origin")]
    referrer_policy: Switch<String>,
    /// `Permissions-Policy`: a text, or features with who may use them.
    #[serde(default)]
    permissions_policy: Switch<Policy>,
    /// `Cross-Origin-Opener-Policy`.
    #[serde(default)]
    cross_origin_opener_policy: Switch<String>,
    /// `Cross-Origin-Embedder-Policy`.
    #[serde(default)]
    cross_origin_embedder_policy: Switch<String>,
    /// `Cross-Origin-Resource-Policy`.
    #[serde(default)]
    cross_origin_resource_policy: Switch<String>,
    /// Headers to take away, whoever set them.
    #[serde(default = "telling")]
    #[weir(default = ["server", "x-powered-by", "x-aspnet-version", "x-aspnetmvc-version"])]
    remove: Vec<String>,
    /// What becomes of a header that the response has already.
    #[serde(default)]
    #[weir(default = "keep")]
    existing: Existing,
}

/// `X-Frame-Options`, whose default depends on the policy: none if nothing is written.
#[derive(Debug, Default)]
struct Frames(Option<Switch<String>>);

impl Schema for Frames {
    const SCHEMA: &'static Node = Switch::<String>::SCHEMA;
}

impl<'de> Deserialize<'de> for Frames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Switch::deserialize(deserializer).map(|written| Self(Some(written)))
    }
}

/// What becomes of a header that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, weir::Config)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Existing {
    /// It stays.
    #[default]
    Keep,
    /// What is written here takes its place.
    Replace,
}

/// `Strict-Transport-Security`.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Hsts {
    /// Seconds for which browsers use https only, as in the header; 0 makes them forget it.
    #[serde(default = "year")]
    #[weir(default = 31_536_000)]
    max_age: u64,
    /// For all names below the host's, too.
    #[serde(default)]
    include_subdomains: bool,
    /// Ask to be put on the browsers' own lists.
    #[serde(default)]
    preload: bool,
    /// Send it without TLS, too: for a Weir behind a proxy that does the TLS.
    #[serde(default)]
    always: bool,
}

/// What the browsers' lists ask for.
const YEAR: u64 = 365 * 24 * 60 * 60;

fn year() -> u64 {
    YEAR
}

fn hsts() -> Switch<Hsts> {
    Switch::On(Hsts { max_age: YEAR, include_subdomains: false, preload: false, always: false })
}

fn nosniff() -> Switch<String> {
    Switch::On("nosniff".to_owned())
}

fn referrer_policy() -> Switch<String> {
    Switch::On("strict-origin-when-cross-origin".to_owned())
}

fn telling() -> Vec<String> {
    ["server", "x-powered-by", "x-aspnet-version", "x-aspnetmvc-version"].map(str::to_owned).to_vec()
}

/// More would be a mistake, and cost every response.
const MOST_REMOVED: usize = 32;

impl Config {
    /// What is to be done to responses; what is wrong is noted.
    pub(crate) fn into_filter(self, faults: &mut Faults) -> HeadersSecure {
        let mut set = Vec::new();
        let mut add = |name, value: Option<String>| set.extend(value.map(|value| (name, value)));

        let enforced = csp::header(self.content_security_policy.into_option(), faults, "/content_security_policy");
        let has_ancestors = enforced.as_deref().is_some_and(csp::has_ancestors);
        add("content-security-policy", enforced);
        let reported = self.content_security_policy_report_only.into_option();
        add(
            "content-security-policy-report-only",
            csp::header(reported, faults, "/content_security_policy_report_only"),
        );
        let mut word = |name, written: Switch<String>, known: &words::Known| {
            let value = written.into_option();
            if let Some(value) = &value {
                known.check(faults, value);
            }
            add(name, value);
        };
        let default_frames = if has_ancestors { Switch::Off } else { Switch::On("SAMEORIGIN".to_owned()) };
        word("x-frame-options", self.frame_options.0.unwrap_or(default_frames), &words::FRAMES);
        word("x-content-type-options", self.content_type_options, &words::TYPES);
        word("referrer-policy", self.referrer_policy, &words::REFERRER);
        word("cross-origin-opener-policy", self.cross_origin_opener_policy, &words::OPENER);
        word("cross-origin-embedder-policy", self.cross_origin_embedder_policy, &words::EMBEDDER);
        word("cross-origin-resource-policy", self.cross_origin_resource_policy, &words::RESOURCE);
        let permissions = permissions::header(self.permissions_policy.into_option(), faults, "/permissions_policy");
        add("permissions-policy", permissions);

        if self.remove.len() > MOST_REMOVED {
            faults.at("/remove", "there are more than 32 headers here");
        }
        for (index, name) in self.remove.iter().enumerate() {
            fields::check_name(faults, &format!("/remove/{index}"), name);
        }
        let hsts = self.hsts.into_option();
        HeadersSecure {
            remove: self.remove,
            set,
            is_hsts_always: hsts.as_ref().is_some_and(|hsts| hsts.always),
            hsts: hsts.map(|hsts| hsts.header(faults)),
            existing: self.existing,
        }
    }
}

impl Hsts {
    fn header(&self, faults: &mut Faults) -> String {
        // https://hstspreload.org says what the lists ask for.
        if self.preload && (self.max_age < YEAR || !self.include_subdomains) {
            let words = "browsers put a host on their lists only with `max_age` of a year (31536000) or more and \
                         `include_subdomains: true`";
            faults.at("/hsts/preload", words);
        }
        let mut header = format!("max-age={}", self.max_age);
        for (is_there, directive) in [(self.include_subdomains, "; includeSubDomains"), (self.preload, "; preload")] {
            if is_there {
                header.push_str(directive);
            }
        }
        header
    }
}
