//! `weir explain`: what would become of a request, by the same code that decides it.

mod filter;

use clap::Args;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};

use super::{File, Usage, size};
use crate::config::{self, Config, HostHeader, Link, Listener, PathPattern, Route, Site, alternatives};
use crate::paths;
use crate::routing::{Asked, Found, Mismatch, Router, bare_host};

/// Runners-up that are shown; the rest are counted.
const MOST_OTHERS: usize = 20;

/// Columns that names of routes may take, before what is said of them moves out of line.
const WIDEST: usize = 40;

#[derive(Args, Debug)]
pub(super) struct Options {
    /// What is asked for, as in `https://api.example.com/users/7?full=1`
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
    /// The listener that the request arrives on [default: the one with the URL's port, or else the first of its scheme]
    #[arg(long, value_name = "NAME")]
    listener: Option<String>,
}

pub(super) fn explain(options: &Options) -> anyhow::Result<()> {
    let config = config::load(&options.file.config);
    config.sound(Vec::new())?;
    print!("{}", Explanation::new(options, &config)?.text());
    Ok(())
}

struct Explanation<'a> {
    config: &'a Config,
    listener: usize,
    host: String,
    uri: Uri,
    method: &'a Method,
    /// The method that routes see, in words.
    asked_about: String,
    headers: HeaderMap,
}

impl<'a> Explanation<'a> {
    fn new(options: &'a Options, config: &'a Config) -> anyhow::Result<Self> {
        let uri: Uri =
            options.url.parse().map_err(|error| Usage(format!("`{}` is not a URL: {error}", options.url)))?;
        let Some(host) = uri.host().filter(|_| uri.scheme().is_some()) else {
            return Err(Usage(format!("`{}` names no host; write http://HOST/PATH", options.url)).into());
        };
        let port = uri.port_u16().or(match uri.scheme_str() {
            Some("https") => Some(443),
            _ => Some(80),
        });
        let listener = match &options.listener {
            Some(name) => config.listeners.iter().position(|listener| listener.name == *name).ok_or_else(|| {
                let names: Vec<&str> = config.listeners.iter().map(|listener| listener.name.as_str()).collect();
                Usage(format!("there is no listener `{name}`; there are: {}", names.join(", ")))
            })?,
            None => usual_listener(config, uri.scheme_str() == Some("https"), port),
        };
        let mut headers = HeaderMap::new();
        for field in &options.headers {
            let wrong = || Usage(format!("`{field}` is not a field; write 'Name: value'"));
            let (name, value) = field.split_once(':').ok_or_else(wrong)?;
            let (name, value) = (HeaderName::try_from(name.trim()), HeaderValue::try_from(value.trim()));
            headers.append(name.map_err(|_| wrong())?, value.map_err(|_| wrong())?);
        }
        let host = host.to_owned();
        let asked_about = asked_about(&options.method, &headers);
        Ok(Self { config, listener, host, uri, method: &options.method, asked_about, headers })
    }

    fn line(&self, place: config::Place) -> String {
        self.config.line_of(place)
    }

