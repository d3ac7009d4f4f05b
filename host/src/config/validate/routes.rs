//! Routes: what they match and how requests go on.

use http::Method;
use http::header::{HeaderName, HeaderValue};

use super::Check;
use super::chains::Chains;
use super::upstreams::{NO_UPSTREAM, Upstreams, authority};
use crate::config::fault::quoted;
use crate::config::file;
use crate::config::forms::{Condition, StripPrefix};
use crate::config::units::Time;
use crate::config::{Conditions, HostHeader, Link, Located, PathPattern, Route, Timeouts, Wanted};
use crate::paths::{self, Ambiguous, Rules};

/// A request's body, where nothing else is written.
const LARGEST_BODY: u64 = 16 << 20;

/// What a route names is none, which was said.
struct AtFault;

impl Check {
    #[allow(clippy::too_many_arguments)]
    pub(super) fn routes<'a>(
        &mut self,
        site: &'a file::Site,
        site_name: &str,
        chain: &[Link],
        rules: Rules,
        defaults: Option<&file::Defaults>,
        chains: &mut Chains<'a>,
        upstreams: &mut Upstreams,
    ) -> Vec<Route> {
        let timeouts = self.timeouts(defaults.and_then(|defaults| defaults.timeouts.as_ref()), Timeouts::default());
        let limits = defaults.and_then(|defaults| defaults.limits.as_ref());
        let largest_body = limits.and_then(|limits| limits.body.as_ref()).map_or(LARGEST_BODY, |body| body.value.0);
        let mut routes = Vec::with_capacity(site.routes.len());
        for route in &site.routes {
            let upstream = self.leads_to(route, upstreams);
            let path = pattern_by(self, &route.path, rules);
            let conditions = self.conditions(route);
            let timeouts = self.timeouts(route.timeouts.as_ref(), timeouts);
            let limit = route.limits.as_ref().and_then(|limits| limits.body.as_ref());
            let host_header = self.host_header(route.host_header.as_ref());
            let strip_prefix = path.as_ref().map(|path| self.strip_prefix(route.strip_prefix.as_ref(), path));
            let name = route.name.as_ref().map_or_else(|| route.path.value.clone(), |name| name.value.clone());
            // Routes of one path are told apart by where they stand among them.
            let owner = (site_name.to_owned(), Some(identity(route, &conditions)));
            let unknown = PathPattern::Prefix(String::new());
            let chain = chains.route(self, route, path.as_ref().unwrap_or(&unknown), chain, &owner);
            let (Some(path), Ok(upstream)) = (path, upstream) else { continue };
            routes.push(Route {
                name,
                description: route.description.clone(),
                path,
                conditions,
                priority: route.priority.as_ref().map_or(0, |priority| priority.value.0),
                chain,
                upstream,
                strip_prefix: strip_prefix.unwrap_or_default(),
                host_header,
                timeouts,
                largest_body: limit.map_or(largest_body, |body| body.value.0),
                place: route.path.place,
            });
        }
        routes
    }

    /// The upstream that a route leads to, if it leads to one.
    fn leads_to(&mut self, route: &file::Route, upstreams: &mut Upstreams) -> Result<Option<usize>, AtFault> {
        if route.upstream.value != NO_UPSTREAM {
            return upstreams.find(self, &route.upstream).map(Some).ok_or(AtFault);
        }
        if let Some(host) = &route.host_header {
            self.fault(host.place, "this route leads to no upstream, so nobody gets this Host").help =
                Some("remove `host_header`, or name an upstream".into());
        }
        Ok(None)
    }

    fn conditions(&mut self, route: &file::Route) -> Conditions {
        let mut conditions = Conditions::default();
        for method in route.methods.as_ref().map(|methods| methods.0.as_slice()).unwrap_or_default() {
            match Method::from_bytes(method.value.as_bytes()) {
                Ok(known) if method.value.bytes().all(|byte| !byte.is_ascii_lowercase()) => {
                    if !conditions.methods.contains(&known) {
                        conditions.methods.push(known);
                    }
                }
                _ => {
                    self.fault(method.place, format!("{} is not a method", quoted(&method.value))).help =
                        Some("methods are upper-case words: GET, POST, PUT, PATCH, DELETE, ...".into());
                }
            }
        }
        for (name, condition) in route.headers.as_ref().map(|headers| headers.0.as_slice()).unwrap_or_default() {
            let known = HeaderName::from_bytes(name.value.as_bytes());
            let wanted = match &condition.value {
                Condition::Is(value) => HeaderValue::from_str(value).map(Wanted::Is),
                Condition::Any => Ok(Wanted::Any),
                Condition::None => Ok(Wanted::None),
            };
            match (known, wanted) {
                (Ok(field), Ok(_)) if conditions.headers.iter().any(|(known, _)| *known == field) => {
                    self.fault(name.place, format!("the field `{field}` stands here twice")).help =
                        Some("remove one; upper and lower case are the same in names of fields".into());
                }
                (Ok(name), Ok(wanted)) => conditions.headers.push((name, wanted)),
                (Err(_), _) => {
                    self.fault(name.place, format!("{} is not the name of a field", quoted(&name.value))).help =
                        Some("names of fields are made of letters, digits and `-`, as in x-version".into());
                }
                (_, Err(_)) => {
                    self.fault(condition.place, "a field's value has no line breaks and control characters").help =
                        Some("no request could have it; write the value without".into());
                }
            }
        }
        for (name, condition) in route.query.as_ref().map(|query| query.0.as_slice()).unwrap_or_default() {
            let wanted = match &condition.value {
                Condition::Is(value) => Wanted::Is(value.clone()),
                Condition::Any => Wanted::Any,
                Condition::None => Wanted::None,
            };
            conditions.query.push((name.value.clone(), wanted));
        }
        conditions.methods.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        conditions
    }

    fn host_header(&mut self, written: Option<&Located<String>>) -> HostHeader {
        let Some(written) = written else { return HostHeader::Preserve };
        match written.as_str() {
            "preserve" => HostHeader::Preserve,
            "upstream" => HostHeader::Upstream,
            name => {
                let is_sound = authority(name).is_ok();
                match HeaderValue::from_str(name).ok().filter(|_| is_sound) {
                    Some(value) => HostHeader::Name(value),
                    None => {
                        self.fault(written.place, format!("{} is not a host", quoted(name))).help =
                            Some("write `preserve`, `upstream`, or a name as in api.example.com".into());
                        HostHeader::Preserve
                    }
                }
            }
        }
    }

    fn strip_prefix(&mut self, written: Option<&Located<StripPrefix>>, path: &PathPattern) -> String {
        match written.map(|strip| (&strip.value, strip.place)) {
            None | Some((StripPrefix::Matched(false), _)) => String::new(),
            Some((StripPrefix::Matched(true), place)) => match path {
                PathPattern::Prefix(prefix) => prefix.clone(),
                PathPattern::Exact(_) => {
                    self.fault(place, "an exact path has no prefix that was matched").help =
                        Some("write the prefix to strip, or a path with /* at its end".into());
                    String::new()
                }
            },
            Some((StripPrefix::This(prefix), place)) => {
                let prefix = prefix.strip_suffix("/*").unwrap_or(prefix);
                let prefix = prefix.strip_suffix('/').unwrap_or(prefix).to_owned();
                if !PathPattern::Prefix(prefix.clone()).matches(path.fixed()) {
                    self.fault(place, format!("paths of this route are not `{prefix}` or below it")).help =
                        Some(format!("the route's path is {path}; a prefix is made of whole segments of it"));
                }
                prefix
            }
        }
    }

    fn timeouts(&mut self, written: Option<&file::Timeouts>, mut timeouts: Timeouts) -> Timeouts {
        let Some(written) = written else { return timeouts };
        let parts = [
            (&written.connect, &mut timeouts.connect),
            (&written.response, &mut timeouts.response),
            (&written.idle, &mut timeouts.idle),
        ];
        for (written, part) in parts {
            if let Some(written) = written {
                *part = self.limit(written);
            }
        }
        if let Some(total) = &written.total {
            timeouts.total = Some(self.limit(total));
        }
        timeouts
    }

    /// A time limit: neither none nor for ever.
    pub(super) fn limit(&mut self, written: &Located<Time>) -> std::time::Duration {
        let limit = written.value.0;
        if !(1..=86_400_000).contains(&limit.as_millis()) {
            self.fault(written.place, "a time limit is from 1ms to 24h");
        }
        limit
    }
}

