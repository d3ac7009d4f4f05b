//! What checking a token costs without a filter: the same checks in plain Rust, as somebody would write them who has one
//! issuer, one audience and one key.

use std::hint::black_box;

use aws_lc_rs::signature::ParsedPublicKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::Deserialize;

use crate::common::stopwatch::Stopwatch;
use crate::tokens::{AUDIENCE, ISSUER, now};

#[derive(Deserialize)]
struct Header<'a> {
    alg: &'a str,
    kid: &'a str,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    role: String,
    exp: i64,
    nbf: i64,
}

/// The key of one issuer.
pub(crate) struct Verifier {
    algorithm: &'static str,
    kid: &'static str,
    key: ParsedPublicKey,
}

impl Verifier {
    pub(crate) fn new(algorithm: &'static str, kid: &'static str, key: ParsedPublicKey) -> Self {
        Self { algorithm, kid, key }
    }

    /// Subject and role of a token that is good.
    fn verify(&self, token: &str) -> Option<(String, String)> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header = BASE64.decode(header).ok()?;
        let header: Header<'_> = serde_json::from_slice(&header).ok()?;
        if header.alg != self.algorithm || header.kid != self.kid {
            return None;
        }
        self.key.verify_sig(signed.as_bytes(), &BASE64.decode(signature).ok()?).ok()?;
        let claims: Claims = serde_json::from_slice(&BASE64.decode(claims).ok()?).ok()?;
        let now = now();
        let is_good = claims.iss == ISSUER && claims.aud == AUDIENCE && claims.nbf <= now && now < claims.exp;
        is_good.then_some((claims.sub, claims.role))
    }

    /// Nanoseconds for one of these tokens, in one round.
    pub(crate) fn round(&self, tokens: &[String]) -> f64 {
        round(tokens, |token| assert!(black_box(self.verify(black_box(token))).is_some(), "a good token"))
    }

    /// The same for the check of the signature alone.
    pub(crate) fn signature_round(&self, tokens: &[String]) -> f64 {
        let parts: Vec<_> = tokens
            .iter()
            .map(|token| {
                let (signed, signature) = token.rsplit_once('.').expect("three parts");
                (signed, BASE64.decode(signature).expect("base64"))
            })
            .collect();
        round(&parts, |(signed, signature)| {
            assert!(self.key.verify_sig(black_box(signed.as_bytes()), signature).is_ok(), "a good signature");
        })
    }
}

fn round<T>(all: &[T], work: impl Fn(&T)) -> f64 {
    let (stopwatch, mut done) = (Stopwatch::start(), 0);
    loop {
        for one in all {
            work(one);
        }
        done += u32::try_from(all.len()).expect("some thousands");
        if let Some(each) = stopwatch.each_of(done) {
            return each;
        }
    }
}
