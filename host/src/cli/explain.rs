//! `weir explain`: what would become of a request, by the same code that decides it.

use anyhow::{anyhow, bail};
use clap::Args;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use super::File;
use crate::config::{self, ComponentSource, Config, HostHeader, Link, PathPattern, Route, Site};
use crate::paths;
use crate::routing::{Asked, Found, Mismatch, Router, bare_host};

/// Runners-up that are shown; the rest are counted.
const MOST_OTHERS: usize = 20;

#[derive(Args, Debug)]
pub(super) struct Options {
    /// What is asked for, as in https://api.example.com/users/7?full=1
    #[arg(value_name = "URL")]
    url: String,
    #[command(flatten)]
    file: File,
    /// The method
    #[arg(short = 'X', long = "request", value_name = "METHOD", default_value = "GET")]
    method: Method,
    /// A header field, as in 'X-Version: 2'
    #[arg(short = 'H', long = "header", value_name = "FIELD")]
    headers: Vec<String>,
    /// The listener that the request arrives on [default: the one with the URL's port, or else the first]
    #[arg(long, value_name = "NAME")]
    listener: Option<String>,
}

pub(super) fn explain(options: &Options) -> anyhow::Result<()> {
    let config = config::load(&options.file.config);
    config.sound(Vec::new())?;
    print!("{}", Explanation::new(options, &config)?.text()?);
    Ok(())
}

struct Explanation<'a> {
    config: &'a Config,
    listener: usize,
    host: String,
    uri: Uri,
    method: &'a Method,
    headers: HeaderMap,
}

impl<'a> Explanation<'a> {
    fn new(options: &'a Options, config: &'a Config) -> anyhow::Result<Self> {
        let uri: Uri = options.url.parse().map_err(|error| anyhow!("`{}` is not a URL: {error}", options.url))?;
        let Some(host) = uri.host() else {
            bail!("`{}` names no host; write http://HOST/PATH", options.url);
        };
        let port = uri.port_u16().or(match uri.scheme_str() {
            Some("https") => Some(443),
            _ => Some(80),
        });
        let listener = match &options.listener {
            Some(name) => config.listeners.iter().position(|listener| listener.name == *name).ok_or_else(|| {
                let names: Vec<&str> = config.listeners.iter().map(|listener| listener.name.as_str()).collect();
                anyhow!("there is no listener `{name}`; there are: {}", names.join(", "))
            })?,
            None => config.listeners.iter().position(|listener| Some(listener.address.port()) == port).unwrap_or(0),
        };
        let mut headers = HeaderMap::new();
        for field in &options.headers {
            let (name, value) =
                field.split_once(':').ok_or_else(|| anyhow!("`{field}` is not a field; write 'Name: value'"))?;
            headers.append(HeaderName::try_from(name.trim())?, HeaderValue::try_from(value.trim())?);
        }
        let host = host.to_owned();
        Ok(Self { config, listener, host, uri, method: &options.method, headers })
    }

    fn line(&self, place: config::Place) -> String {
        self.config.line_of(place)
    }

    fn text(&self) -> anyhow::Result<String> {
        let listener = &self.config.listeners[self.listener];
        let mut text = format!("{} {}\n\n", self.method, self.uri);
        text += &row("listener", &format!("{} on {}", listener.name, listener.address), &self.line(listener.place));
        if let Some(port) = listener.redirect {
            text += &row("answer", &format!("308, to https on port {port}"), "");
            return Ok(text);
        }
        let router = Router::new(self.config);
        let Some(index) = router.site(self.listener, &self.host) else {
            let host = bare_host(&self.host);
            text += &row("site", &format!("none serves `{host}` on this listener: 404 no-site"), "");
            for site in &self.config.sites {
                let hosts: Vec<String> = site.hosts.iter().map(ToString::to_string).collect();
                text += &row("", &format!("not {}", hosts.join(", ")), &self.line(site.place));
            }
            return Ok(text);
        };
        let site = &self.config.sites[index];
        text += &row("site", &site.name, &self.line(site.place));
        let path = match paths::normalize(self.uri.path(), site.paths) {
            Ok(path) => path,
            Err(why) => {
                text += &row("answer", &format!("400 bad-path: {why}"), "");
                return Ok(text);
            }
        };
        if path != self.uri.path() {
            text += &row("path", &format!("{path} (in its one spelling)"), "");
        }
        let asked = Asked { path: &path, query: self.uri.query(), method: self.method, headers: &self.headers };
        let winner = match router.route(index, &asked) {
            Found::Route(route) => Some(route),
            Found::Method(allowed) => {
                let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
                text += &row("route", &format!("none takes {}: 405, Allow: {}", self.method, names.join(", ")), "");
                None
            }
            Found::Nothing => {
                text += &row("route", "none: 404 no-route", "");
                None
            }
        };
        if let Some(winner) = winner {
            let route = &site.routes[winner];
            text += &row("route", &named(route), &self.line(route.place));
            if let Some(description) = &route.description {
                text += &row("", description, "");
            }
        }
        text += &self.others(&router, index, site, &asked, winner);
        let chain = winner.map_or(&site.chain, |winner| &site.routes[winner].chain);
        text += &self.chain(chain, &path);
        if let Some(winner) = winner {
            text += &self.forward(&site.routes[winner], &path);
        }
        Ok(text)
    }

