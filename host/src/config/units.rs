//! Values that carry a unit.

use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error};

/// `500ms`, `10s`, `5m`, `1h`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time(pub(super) Duration);

/// `512B`, `64KiB`, `16MiB`, `1GiB`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size(pub(super) usize);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let milliseconds = count(&text, &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)]);
        milliseconds.map(|milliseconds| Self(Duration::from_millis(milliseconds))).ok_or_else(|| {
            D::Error::custom(format!("`{text}` is not a duration; write a whole number and ms, s, m or h, as in 500ms"))
        })
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = count(&text, &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)]);
        bytes.and_then(|bytes| usize::try_from(bytes).ok()).map(Self).ok_or_else(|| {
            D::Error::custom(format!(
                "`{text}` is not a size; write a whole number and B, KiB, MiB or GiB, as in 64KiB"
            ))
        })
    }
}

/// A whole number and a unit, in the smallest unit.
fn count(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}
