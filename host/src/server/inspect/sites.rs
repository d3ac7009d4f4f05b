//! Sites and routes, and what would become of a request.

use http::{HeaderMap, HeaderValue, Method, Uri};

use super::{InForce, millis};
use crate::admin::{Condition, Explanation, Page, Route, Routes, Site, Sites, Step, Supposed, Timeouts, WantedRoutes};
use crate::config::{self, HostHeader, Link, Wanted, shown};
use crate::paths::{self, EncodedSlash};
use crate::routing::{Asked, Found};

impl InForce {
    pub(in crate::server) fn sites(&self, page: Page) -> Sites {
        let all = &self.config.sites;
        let sites = page.part(all.iter()).map(|site| self.site(site)).collect();
        Sites { total: all.len(), offset: page.offset, sites }
    }

    pub(in crate::server) fn routes(&self, wanted: &WantedRoutes, page: Page) -> Routes {
        let config = &self.config;
        let is_wanted = |(site, route): &(&config::Site, &config::Route)| {
            let upstream = config.upstream_of(route);
            (wanted.site.is_empty() || wanted.site == site.name)
                && (wanted.upstream.is_empty() || wanted.upstream == upstream)
        };
        let all = config.sites.iter().flat_map(|site| site.routes.iter().map(move |route| (site, route)));
        let all = all.filter(is_wanted);
        let routes = page.part(all.clone()).map(|(site, route)| self.route(site, route)).collect();
        Routes { total: all.count(), offset: page.offset, routes }
    }

    /// What becomes of a request, by the code that decides it. An error says what cannot be meant.
    pub(in crate::server) fn explain(&self, supposed: &Supposed) -> Result<Explanation, String> {
        let config = &self.config;
        let listener = if supposed.listener.is_empty() {
            // The first of the file, which people see.
            (0..config.listeners.len()).min_by_key(|index| config.listeners[*index].place)
        } else {
            config.listeners.iter().position(|listener| listener.name == supposed.listener)
        };
        let listener = listener.ok_or_else(|| {
            let names: Vec<&str> = config.listeners.iter().map(|listener| listener.name.as_str()).collect();
            format!("there is no such listener; there are: {}", names.join(", "))
        })?;
        let method: Method = supposed.method.parse().map_err(|_| "`method` is not one, as in GET".to_owned())?;
        let uri: Uri = supposed.target.parse().map_err(|error| format!("`path` is not the path of a URL: {error}"))?;
        let mut told = Explanation {
            listener: config.listeners[listener].name.clone(),
            site: None,
            path: None,
            route: None,
            answer: None,
            allow: Vec::new(),
            chain: Vec::new(),
        };
        if let Some(port) = config.listeners[listener].redirect {
            told.answer = Some(format!("308 to https on port {port}"));
            return Ok(told);
        }
        let router = &self.snapshot.router;
        let Some(index) = router.site(listener, &supposed.host) else {
            told.answer = Some("404 no-site".to_owned());
            return Ok(told);
        };
        let site = &config.sites[index];
        told.site = Some(site.name.clone());
        let path = match paths::normalize(uri.path(), site.paths) {
            Ok(path) => path,
            Err(why) => {
                told.answer = Some(format!("400 bad-path: {why}"));
                return Ok(told);
            }
        };
        told.path = Some(path.to_string());
        let asked = Asked { path: &path, query: uri.query(), method: &method, headers: &HeaderMap::new() };
        let mut chain = &site.chain;
        match router.route(index, &asked) {
            Found::Route(route) => {
                chain = &site.routes[route].chain;
                told.route = Some(self.route(site, &site.routes[route]));
            }
            Found::Method(allowed) => {
                told.answer = Some("405 bad-method".to_owned());
                told.allow = allowed.iter().map(ToString::to_string).collect();
            }
            Found::Nothing => told.answer = Some("404 no-route".to_owned()),
        }
        let groups = config::groups(chain).into_iter();
        told.chain = chain.iter().zip(groups).map(|(link, any_of)| self.step(link, any_of, &path)).collect();
        Ok(told)
    }

    fn step(&self, link: &Link, any_of: Option<usize>, path: &str) -> Step {
        let entry = &self.config.entries[link.entry];
        let except = link.except.iter().find(|except| except.matches(path)).map(ToString::to_string);
        let at = self.config.line_of(entry.place);
        Step { name: entry.name.clone(), runs: except.is_none(), except, any_of, line: at }
    }

    fn site(&self, site: &config::Site) -> Site {
        let config = &self.config;
        let listeners = site.listeners.as_ref();
        Site {
            name: site.name.clone(),
            hosts: site.hosts.iter().map(ToString::to_string).collect(),
            listeners: listeners.map(|on| on.iter().map(|index| config.listeners[*index].name.clone()).collect()),
            encoded_slash: match site.paths.encoded_slash {
                EncodedSlash::Reject => "reject",
                EncodedSlash::Keep => "keep",
            },
            merge_slashes: site.paths.merge_slashes,
            chain: self.names(&site.chain),
            routes: site.routes.len(),
            line: config.line_of(site.place),
        }
    }

    fn route(&self, site: &config::Site, route: &config::Route) -> Route {
        let conditions = &route.conditions;
        Route {
            site: site.name.clone(),
            name: route.name.clone(),
            description: route.description.clone(),
            path: route.path.to_string(),
            methods: conditions.methods.iter().map(ToString::to_string).collect(),
            headers: conditions.headers.iter().map(|(name, wanted)| condition(name.as_str(), wanted, text)).collect(),
            query: conditions.query.iter().map(|(name, wanted)| condition(name, wanted, Clone::clone)).collect(),
            priority: route.priority,
            upstream: self.config.upstream_of(route).to_owned(),
            strip_prefix: route.strip_prefix.clone(),
            host_header: match &route.host_header {
                HostHeader::Preserve => "preserve".to_owned(),
                HostHeader::Upstream => "upstream".to_owned(),
                HostHeader::Name(name) => text(name),
            },
            timeouts: Timeouts {
                connect_ms: millis(route.timeouts.connect),
                response_ms: millis(route.timeouts.response),
                idle_ms: millis(route.timeouts.idle),
                total_ms: route.timeouts.total.map(millis),
            },
            largest_body: route.largest_body,
            chain: self.names(&route.chain),
            line: self.config.line_of(route.place),
        }
    }

    fn names(&self, chain: &[Link]) -> Vec<String> {
        chain.iter().map(|link| self.config.entries[link.entry].name.clone()).collect()
    }
}

/// What a route asks for in `Authorization` is a password.
fn condition<T>(name: &str, wanted: &Wanted<T>, text: impl Fn(&T) -> String) -> Condition {
    let (word, value) = match wanted {
        Wanted::Is(_) if shown::is_secret(name) => ("value", Some(shown::HIDDEN.to_owned())),
        Wanted::Is(value) => ("value", Some(shown::harmless(&text(value)))),
        Wanted::Any => ("any", None),
        Wanted::None => ("none", None),
    };
    Condition { name: name.to_owned(), wanted: word, value }
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}
