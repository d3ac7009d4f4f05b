//! Which site and which route serve a request.

use std::sync::Arc;

use http::header::{self, HeaderName};

use super::headers::{self, Wishes};
use super::{Connection, Error};
use crate::plugin::{Chain, Held};
use crate::routing::{Asked, Found};
use crate::snapshot::{Route, Snapshot};

/// What serves a request.
pub(super) struct Chosen<'a> {
    pub(super) chain: &'a Chain,
    pub(super) wishes: Wishes,
    /// Fields that filters of the site set, and nobody else.
    pub(super) own_headers: &'a Arc<Vec<HeaderName>>,
    /// Or why there is none.
    pub(super) route: Result<&'a Route, Found>,
}

/// Finds the site and the route. The path is matched, seen by filters and sent in one spelling.
pub(super) fn choose<'a>(
    snapshot: &'a Snapshot,
    connection: &Connection,
    wishes: Wishes,
    exchange: &mut Held,
) -> Result<Chosen<'a>, Error> {
    let host = exchange.request.headers.get(header::HOST).map(|host| host.to_str().unwrap_or_default());
    let index = snapshot.router.site(connection.listener.place(), host.unwrap_or_default()).ok_or(Error::NoSite)?;
    let site = &snapshot.sites[index];
    headers::normalize(&mut exchange.request.uri, site.paths)?;
    headers::remove_own(&mut exchange.request.headers, &site.own_headers);
    let request = &exchange.request;
    let asked = Asked {
        path: request.uri.path(),
        query: request.uri.query(),
        method: &request.method,
        headers: &request.headers,
    };
    match snapshot.router.route(index, &asked) {
        Found::Route(route) => {
            let route = &site.routes[route];
            exchange.serving = Some(Arc::clone(&route.serving));
            Ok(Chosen { chain: &route.chain, wishes, own_headers: &site.own_headers, route: Ok(route) })
        }
        nothing => {
            exchange.serving = Some(Arc::clone(&site.serving));
            Ok(Chosen { chain: &site.chain, wishes, own_headers: &site.own_headers, route: Err(nothing) })
        }
    }
}
