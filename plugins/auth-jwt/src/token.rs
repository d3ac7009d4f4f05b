//! A token in its compact form (RFC 7515, 7.1), taken apart. Nothing in it is believed here.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

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
    /// This one as it is encoded.
    pub(crate) header: &'a [u8],
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
        Ok(Self { message, header, claims: decode(claims)?, signature: decode(signature)? })
    }
}

fn decode(part: &[u8]) -> Result<Vec<u8>, Refusal> {
    base64::decode(part).map_err(|_| Refusal::malformed("one of its parts is no base64url"))
}

/// What the header says, as far as it counts. Members that bring or name a key (`jwk`, `jku`, `x5u`, `x5c`) do not: who made
/// the token would choose what it is checked with.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<String>,
    pub(crate) typ: Option<String>,
}

/// The header that was read last: all tokens that are signed with one key have the same.
#[derive(Debug, Default)]
pub(crate) struct LastHeader(RefCell<Option<Known>>);

#[derive(Debug)]
struct Known {
    encoded: Box<[u8]>,
    header: Rc<Header>,
}

/// A header as it is encoded that is worth to be kept.
const LONGEST_KEPT: usize = 512;

impl LastHeader {
    /// Reads one as it is encoded.
    pub(crate) fn read(&self, encoded: &[u8]) -> Result<Rc<Header>, Refusal> {
        let mut last = self.0.borrow_mut();
        if let Some(known) = &*last
            && *known.encoded == *encoded
        {
            return Ok(Rc::clone(&known.header));
        }
        let header = Rc::new(Header::read(encoded)?);
        if encoded.len() <= LONGEST_KEPT {
            *last = Some(Known { encoded: encoded.into(), header: Rc::clone(&header) });
        }
        Ok(header)
    }
}

impl Header {
    /// Reads one as it is encoded.
    pub(crate) fn read(encoded: &[u8]) -> Result<Self, Refusal> {
        let bytes = decode(encoded)?;
        let header = json::object(&bytes).map_err(|why| Refusal::malformed(["its header: ", why].concat()))?;
        // A critical extension that is not known must be refused, and none is known (RFC 7515, 4.1.11). A payload that is not
        // encoded (RFC 7797) or compressed is none of a JWT.
        if let Some(member) = ["crit", "zip", "b64"].into_iter().find(|member| header.has(member)) {
            return Err(Refusal::malformed(["its header has `", member, "`"].concat()));
        }
        let name = text(&header, "alg")?.ok_or_else(|| Refusal::malformed("its header has no `alg`"))?;
        let algorithm = Algorithm::named(&name).ok_or_else(|| {
            Refusal::token("algorithm-not-allowed", ["`", &shown(&name), "` is no algorithm for signatures"].concat())
        })?;
        let owned = |name| Ok(text(&header, name)?.map(Cow::into_owned));
        Ok(Self { algorithm, kid: owned("kid")?, typ: owned("typ")? })
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
