//! As much of DER as public keys need: strict, for what two readers understand differently is a way in.

use std::borrow::Cow;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// The name of a kind of key, and its parameters as they stand in a `SubjectPublicKeyInfo`.
const RSA: (&[u8], &[u8]) = (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01], &[0x05, 0x00]);
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[OBJECT, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[OBJECT, 5, 0x2b, 0x81, 0x04, 0x00, 0x22];
const P521: &[u8] = &[OBJECT, 5, 0x2b, 0x81, 0x04, 0x00, 0x23];
const ED25519: (&[u8], &[u8]) = (&[0x2b, 0x65, 0x70], &[]);

/// What a `SubjectPublicKeyInfo` (RFC 5280) holds.
pub(super) enum Subject<'a> {
    /// Modulus and exponent.
    Rsa(&'a [u8], &'a [u8]),
    /// Points.
    P256(&'a [u8]),
    P384(&'a [u8]),
    P521(&'a [u8]),
    Ed25519(&'a [u8]),
}

/// Reads a key. None if it is anything else, or if anything follows.
pub(super) fn subject(der: &[u8]) -> Option<Subject<'_>> {
    let mut all = only(SEQUENCE, der)?;
    let mut kind = next(SEQUENCE, &mut all)?;
    // All of its bits are used, so the first byte, which counts those that are not, is 0.
    let key = only(BIT_STRING, all)?.strip_prefix(&[0])?;
    let name = next(OBJECT, &mut kind)?;
    let parameters = kind;
    match (name, parameters) {
        RSA => {
            let mut numbers = only(SEQUENCE, key)?;
            let modulus = positive(next(INTEGER, &mut numbers)?)?;
            Some(Subject::Rsa(modulus, positive(only(INTEGER, numbers)?)?))
        }
        (EC, P256) => Some(Subject::P256(key)),
        (EC, P384) => Some(Subject::P384(key)),
        (EC, P521) => Some(Subject::P521(key)),
        ED25519 => Some(Subject::Ed25519(key)),
        _ => None,
    }
}

/// An `RSAPublicKey` (RFC 8017) of two numbers without zeros in front.
pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let numbers = [integer(modulus), integer(exponent)].concat();
    element(SEQUENCE, &numbers)
}

fn integer(number: &[u8]) -> Vec<u8> {
    // A first bit of 1 would make it negative.
    let is_negative = number.first().is_none_or(|first| first & 0x80 != 0);
    let number = if is_negative { Cow::from([&[0], number].concat()) } else { Cow::from(number) };
    element(INTEGER, &number)
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let mut written = vec![tag];
    match length {
        [] => written.push(0),
        [short @ 0..=0x7f] => written.push(*short),
        #[expect(clippy::cast_possible_truncation, reason = "at most 8 bytes of length")]
        long => {
            written.push(0x80 | long.len() as u8);
            written.extend_from_slice(long);
        }
    }
    written.extend_from_slice(content);
    written
}

/// The magnitude of a number above 0 in its only encoding.
fn positive(content: &[u8]) -> Option<&[u8]> {
    match content {
        // The first bit is the sign.
        [0, rest @ ..] if rest.first().is_some_and(|first| *first >= 0x80) => Some(rest),
        [1..=0x7f, ..] => Some(content),
        _ => None,
    }
}

/// The content of the one element that there is.
fn only(tag: u8, der: &[u8]) -> Option<&[u8]> {
    let mut rest = der;
    let content = next(tag, &mut rest)?;
    rest.is_empty().then_some(content)
}

/// The content of the first element, which is taken off.
fn next<'a>(tag: u8, der: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (found, rest) = der.split_first()?;
    let (length, rest) = match *rest {
        [short, ref rest @ ..] if short < 0x80 => (usize::from(short), rest),
        // A length has one form, the shortest.
        [0x81, length, ref rest @ ..] if length >= 0x80 => (usize::from(length), rest),
        [0x82, high, low, ref rest @ ..] if high > 0 => (usize::from(high) << 8 | usize::from(low), rest),
        _ => return None,
    };
    if *found != tag {
        return None;
    }
    let (content, rest) = rest.split_at_checked(length)?;
    *der = rest;
    Some(content)
}