/// What tells a route from the others of its site, whatever the order: its name, or its path and conditions.
fn identity(route: &file::Route, conditions: &Conditions) -> String {
    if let Some(name) = &route.name {
        return name.value.clone();
    }
    let mut identity = route.path.value.clone();
    for method in &conditions.methods {
        identity = identity + " " + method.as_str();
    }
    for (name, wanted) in &conditions.headers {
        identity += &format!(" {name}={wanted:?}");
    }
    for (name, wanted) in &conditions.query {
        identity += &format!(" ?{name}={wanted:?}");
    }
    identity
}

/// A path as `path` and `except` have it, by rules that keep everything.
pub(super) fn pattern(check: &mut Check, path: &Located<String>) -> Option<PathPattern> {
    pattern_by(check, path, Rules { encoded_slash: paths::EncodedSlash::Keep, merge_slashes: false })
}

fn pattern_by(check: &mut Check, path: &Located<String>, rules: Rules) -> Option<PathPattern> {
    match parse(&path.value, rules) {
        Ok(pattern) => Some(pattern),
        Err((why, help)) => {
            check.fault(path.place, format!("{} {why}", quoted(&path.value))).help = Some(help.into());
            None
        }
    }
}

/// A pattern is normalized as requests are: otherwise none would ever match it.
fn parse(path: &str, rules: Rules) -> Result<PathPattern, (String, &'static str)> {
    /// What a pattern looks like.
    const FORM: &str = "write /exact or /prefix/*";
    if path.contains("://") {
        return Err(("is a URL".into(), "write the path alone; the host is the site's: `host: api.example.com`"));
    }
    if !path.starts_with('/') {
        return Err(("does not begin with a slash".into(), FORM));
    }
    let (fixed, is_prefix) = path.strip_suffix("/*").map_or((path, false), |fixed| (fixed, true));
    if fixed.contains('*') {
        let help = "write /exact or /prefix/*: a `*` stands for all that is below, at the end only";
        return Err(("has a `*` that is not a whole last segment".into(), help));
    }
    if fixed.contains(['{', '}']) {
        return Err(("has a `{` or `}`: there are no parameters in paths".into(), FORM));
    }
    if let Some(found) = fixed.chars().find(|character| "?#".contains(*character)) {
        let help = if found == '?' { "parameters are conditions: `query: { name: value }`" } else { FORM };
        return Err((format!("has a `{found}`, which is not part of a path"), help));
    }
    let whole = if fixed.is_empty() { "/" } else { fixed };
    let normal = paths::normalize(whole, rules).map_err(|why| {
        let help = match why {
            Ambiguous::EncodedSlash(_) => {
                "the site refuses such requests, unless it has `paths: { encoded_slash: keep }`"
            }
            Ambiguous::Escape(_) => "write a percent sign itself as %25",
            _ => "requests for such a path are refused, so it would never match",
        };
        (format!("is not a path: {why}"), help)
    })?;
    if is_prefix {
        let prefix = normal.strip_suffix('/').unwrap_or(&normal);
        return Ok(PathPattern::Prefix(prefix.to_owned()));
    }
    Ok(PathPattern::Exact(normal.into_owned()))
}
