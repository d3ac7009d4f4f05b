//! Routing against a reference that looks at every route: what the rules say, without what makes it fast.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proptest::prelude::*;
use weir_host::config::{self, Conditions, Config, PathPattern, Source, Wanted};
use weir_host::routing::{Asked, Found, Router};

/// A route as a test writes it.
#[derive(Clone, Debug)]
struct Written {
    path: &'static str,
    methods: Vec<&'static str>,
    header: Option<&'static str>,
    query: Option<&'static str>,
    priority: i8,
}

const PATHS: [&str; 12] =
    ["/", "/*", "/a", "/a/*", "/a/b", "/a/b/*", "/ab", "/ab/*", "/a/b/c", "/a/c/*", "/%7ea/*", "/a%2fb"];
const REQUESTS: [&str; 14] = [
    "/", "/a", "/a/", "/a/b", "/a/b/", "/a/b/c", "/a/b/c/d", "/ab", "/ab/x", "/abc", "/~a/x", "/a/c/d", "/x", "/a%2Fb",
];
const METHODS: [&str; 4] = ["GET", "HEAD", "POST", "OPTIONS"];

fn written() -> impl Strategy<Value = Written> {
    (
        prop::sample::select(PATHS.to_vec()),
        prop::sample::subsequence(METHODS.to_vec(), 0..3),
        prop::option::of(prop::sample::select(vec!["'1'", "'2'", "true", "false"])),
        prop::option::of(prop::sample::select(vec!["'1'", "'2'", "true", "false"])),
        0..3i8,
    )
        .prop_map(|(path, methods, header, query, priority)| Written { path, methods, header, query, priority })
}

fn text(routes: &[Written]) -> String {
    let mut text = "version: 1\nlisteners: { main: { address: '127.0.0.1:80' } }\nupstreams: { app: { endpoints: \
                    ['http://127.0.0.1:1'] } }\nsites:\n  - paths: { encoded_slash: keep }\n    routes:\n"
        .to_owned();
    for (index, route) in routes.iter().enumerate() {
        let Written { path, methods, header, query, priority } = route;
        text += &format!("      - {{ name: r{index}, path: '{path}', upstream: app, priority: {priority}");
        if !methods.is_empty() {
            text += &format!(", methods: [{}]", methods.join(", "));
        }
        if let Some(value) = header {
            text += &format!(", headers: {{ x-version: {value} }}");
        }
        if let Some(value) = query {
            text += &format!(", query: {{ v: {value} }}");
        }
        text += " }\n";
    }
    text
}

fn parse(routes: &[Written]) -> Config {
    config::parse(Source { path: "test.yaml".into(), text: text(routes) })
}

/// One request.
#[derive(Clone, Debug)]
struct Request {
    path: &'static str,
    method: Method,
    headers: HeaderMap,
    query: Option<&'static str>,
}

fn request() -> impl Strategy<Value = Request> {
    (
        prop::sample::select(REQUESTS.to_vec()),
        prop::sample::select(METHODS.to_vec()),
        prop::sample::subsequence(vec!["1", "2"], 0..=2),
        prop::sample::select(vec![None, Some("v=1"), Some("v=2"), Some("v=1&v=2"), Some("w=1"), Some("%76=%31")]),
        any::<bool>(),
    )
        .prop_map(|(path, method, values, query, is_preflight)| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("x-version", HeaderValue::from_static(value));
            }
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            if is_preflight && method == Method::OPTIONS {
                headers.insert("origin", HeaderValue::from_static("https://a.example"));
                headers.insert("access-control-request-method", HeaderValue::from_static("POST"));
            }
            Request { path, method, headers, query }
        })
}

/// The rules, read literally.
fn fits(path: &PathPattern, conditions: &Conditions, request: &Request) -> (bool, bool) {
    let path_fits = match path {
        PathPattern::Exact(exact) => exact == request.path,
        PathPattern::Prefix(prefix) => request.path == prefix || request.path.starts_with(&format!("{prefix}/")),
    };
    let headers_fit = conditions.headers.iter().all(|(name, wanted): &(HeaderName, _)| {
        let values: Vec<_> = request.headers.get_all(name).iter().collect();
        match wanted {
            Wanted::Is(value) => values == [value],
            Wanted::Any => !values.is_empty(),
            Wanted::None => values.is_empty(),
        }
    });
    let pairs: Vec<(String, String)> =
        url::form_urlencoded::parse(request.query.unwrap_or_default().as_bytes()).into_owned().collect();
    let query_fits = conditions.query.iter().all(|(name, wanted)| {
        let values: Vec<_> = pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| value).collect();
        match wanted {
            Wanted::Is(value) => values == [value],
            Wanted::Any => !values.is_empty(),
            Wanted::None => values.is_empty(),
        }
    });
    let is_preflight = request.method == Method::OPTIONS && request.headers.contains_key("origin");
    let method = if is_preflight { Method::POST } else { request.method.clone() };
    let method_fits = conditions.methods.is_empty()
        || conditions.methods.contains(&method)
        || method == Method::HEAD && conditions.methods.contains(&Method::GET);
    (path_fits && headers_fit && query_fits, method_fits)
}

