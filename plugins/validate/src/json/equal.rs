//! Whether values are the same: numbers by what they are worth, objects whatever the order of their members.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{At, Json, Kind};
use crate::number::Number;
use crate::steps::{Steps, TooComplex};

/// Whether two values are the same.
pub(crate) fn equal(
    (one, at): (&Json, At),
    (other, there): (&Json, At),
    steps: &mut Steps,
) -> Result<bool, TooComplex> {
    steps.take(1)?;
    let (kind, other_kind) = (one.kind(at), other.kind(there));
    match (kind, other_kind) {
        (Kind::Text | Kind::Escaped, Kind::Text | Kind::Escaped) => {
            let (text, other) = (one.text(at), other.text(there));
            steps.take_bytes(text.len().min(other.len()))?;
            Ok(text == other)
        }
        (Kind::Number, Kind::Number) => {
            let (text, other) = (one.text(at), other.text(there));
            steps.take_bytes(text.len() + other.len())?;
            Ok(text == other || Number::read(text) == Number::read(other))
        }
        (Kind::Array, Kind::Array) => {
            if one.count(at) != other.count(there) {
                return Ok(false);
            }
            for (item, there) in one.items(at).zip(other.items(there)) {
                if !equal((one, item), (other, there), steps)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Kind::Object, Kind::Object) => {
            if one.count(at) != other.count(there) {
                return Ok(false);
            }
            // Members in one order are the usual case; others are looked for among names that are sorted once.
            let mut sorted: Vec<(&str, At)> = Vec::new();
            for ((name, member), (usual, there_usual)) in one.members(at).zip(other.members(there)) {
                let found = if name == usual {
                    there_usual
                } else {
                    if sorted.is_empty() {
                        steps.take(other.count(there))?;
                        sorted.extend(other.members(there));
                        sorted.sort_unstable();
                    }
                    steps.take_bytes(name.len())?;
                    match sorted.binary_search_by(|(known, _)| (*known).cmp(name)) {
                        Ok(index) => sorted.get(index).map_or(there_usual, |(_, found)| *found),
                        Err(_) => return Ok(false),
                    }
                };
                if !equal((one, member), (other, found), steps)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Ok(kind == other_kind),
    }
}

/// The same for values that are the same, and for others most likely not.
pub(crate) fn fingerprint(json: &Json, at: At, steps: &mut Steps) -> Result<u64, TooComplex> {
    steps.take(1)?;
    let mut hasher = DefaultHasher::new();
    let kind = json.kind(at);
    match kind {
        Kind::Text | Kind::Escaped => {
            let text = json.text(at);
            steps.take_bytes(text.len())?;
            text.hash(&mut hasher);
        }
        Kind::Number => {
            let text = json.text(at);
            steps.take_bytes(text.len())?;
            Number::read(text).hash(&mut hasher);
        }
        Kind::Array => {
            json.count(at).hash(&mut hasher);
            for item in json.items(at) {
                fingerprint(json, item, steps)?.hash(&mut hasher);
            }
        }
        Kind::Object => {
            let mut sum = 0_u64;
            for (name, member) in json.members(at) {
                let mut of_member = DefaultHasher::new();
                name.hash(&mut of_member);
                fingerprint(json, member, steps)?.hash(&mut of_member);
                sum = sum.wrapping_add(of_member.finish());
            }
            (json.count(at), sum).hash(&mut hasher);
        }
        Kind::Null | Kind::False | Kind::True => (kind as u8).hash(&mut hasher),
    }
    Ok(hasher.finish())
}
