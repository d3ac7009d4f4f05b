//! Changes where the request goes, and shows what was asked and what is sent.

use serde::Deserialize;
use weir::{Fault, Request, Response, Result};

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    path: Option<String>,
    query: Option<String>,
    #[serde(default)]
    no_query: bool,
}

struct Paths(Config);

#[weir::filter]
impl Paths {
    fn configure(config: Config) -> std::result::Result<Self, Fault> {
        Ok(Self(config))
    }

    fn on_request(&self, request: &mut Request) -> Result<()> {
        let before = shown(request);
        let path = self.0.path.as_deref().map(|path| request.set_path(path));
        let query = self.0.query.as_deref().map(|query| request.set_query(Some(query)));
        let none = self.0.no_query.then(|| request.set_query(None));
        let refused = [path, query, none].into_iter().flatten().filter_map(|set| Some(set.err()?.name()));
        let refused: Vec<&str> = refused.collect();
        request.set_header("x-before", before)?;
        request.set_header("x-after", shown(request))?;
        request.set_header("x-refused", refused.join(" "))?;
        Ok(())
    }

    fn on_response(&self, request: &Request, response: &mut Response) -> Result<()> {
        response.append_header("x-sent", shown(request))?;
        Ok(())
    }
}

/// Asked path and query, then those that go to the upstream.
fn shown(request: &Request) -> String {
    let query = |query: Option<String>| query.unwrap_or("-".into());
    let (asked, sent) = (query(request.query()), query(request.upstream_query()));
    format!("{} {asked} {} {sent}", request.path(), request.upstream_path())
}
