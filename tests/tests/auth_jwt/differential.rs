//! Some hundred tokens that are nearly right, judged by the filter and by `PyJWT` with the same keys and rules.
//!
//! What `PyJWT` refuses the filter must never let in. It may be stricter, and is so knowingly in these things only:
//!
//! * base64url with padding, with letters of the other alphabet or none, or with bits behind its end;
//! * members that stand twice, which `PyJWT` reads as the last one;
//! * dates that are texts, `true` or huge, which Python's `int` takes;
//! * `b64` and `zip` in the header.
//!
//! So the tokens here have none of these, but for base64url, where the filter must refuse what is not the canonical form.

use serde_json::{Value, json};
use weir_tests::{Issuer, Key, base64url, from_base64url};

use crate::{Stage, now};

/// Numbers without a pattern, the same in each run (xorshift, of Marsaglia).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }

    /// One of these; the first one as often as all others.
    fn of<'a, T>(&mut self, some: &'a [T]) -> &'a T {
        let at = self.below(2);
        if at == 0 { &some[0] } else { &some[self.below(some.len())] }
    }
}

/// A token of one of the keys with claims in many forms: right ones are as likely as wrong ones.
fn made(dice: &mut Dice, issuer: &Issuer, keys: &[Key]) -> String {
    let now = now();
    let key = dice.of(keys);
    let other = dice.of(keys);
    let mut header = json!({ "typ": "JWT" });
    for (name, values) in [
        ("alg", [json!(key.alg), json!(other.alg), json!("none"), json!("ES384"), json!("es256"), Value::Null]),
        ("kid", [json!(key.kid), json!(other.kid), json!("unknown"), json!(1), json!(""), json!("key-none")]),
        ("x", [Value::Null, json!("y"), json!(["a"]), json!({ "b": {} }), json!(1.5), json!(false)]),
    ] {
        let value = if dice.below(8) == 0 { dice.of(&values) } else { &values[0] };
        header[name] = value.clone();
    }
    let mut claims = json!({});
    for (name, values) in [
        ("exp", [json!(now + 600), json!(now + 3600), json!(now - 15), json!(now - 120), json!(0), json!(1)]),
        ("nbf", [Value::Null, json!(now - 1), json!(now + 20), json!(now + 300), json!("x"), json!([])]),
        ("iat", [json!(now), Value::Null, json!(now + 20), json!(now + 300), json!("x"), json!({})]),
        ("aud", [json!("api"), json!(["api", "x"]), json!(["x"]), json!("x"), json!([]), json!(["API"])]),
        (
            "iss",
            [
                json!("https://a.example"),
                json!("https://b.example"),
                json!(""),
                json!("https://a.example/"),
                json!(1),
                json!([]),
            ],
        ),
        ("sub", [json!("ada"), json!(""), json!("\u{e9}\r\n"), Value::Null, json!("a".repeat(300)), json!("\"")]),
    ] {
        let value = if dice.below(4) == 0 { dice.of(&values) } else { &values[0] };
        if !value.is_null() {
            claims[name] = value.clone();
        }
    }
    if header["alg"].is_null() && dice.below(2) == 0 {
        header.as_object_mut().unwrap().remove("alg");
    }
    if header["x"].is_null() {
        header.as_object_mut().unwrap().remove("x");
    }
    let signer = if dice.below(10) == 0 { other } else { key };
    issuer.sign(signer, header.to_string(), claims.to_string())
}

/// The token with some of its letters changed, taken away, added or moved.
fn mutated(dice: &mut Dice, token: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = token.as_bytes().to_vec();
    for _ in 0..=dice.below(3) {
        let (at, to) = (dice.below(bytes.len()), dice.below(bytes.len()));
        let letter = LETTERS[dice.below(64)];
        match dice.below(6) {
            0 => drop(bytes.remove(at)),
            1 => bytes.insert(at, letter),
            2 => bytes.swap(at, to),
            3 => bytes.truncate(at.max(1)),
            4 => bytes.push(letter),
            _ => bytes[at] = letter,
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn the_filter_and_another_library_accept_the_same_tokens() {
    let issuer = Issuer::start();
    let keys: Vec<Key> =
        ["RS256", "ES256", "EdDSA", "PS512"].iter().map(|alg| issuer.key(&format!("key-{alg}"), alg)).collect();
    issuer.publish(&keys.iter().collect::<Vec<_>>());
    let rules = json!({
        "algorithms": ["RS256", "ES256", "EdDSA", "PS512"], "audience": ["api"], "issuer": "https://a.example", "leeway": 30,
        "required": ["exp"],
    });
    let config =
        ", algorithms: [RS256, ES256, EdDSA, PS512], audience: [api], issuer: \"https://a.example\", leeway: 30s";
    let stage = Stage::new(issuer, config);
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let (mut accepted, mut stricter) = (0, 0);
    for number in 0..600 {
        let token = made(&mut dice, &stage.issuer, &keys);
        let is_mutated = number % 3 == 2;
        let token = if is_mutated { mutated(&mut dice, &token) } else { token };
        let theirs = stage.issuer.accepts(&token, &rules);
        let reply = stage.get(&token);
        assert!(matches!(reply.status, 200 | 401), "{token}: {reply:?}");
        let ours = reply.status == 200;
        accepted += usize::from(ours);
        if theirs && !ours {
            let is_canonical = token.split('.').all(|part| base64url(from_base64url(part)) == part);
            assert!(is_mutated && !is_canonical, "only PyJWT accepts {token}");
            stricter += 1;
        }
        assert!(theirs || !ours, "PyJWT refuses {token}");
    }
    eprintln!("{accepted} of 600 were accepted by both, {stricter} by PyJWT only, which were not in canonical form");
    assert!((100..500).contains(&accepted), "{accepted} tokens were accepted: nothing was compared");
}
