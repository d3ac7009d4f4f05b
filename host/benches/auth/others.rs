//! Filters that have somebody else say who asks, and remember it: rows without bars.

use std::sync::Arc;

use weir_host::plugin::Outbound;

use crate::Site;
use crate::lane::{Asked, Meets};
use crate::peers::Peers;
use crate::report::row;

/// `difference engine`, with the lowest cost that bcrypt has: it is computed once.
const USERS: &str = "ada:$2b$04$IMiwUAsaYrbikWOtwqe8wevIXdfA4YP3ulTqa8gPultvn7FEFERQ2\n";

/// `ada:difference engine`.
const CREDENTIALS: &str = "Basic YWRhOmRpZmZlcmVuY2UgZW5naW5l";

pub(crate) async fn measure(site: &mut Site) {
    let users = site.file("users.htpasswd", USERS);
    let asked = vec![Asked::get("/bench").with("authorization", CREDENTIALS)];
    let entry = format!("{{ plugin: auth-basic, config: {{ file: {users} }} }}");
    row("auth-basic: credentials that come again", site.cost(&entry, asked, Meets::Upstream).await);

    let peers = Peers::default()
        .with("auth", r#"{"active":true,"sub":"ada","scope":"read write","client_id":"web","token_type":"Bearer"}"#)
        .with("policy", r#"{"allow":true}"#);
    let outbound: Arc<dyn Outbound> = Arc::new(peers);
    site.outbound = outbound;
    let asked = vec![Asked::bearer("2YotnFZFEjr1zCsicMWpAA")];
    let entry = "{ plugin: auth-introspect, config: { endpoint: { upstream: auth, path: /introspect } } }";
    row("auth-introspect: a token that comes again", site.cost(entry, asked, Meets::Upstream).await);
    let asked = vec![Asked::get("/reports/2026").variable("user.id", "ada").variable("auth.role", "editor")];
    let entry = "{ plugin: authz, config: { endpoint: { upstream: policy, path: /authorize } } }";
    row("authz: what the policy endpoint said before", site.cost(entry, asked, Meets::Upstream).await);
}
