//! A token in its compact form (RFC 7515, 7.1), taken apart. Nothing in it is believed here.

use std::borrow::Cow;

use crate::algorithm::Algorithm;
use crate::base64;
use crate::json::{self, Object};
use crate::refusal::{Refusal, shown};

/// What no token is longer than, all of it, its header and its claims as they are encoded.
pub(crate) const LONGEST: usize = 16 << 10;
const LONGEST_HEADER: usize = 4 << 10;
const LONGEST_CLAIMS: usize = 14 << 10;

/// A signature of RSA with 8192 bits has 1024 bytes.
const LONGEST_SIGNATURE: usize = 1366;

/// The parts of a token, decoded.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    /// What is signed.
    pub(crate) message: &'a [u8],
    pub(crate) header: Vec<u8>,
    pub(crate) claims: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl<'a> Parts<'a> {
    pub(crate) fn of(token: &'a [u8]) -> Result<Self, Refusal> {
        if token.len() > LONGEST {
            return Err(Refusal::malformed("it is longer than 16 KiB"));
        }
        let mut parts = token.split(|byte| *byte == b'.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::malformed("it has other than three parts"));
        };
        if header.len() > LONGEST_HEADER || claims.len() > LONGEST_CLAIMS || signature.len() > LONGEST_SIGNATURE {
            return Err(Refusal::malformed("one of its parts is too long"));
        }
        let message = token.get(..header.len() + 1 + claims.len()).unwrap_or_default();
        let decode = |part| base64::decode(part).map_err(|_| Refusal::malformed("one of its parts is no base64url"));
        Ok(Self { message, header: decode(header)?, claims: decode(claims)?, signature: decode(signature)? })
    }
}

/// What the header says, as far as it counts. Members that bring or name a key (`jwk`, `jku`, `x5u`, `x5c`) do not: who made
/// the token would choose what it is checked with.
#[derive(Debug)]
pub(crate) struct Header<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<Cow<'a, str>>,
    pub(crate) typ: Option<Cow<'a, str>>,
}

impl<'a> Header<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let header = json::object(bytes).map_err(|why| Refusal::malformed(["its header: ", why].concat()))?;
        // A critical extension that is not known must be refused, and none is known (RFC 7515, 4.1.11). A payload that is not
        // encoded (RFC 7797) or compressed is none of a JWT.
        if let Some(member) = ["crit", "zip", "b64"].into_iter().find(|member| header.has(member)) {
            return Err(Refusal::malformed(["its header has `", member, "`"].concat()));
        }
        let name = text(&header, "alg")?.ok_or_else(|| Refusal::malformed("its header has no `alg`"))?;
        let algorithm = Algorithm::named(&name).ok_or_else(|| {
            Refusal::token("algorithm-not-allowed", ["`", &shown(&name), "` is no algorithm for signatures"].concat())
        })?;
        Ok(Self { algorithm, kid: text(&header, "kid")?, typ: text(&header, "typ")? })
    }
}

fn text<'a>(header: &Object<'a>, name: &str) -> Result<Option<Cow<'a, str>>, Refusal> {
    match header.get(name) {
        None if header.has(name) => Err(Refusal::malformed(["`", name, "` in its header is no text"].concat())),
        None => Ok(None),
        Some(value) => match value.text() {
            Some(text) => Ok(Some(text)),
            None => Err(Refusal::malformed(["`", name, "` in its header is no text"].concat())),
        },
    }
}

/// Whether a token's `typ` is this one: media types do not know capitals, and `application/` in front may be left out (RFC
/// 7515, 4.1.9).
pub(crate) fn is_typ(wanted: &str, typ: &str) -> bool {
    let bare = |typ: &str| {
        let lower = typ.to_ascii_lowercase();
        match lower.strip_prefix("application/") {
            Some(rest) if !rest.contains('/') => rest.to_owned(),
            _ => lower,
        }
    };
    bare(wanted) == bare(typ)
}
