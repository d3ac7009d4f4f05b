//! `auth-jwt`: tokens that come again, fresh ones beside the same checks in plain Rust, and a flood of bad ones.

use std::sync::Arc;

use crate::common::lane::{Asked, Meets};
use crate::common::report::{Report, row};
use crate::common::site::Site;
use crate::common::stopwatch::ROUNDS;
use crate::native::Verifier;
use crate::tokens::{AUDIENCE, ISSUER, Signer, bearer, jwks};

/// So many tokens that none is still in the cache when it comes again.
const RING: usize = 2048;

/// Fewer than [`RING`].
const CACHE: usize = 256;

const KID: &str = "2026-01";

pub(crate) async fn measure(site: &Site, report: &mut Report) {
    repeated(site, report).await;
    let elliptic = fresh(site, report, "ES256", &Signer::es256()).await;
    fresh(site, report, "RS256", &Signer::rs256()).await;
    flood(site, report, elliptic).await;
}

/// An entry that trusts this key and remembers so many tokens.
fn entry(site: &Site, signer: &Signer, cache: usize) -> String {
    let keys = site.file(&format!("{}.json", signer.algorithm()), &jwks(&[(KID, signer)]));
    format!(
        "{{ plugin: auth-jwt, config: {{ issuer: \"{ISSUER}\", audience: [\"{AUDIENCE}\"], jwks: {keys}, \
         algorithms: [{}], cache: {cache}, claims: {{ user.id: sub, auth.role: role }}, headers: {{ x-user: sub }} }} }}",
        signer.algorithm()
    )
}

async fn repeated(site: &Site, report: &mut Report) {
    let signer = Signer::es256();
    let token = signer.token(KID, 1, 3600);
    assert!((560..=640).contains(&token.len()), "a token of some 600 bytes, not {}", token.len());
    let asked = || vec![bearer(&token)];
    let cached = site.cost(&entry(site, &signer, CACHE), asked(), Meets::Upstream).await;
    row("auth-jwt: a token that comes again", cached);
    let planted = site.cost(&entry(site, &signer, 0), asked(), Meets::Upstream).await;
    row("auth-jwt: the same without the cache: the negative control", planted);
    report.bar("auth-jwt: a token that comes again <= 3 us", cached / 1e3, 3.0, " us");
    report.control("auth-jwt: the same without its cache", planted / 1e3, 3.0, " us");
}

/// What a fresh token adds.
async fn fresh(site: &Site, report: &mut Report, algorithm: &'static str, signer: &Signer) -> f64 {
    let tokens = signer.ring(KID, RING);
    let asked: Arc<[Asked]> = tokens.iter().map(|token| bearer(token)).collect();
    let bare = site.lane("", &asked, Meets::Upstream).await;
    let with = site.lane(&entry(site, signer, CACHE), &asked, Meets::Upstream).await;
    let verifier = Verifier::new(algorithm, KID, signer.public());
    let mut best = [f64::INFINITY; 4];
    for _ in 0..ROUNDS {
        let (native, signature) = (verifier.round(&tokens), verifier.signature_round(&tokens));
        for (best, found) in best.iter_mut().zip([bare.round().await, with.round().await, native, signature]) {
            *best = best.min(found);
        }
    }
    let [bare, with, native, signature] = best;
    let cost = with - bare;
    assert!(cost > signature, "a fresh token that costs less than its signature was not verified");
    row(&format!("auth-jwt: a fresh {algorithm} token"), cost);
    row(&format!("the same checks in plain Rust: {:.2}x", cost / native), native);
    row(&format!("the signature alone: {:.2}x", cost / signature), signature);
    report.bar(&format!("auth-jwt: a fresh {algorithm} token <= 1.5x plain Rust"), cost / native, 1.5, "x");
    cost
}

async fn flood(site: &Site, report: &mut Report, fresh: f64) {
    let (signer, other) = (Signer::es256(), Signer::es256());
    let entry = entry(site, &signer, CACHE);
    let ring = |token: &dyn Fn(usize) -> String| (0..RING).map(|user| bearer(&token(user))).collect::<Vec<_>>();
    let kinds: [(&str, &str, Vec<Asked>); 4] = [
        ("a wrong signature", "bad-signature", ring(&|user| other.token(KID, user, 3600))),
        ("an unknown key", "unknown-key", ring(&|user| other.token(&format!("none-{user}"), user, 3600))),
        ("garbage", "malformed-token", ring(&garbage)),
        ("an expired token", "token-expired", ring(&|user| signer.token(KID, user, -600))),
    ];
    for (name, reason, asked) in kinds {
        let cost = site.cost(&entry, asked, Meets::Refusal(401, reason)).await;
        row(&format!("auth-jwt: {name}"), cost);
        report.bar(&format!("auth-jwt: {name} <= a fresh token"), cost / fresh, 1.0, "x");
    }
}

/// Letters as a token has them, which are none: another text for each number.
fn garbage(number: usize) -> String {
    let mut state = number as u64 + 1;
    let mut letters = (0..600).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[(state >> 58) as usize])
    });
    let mut part = |length: usize| letters.by_ref().take(length).collect::<String>();
    format!("{}.{}.{}", part(80), part(434), part(86))
}
