//! Tokens, and the keys that sign them.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use crate::common::lane::Asked;

pub(crate) const ISSUER: &str = "https://login.example.com";
pub(crate) const AUDIENCE: &str = "https://api.example.com";

/// A request with this token.
pub(crate) fn bearer(token: &str) -> Asked {
    Asked::get("/bench").with("authorization", &format!("Bearer {token}"))
}

/// A key that signs tokens.
pub(crate) enum Signer {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

impl Signer {
    pub(crate) fn es256() -> Self {
        Self::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    pub(crate) fn rs256() -> Self {
        Self::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"))
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Es256(_) => "ES256",
            Self::Rs256(_) => "RS256",
        }
    }

    /// The public key, ready to check signatures.
    pub(crate) fn public(&self) -> ParsedPublicKey {
        match self {
            Self::Es256(key) => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key().as_ref()),
            Self::Rs256(key) => ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref()),
        }
        .expect("a key that was just made")
    }

    /// The public key as a JWK.
    fn jwk(&self, kid: &str) -> String {
        let public = match self {
            Self::Es256(key) => {
                // 0x04, x, y.
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                format!(r#""kty":"EC","crv":"P-256","x":"{}","y":"{}""#, BASE64.encode(x), BASE64.encode(y))
            }
            Self::Rs256(key) => {
                // An RSAPublicKey in DER: a sequence of the modulus, with a zero in front, and the exponent.
                let der = key.public_key().as_ref();
                let (modulus, exponent) = (&der[9..265], &der[267..]);
                format!(r#""kty":"RSA","n":"{}","e":"{}""#, BASE64.encode(modulus), BASE64.encode(exponent))
            }
        };
        format!(r#"{{{public},"kid":"{kid}","use":"sig","alg":"{}"}}"#, self.algorithm())
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(key) => key.sign(&random, message).expect("a signature").as_ref().to_vec(),
            Self::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).expect("a signature");
                signature
            }
        }
    }

    /// The token of one of many users, as identity providers write it: some 600 bytes with ES256. Valid from an hour ago
    /// until so many seconds from now.
    pub(crate) fn token(&self, kid: &str, user: usize, expires: i64) -> String {
        let now = now();
        let header = format!(r#"{{"alg":"{}","typ":"JWT","kid":"{kid}"}}"#, self.algorithm());
        let claims = format!(
            r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","sub":"user-{user:06}","role":"editor","iat":{issued},"nbf":{issued},"exp":{expires},"jti":"4f1c2d7e-93a8-4b55-8c61-{user:012}","azp":"web","scope":"openid profile email","name":"Ada Lovelace","email":"user-{user:06}@example.com","email_verified":true}}"#,
            issued = now - 3600,
            expires = now + expires,
        );
        let signed = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
        let signature = BASE64.encode(self.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// So many tokens of as many users, valid for an hour.
    pub(crate) fn ring(&self, kid: &str, tokens: usize) -> Vec<String> {
        (0..tokens).map(|user| self.token(kid, user, 3600)).collect()
    }
}

/// A set of keys, by their names.
pub(crate) fn jwks(keys: &[(&str, &Signer)]) -> String {
    let keys: Vec<_> = keys.iter().map(|(kid, key)| key.jwk(kid)).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    i64::try_from(since.as_secs()).expect("a long time from now")
}
