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
        let (count, unit) = split(&text);
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => 0,
        };
        count
            .and_then(|count| count.checked_mul(milliseconds))
            .filter(|_| milliseconds > 0)
            .map(|count| Self(Duration::from_millis(count)))
            .ok_or_else(|| {
                D::Error::custom(format!(
                    "`{text}` is not a duration; write a whole number and ms, s, m or h, as in 500ms"
                ))
            })
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (count, unit) = split(&text);
        let bytes = match unit {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => 0,
        };
        count
            .and_then(|count| count.checked_mul(bytes))
            .filter(|_| bytes > 0)
            .and_then(|count| usize::try_from(count).ok())
            .map(Self)
            .ok_or_else(|| {
                D::Error::custom(format!(
                    "`{text}` is not a size; write a whole number and B, KiB, MiB or GiB, as in 64KiB"
                ))
            })
    }
}

fn split(text: &str) -> (Option<u64>, &str) {
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    (text[..digits].parse().ok(), &text[digits..])
}
