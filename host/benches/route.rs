//! What it costs to find the route of a request: among 10 routes and among 10,000, and in one of 1,000 sites.
//!
//! `cargo bench -p weir --profile dist --bench route`. Every round looks up other paths than the one before, so that what
//! is measured is not one warm line of the cache.

use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

use http::{HeaderMap, Method};
use weir_host::config::{self, Source};
use weir_host::paths;
use weir_host::routing::{Asked, Found, Router};

const ROUNDS: u32 = 2_000_000;

fn text(sites: usize, routes: usize) -> String {
    let mut text = "version: 1\nlisteners: { main: { address: '127.0.0.1:80' } }\nupstreams: { app: { endpoints: \
                    ['http://127.0.0.1:1'] } }\nsites:\n"
        .to_owned();
    for site in 0..sites {
        writeln!(text, "  - host: s{site}.example.com\n    routes:").unwrap();
        for route in 0..routes {
            let path = match route % 3 {
                0 => format!("/service-{route}/*"),
                1 => format!("/service-{route}/items/*"),
                _ => format!("/service-{route}/items/all"),
            };
            writeln!(text, "      - {{ path: {path}, upstream: app }}").unwrap();
        }
    }
    text
}

fn measure(sites: usize, per_site: usize) -> f64 {
    let started = Instant::now();
    let config = config::parse(Source { path: "bench.yaml".into(), text: text(sites, per_site) });
    assert!(config.faults.is_empty(), "{:?}", config.faults);
    let router = Router::new(&config);
    println!("{sites} sites of {per_site} routes: read and built in {:?}", started.elapsed());
    let requests: Vec<(String, String)> = (0..4096)
        .map(|index| {
            let route = (index * 7919) % per_site;
            let path = match route % 3 {
                0 => format!("/service-{route}/a/b"),
                1 => format!("/service-{route}/items/{index}"),
                _ => format!("/service-{route}/items/all"),
            };
            (format!("s{}.example.com", (index * 31) % sites), path)
        })
        .collect();
    let headers = HeaderMap::new();
    let started = Instant::now();
    for round in 0..ROUNDS {
        let (host, path) = &requests[round as usize % requests.len()];
        let site = router.site(0, black_box(host)).unwrap();
        let path = paths::normalize(black_box(path), paths::Rules::default()).unwrap();
        let asked = Asked { path: &path, query: None, method: &Method::GET, headers: &headers };
        assert!(!matches!(black_box(router.route(site, &asked)), Found::Nothing));
    }
    started.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS)
}

/// The fault that this must catch: a router that looks at one route after the other.
fn planted(routes: usize) -> f64 {
    let config = config::parse(Source { path: "bench.yaml".into(), text: text(1, routes) });
    let patterns: Vec<_> = config.sites[0].routes.iter().map(|route| &route.path).collect();
    let rounds = 2_000_u32;
    let started = Instant::now();
    for round in 0..rounds {
        let path = format!("/service-{}/a/b", (round as usize * 7919) % routes / 3 * 3);
        black_box(patterns.iter().position(|pattern| pattern.matches(black_box(&path))));
    }
    started.elapsed().as_secs_f64() * 1e9 / f64::from(rounds)
}

fn main() {
    let few = measure(1, 10);
    let many = measure(1, 10_000);
    let sites = measure(1_000, 10);
    println!("host, path and route among 10 routes:            {few:6.0} ns");
    println!("among 10,000 routes:                             {many:6.0} ns, {:.2} times as much", many / few);
    println!("among 1,000 sites of 10 routes:                  {sites:6.0} ns");
    println!("negative control, one after the other of 10,000: {:6.0} ns", planted(10_000));
    let verdict = |is_met| if is_met { "met" } else { "MISSED" };
    println!("a look-up among 10,000 routes <= 300 ns: {}", verdict(many <= 300.0));
    println!("and <= 2 times that among 10: {}", verdict(many <= 2.0 * few));
}