/// What makes one route more specific than another.
fn rank(route: &config::Route) -> (bool, usize, usize, i64) {
    let is_exact = matches!(route.path, PathPattern::Exact(_));
    (is_exact, route.path.fixed().len(), route.conditions.count(), route.priority)
}

fn asked(request: &Request) -> Asked<'_> {
    Asked { path: request.path, query: request.query, method: &request.method, headers: &request.headers }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// The best of all that fit wins, there is never a second one as good, and 405 is the answer only where nothing
    /// but the method is in the way.
    #[test]
    fn the_most_specific_route_wins_and_ties_are_found(
        routes in prop::collection::vec(written(), 1..8),
        requests in prop::collection::vec(request(), 1..40),
    ) {
        let config = parse(&routes);
        let site = &config.sites[0];
        let is_tied = !config.faults.is_empty();
        for fault in &config.faults {
            prop_assert!(fault.message.contains("already") || fault.message.contains("could meet"), "{}", fault.message);
        }
        let router = Router::new(&config);
        for request in &requests {
            let all: Vec<_> = site.routes.iter().map(|route| fits(&route.path, &route.conditions, request)).collect();
            let mut best: Vec<usize> = (0..all.len()).filter(|index| all[*index] == (true, true)).collect();
            best.sort_by_key(|index| std::cmp::Reverse(rank(&site.routes[*index])));
            let has_second = best.len() > 1 && rank(&site.routes[best[0]]) == rank(&site.routes[best[1]]);
            prop_assert!(!has_second || is_tied, "a tie was not found: {request:?}");
            if is_tied {
                continue;
            }
            let found = router.route(0, &asked(request));
            match best.first() {
                Some(best) => prop_assert_eq!(found, Found::Route(*best)),
                None if all.contains(&(true, false)) => prop_assert!(matches!(found, Found::Method(_))),
                None => prop_assert_eq!(found, Found::Nothing),
            }
        }
    }

    /// The order in the file never matters.
    #[test]
    fn order_does_not_matter(
        routes in prop::collection::vec(written(), 1..8),
        swaps in prop::collection::vec(any::<prop::sample::Index>(), 8),
        requests in prop::collection::vec(request(), 1..20),
    ) {
        let (config, mut shuffled) = (parse(&routes), routes.clone());
        for (index, swap) in swaps.iter().enumerate() {
            shuffled.swap(index % routes.len(), swap.index(routes.len()));
        }
        let other = parse(&shuffled);
        prop_assert_eq!(config.faults.is_empty(), other.faults.is_empty());
        if !config.faults.is_empty() {
            return Ok(());
        }
        let (one, two) = (Router::new(&config), Router::new(&other));
        let describe = |config: &Config, found: Found| match found {
            Found::Route(index) => {
                let route = &config.sites[0].routes[index];
                format!("{} {:?} {}", route.path, route.conditions, route.priority)
            }
            Found::Method(mut methods) => {
                methods.sort_by(|one, other| one.as_str().cmp(other.as_str()));
                format!("{methods:?}")
            }
            Found::Nothing => "nothing".to_owned(),
        };
        for request in &requests {
            let (one, two) = (one.route(0, &asked(request)), two.route(0, &asked(request)));
            prop_assert_eq!(describe(&config, one), describe(&other, two), "{:?}", request);
        }
    }
}

/// Which of these sites, by their index, serves each host on each of two listeners.
#[test]
fn the_best_matching_site_serves() {
    let text = "version: 1
listeners: { one: { address: '127.0.0.1:81' }, two: { address: '127.0.0.1:82' } }
upstreams: { app: { endpoints: ['http://127.0.0.1:1'] } }
sites:
  - { name: any, routes: [{ path: /*, upstream: app }] }
  - { name: exact, host: [a.example, '2001:db8::1'], routes: [{ path: /*, upstream: app }] }
  - { name: wildcard, host: '*.example', routes: [{ path: /*, upstream: app }] }
  - { name: bound, host: '*.bound.example', listeners: [two], routes: [{ path: /*, upstream: app }] }
  - { name: bound-exact, host: a.example, listeners: [two], routes: [{ path: /*, upstream: app }] }
";
    let config = config::parse(Source { path: "test.yaml".into(), text: text.to_owned() });
    assert!(config.faults.is_empty(), "{:?}", config.faults);
    let router = Router::new(&config);
    let site = |listener, host| router.site(listener, host).map(|site| config.sites[site].name.as_str());
    for (host, one, two) in [
        ("a.example", "exact", "bound-exact"),
        ("A.Example.:8080", "exact", "bound-exact"),
        ("b.example", "wildcard", "wildcard"),
        ("b.c.example", "any", "any"),
        ("example", "any", "any"),
        (".example", "any", "any"),
        ("x.bound.example", "any", "bound"),
        ("[2001:db8::1]:443", "exact", "exact"),
        ("", "any", "any"),
    ] {
        assert_eq!((site(0, host), site(1, host)), (Some(one), Some(two)), "{host}");
    }
}