    /// Why the others are not it; those that came closest first.
    fn others(&self, router: &Router, index: usize, site: &Site, asked: &Asked<'_>, winner: Option<usize>) -> String {
        let mut others = Vec::new();
        for (position, route) in site.routes.iter().enumerate().filter(|(position, _)| Some(*position) != winner) {
            let (rank, why) = match router.mismatch(index, position, asked) {
                None => (0, winner.map_or_else(String::new, |winner| lost(&site.routes[winner], route))),
                Some(Mismatch::Method) => (1, format!("does not take {}", self.method)),
                Some(Mismatch::Header(name)) => (2, format!("the field `{name}` is not as it says")),
                Some(Mismatch::Query(name)) => (2, format!("the parameter `{name}` is not as it says")),
                Some(Mismatch::Path) => (3, "its path does not match".to_owned()),
            };
            others.push((rank, position, why));
        }
        if others.is_empty() {
            return String::new();
        }
        others.sort_unstable();
        let mut text = "\nwhy not the others\n".to_owned();
        for (_, position, why) in others.iter().take(MOST_OTHERS) {
            let route = &site.routes[*position];
            text += &row(&format!("  {}", named(route)), why, &self.line(route.place));
        }
        if others.len() > MOST_OTHERS {
            text += &format!("  and {} more\n", others.len() - MOST_OTHERS);
        }
        text
    }

    fn chain(&self, chain: &[Link], path: &str) -> String {
        if chain.is_empty() {
            return "\nchain: no filter\n".to_owned();
        }
        let mut text = "\nchain, outermost first\n".to_owned();
        for link in chain {
            let entry = &self.config.entries[link.entry];
            let plugin = match &entry.component.source {
                ComponentSource::Bundled(name) => format!("bundled {name}"),
                ComponentSource::File(path) => path.display().to_string(),
            };
            text += &row(&format!("  {}", entry.name), &plugin, &self.line(entry.place));
            if let Some(changed) = entry.changed {
                text += &row("", "changed by the route", &self.line(changed));
            }
            if let Some(except) = link.except.iter().find(|except| except.matches(path)) {
                text += &row("", &format!("not run: except {except}"), "");
            }
            if !entry.config.is_empty() {
                entry.config.leaves("", &mut |name, value, place| {
                    text += &row("", &format!("{name}: {value}"), &self.line(place));
                });
            }
            if entry.on_failure == config::OnFailure::Open {
                text += &row("", "on_failure: open", "");
            }
        }
        text
    }

    fn forward(&self, route: &Route, path: &str) -> String {
        let upstream = &self.config.upstreams[route.upstream];
        let endpoints: Vec<String> = upstream.endpoints.iter().map(ToString::to_string).collect();
        let mut text = format!("\nupstream {}\n", upstream.name);
        text += &row("  endpoints", &endpoints.join(", "), "");
        let query = self.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let target = format!("{path}{query}");
        text += &row("  request", &format!("{} {}", self.method, paths::strip(&target, &route.strip_prefix)), "");
        let host = match &route.host_header {
            HostHeader::Preserve => self.host.clone(),
            HostHeader::Upstream => "the endpoint's own".to_owned(),
            HostHeader::Name(name) => String::from_utf8_lossy(name.as_bytes()).into_owned(),
        };
        text += &row("  host", &host, "");
        let total = route.timeouts.total.map_or("none".to_owned(), |total| format!("{total:?}"));
        let timeouts = &route.timeouts;
        let limits = format!(
            "connect {:?}, response {:?}, idle {:?}, total {total}; body {} bytes",
            timeouts.connect, timeouts.response, timeouts.idle, route.largest_body
        );
        text + &row("  limits", &limits, "")
    }
}

fn named(route: &Route) -> String {
    let pattern = route.path.to_string();
    if route.name == pattern { pattern } else { format!("{} ({pattern})", route.name) }
}

/// Why a route that matches, too, is not the one.
fn lost(winner: &Route, loser: &Route) -> String {
    match (&winner.path, &loser.path) {
        (PathPattern::Exact(_), PathPattern::Prefix(_)) => "matches, but an exact path wins".to_owned(),
        (one, other) if one != other => "matches, but a longer prefix wins".to_owned(),
        _ if winner.conditions.count() > loser.conditions.count() => "matches, but more conditions win".to_owned(),
        _ => format!("matches, but has the lower priority ({} < {})", loser.priority, winner.priority),
    }
}

/// A name, what is said of it, and where it was written.
fn row(name: &str, what: &str, line: &str) -> String {
    let line = if line.is_empty() { String::new() } else { format!("   [{line}]") };
    format!("{name:<12} {what}{line}\n")
}