    fn text(&self) -> String {
        let listener = &self.config.listeners[self.listener];
        let mut text = format!("{} {}\n\n", self.method, self.uri);
        text += &row("listener", &format!("{} on {}", listener.name, listener.address), &self.line(listener.place));
        if let Some(port) = listener.redirect {
            text += &row("answer", &format!("308, to https on port {port}"), "");
            return text;
        }
        let router = Router::new(self.config);
        let Some(index) = router.site(self.listener, &self.host) else {
            let host = bare_host(&self.host);
            text += &row("site", &format!("none serves `{host}` on this listener: 404 no-site"), "");
            for site in &self.config.sites {
                let hosts: Vec<String> = site.hosts.iter().map(ToString::to_string).collect();
                text += &row("", &format!("not {}", hosts.join(", ")), &self.line(site.place));
            }
            return text;
        };
        let site = &self.config.sites[index];
        text += &row("site", &site.name, &self.line(site.place));
        let path = match paths::normalize(self.uri.path(), site.paths) {
            Ok(path) => path,
            Err(why) => {
                text += &row("answer", &format!("400 bad-path: {why}"), "");
                return text;
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
                text +=
                    &row("route", &format!("none takes {}: 405, Allow: {}", self.asked_about, names.join(", ")), "");
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
        text
    }

    /// Why the others are not it; those that came closest first.
    fn others(&self, router: &Router, index: usize, site: &Site, asked: &Asked<'_>, winner: Option<usize>) -> String {
        let mut others = Vec::new();
        for (position, route) in site.routes.iter().enumerate().filter(|(position, _)| Some(*position) != winner) {
            let (rank, why) = match router.mismatch(index, position, asked) {
                None => (0, winner.map_or_else(String::new, |winner| lost(&site.routes[winner], route))),
                Some(Mismatch::Method) => (1, format!("does not take {}", self.asked_about)),
                Some(Mismatch::Header(name)) => (2, format!("the field `{name}` is not as it says")),
                Some(Mismatch::Query(name)) => (2, format!("the parameter `{name}` is not as it says")),
                Some(Mismatch::Path) => {
                    let below = PathPattern::Prefix(route.path.fixed().trim_end_matches('/').to_owned());
                    let why = match &route.path {
                        PathPattern::Exact(_) if below.matches(asked.path) => {
                            format!("its path is that one only; {below} would match")
                        }
                        _ => "its path does not match".to_owned(),
                    };
                    (3, why)
                }
            };
            others.push((rank, position, why));
        }
        if others.is_empty() {
            return String::new();
        }
        others.sort_unstable();
        let mut text = "\nwhy not the others\n".to_owned();
        let shown = &others[..others.len().min(MOST_OTHERS)];
        let width = shown.iter().map(|(_, position, _)| named(&site.routes[*position]).chars().count() + 2).max();
        for (_, position, why) in shown {
            let route = &site.routes[*position];
            let name = format!("  {:<1$}", named(route), width.unwrap_or(0).min(WIDEST) - 2);
            text += &row(&name, why, &self.line(route.place));
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
        for (at, link) in chain.iter().enumerate() {
            let entry = &self.config.entries[link.entry];
            let group = link.any_of.as_ref().zip(Some(alternatives(chain, at))).filter(|(_, these)| these.len() > 1);
            if let Some((group, _)) = group.as_ref().filter(|(_, these)| these.start == at) {
                let name = group.name.as_deref().unwrap_or("any_of");
                text += &row(
                    &format!("  {name}"),
                    "the first of these that lets the request pass",
                    &self.line(group.place),
                );
            }
            let margin = if group.is_some() { "    " } else { "  " };
            text += &row(&format!("{margin}{}", entry.name), &filter::plugin(entry), &self.line(entry.place));
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
            for setting in filter::settings(entry) {
                text += &row("", &setting, "");
            }
        }
        text
    }

    fn forward(&self, route: &Route, path: &str) -> String {
        let Some(upstream) = route.upstream.map(|upstream| &self.config.upstreams[upstream]) else {
            return "\nupstream none\n".to_owned()
                + &row("  answer", "a filter's; where none answers, 404 (no-upstream)", "");
        };
        let endpoints: Vec<String> = upstream.endpoints.iter().map(ToString::to_string).collect();
        let mut text = format!("\nupstream {}\n", upstream.name);
        text += &row("  endpoints", &endpoints.join(", "), "");
        let query = self.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let target = format!("{path}{query}");
        text += &row("  request", &format!("{} {}", self.method, paths::strip(&target, &route.strip_prefix)), "");
        let host = match &route.host_header {
            HostHeader::Preserve => self.uri.authority().map_or_else(String::new, ToString::to_string),
            HostHeader::Upstream => "the endpoint's own".to_owned(),
            HostHeader::Name(name) => String::from_utf8_lossy(name.as_bytes()).into_owned(),
        };
        text += &row("  host", &host, "");
        let total = route.timeouts.total.map_or("none".to_owned(), |total| format!("{total:?}"));
        let timeouts = &route.timeouts;
        let limits = format!(
            "connect {:?}, response {:?}, idle {:?}, total {total}; body {}",
            timeouts.connect,
            timeouts.response,
            timeouts.idle,
            size(route.largest_body)
        );
        text + &row("  limits", &limits, "")
    }
}

fn named(route: &Route) -> String {
    let pattern = route.path.to_string();
    if route.name == pattern { pattern } else { format!("{} ({pattern})", route.name) }
}

/// The listener where such a URL would arrive: by its port, or else by its scheme, or else the first.
fn usual_listener(config: &Config, is_https: bool, port: Option<u16>) -> usize {
    // In the file's order, which people see.
    let mut listeners: Vec<_> = config.listeners.iter().enumerate().collect();
    listeners.sort_by_key(|(_, listener)| listener.place);
    let find = |fits: &dyn Fn(&Listener) -> bool| listeners.iter().find(|(_, listener)| fits(listener));
    find(&|listener| Some(listener.address.port()) == port)
        .or_else(|| find(&|listener| listener.tls.is_some() == is_https))
        .or(listeners.first())
        .map_or(0, |(index, _)| *index)
}

/// The method; of a CORS preflight, the one that it asks about.
fn asked_about(method: &Method, headers: &HeaderMap) -> String {
    match headers.get(header::ACCESS_CONTROL_REQUEST_METHOD) {
        Some(wanted) if *method == Method::OPTIONS && headers.contains_key(header::ORIGIN) => {
            format!("{} (what the preflight asks about)", String::from_utf8_lossy(wanted.as_bytes()))
        }
        _ => method.to_string(),
    }
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
