//! Filters that have somebody else say who asks, and remember it: rows without bars.

use std::sync::Arc;

use crate::common::lane::{Asked, Meets};
use crate::common::report::row;
use crate::common::site::Site;
use crate::peers::Peers;
use crate::tokens::bearer;

/// `difference engine`, hashed so slowly that nobody waits for the end of a row that does so for each request.
const USERS: &str = "ada:$2b$10$d4mCQcPrzLwqVLxVfgHEbO0/5yLiEMyrqZ6emYO1L0AHLJ8VnMBSa\n";

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
    let peers = Arc::new(peers);
    site.outbound = Arc::<Peers>::clone(&peers);
    let asked = vec![bearer("2YotnFZFEjr1zCsicMWpAA")];
    let entry = "{ plugin: auth-introspect, config: { endpoint: { upstream: auth, path: /introspect } } }";
    row("auth-introspect: a token that comes again", site.cost(entry, asked, Meets::Upstream).await);
    let asked = vec![Asked::get("/reports/2026").variable("user.id", "ada").variable("auth.role", "editor")];
    let entry = "{ plugin: authz, config: { endpoint: { upstream: policy, path: /authorize } } }";
    row("authz: what the policy endpoint said before", site.cost(entry, asked, Meets::Upstream).await);
    assert_eq!(peers.asked(), 2, "what was said once is remembered");
}
