//! Values that carry a unit, as operators write them everywhere in Weir's file.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

use crate::schema::{Node, Schema};

/// A time in a configuration: `500ms`, `10s`, `5m`, `1h`.
///
/// ```
/// use std::time::Duration;
/// use weir::{Fault, testing::Host};
///
/// #[derive(serde::Deserialize, weir::Config)]
/// #[serde(deny_unknown_fields)]
/// struct Config {
///     /// How long an answer is kept.
///     #[serde(default = "minute")]
///     #[weir(default = "1m")]
///     ttl: weir::config::Duration,
/// }
///
/// fn minute() -> weir::config::Duration {
///     Duration::from_secs(60).into()
/// }
///
/// struct Keeps(Duration);
///
/// #[weir::filter]
/// impl Keeps {
///     fn configure(config: Config) -> Result<Self, Fault> {
///         Ok(Self(config.ttl.get()))
///     }
/// }
///
/// let mut host = Host::new();
/// assert_eq!(host.configure::<Keeps>(r#"{"ttl": "1500ms"}"#).unwrap().0, Duration::from_millis(1500));
/// assert_eq!(host.configure::<Keeps>("{}").unwrap().0, Duration::from_secs(60));
/// let faults = host.configure::<Keeps>(r#"{"ttl": "soon"}"#).err().unwrap();
/// assert_eq!(faults.iter().next().unwrap().pointer, "/ttl");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(std::time::Duration);

impl Duration {
    /// As the standard library has it.
    pub const fn get(self) -> std::time::Duration {
        self.0
    }
}

impl From<std::time::Duration> for Duration {
    fn from(duration: std::time::Duration) -> Self {
        Self(duration)
    }
}

/// A number of bytes in a configuration: `512B`, `64KiB`, `16MiB`, `1GiB`.
///
/// ```
/// # use weir::config::Size;
/// let largest: Size = serde_json::from_str(r#""64KiB""#).unwrap();
/// assert_eq!(largest.bytes(), 65536);
/// assert_eq!(largest, Size::from(65536));
/// assert!(serde_json::from_str::<Size>(r#""64k""#).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(u64);

impl Size {
    /// How many bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl From<u64> for Size {
    fn from(bytes: u64) -> Self {
        Self(bytes)
    }
}

/// What a whole number may be followed by, and how much of the smallest unit that is.
struct Units {
    what: &'static str,
    how: &'static str,
    factors: &'static [(&'static str, u64)],
}

const TIME: &Units = &Units {
    what: "a duration",
    how: "ms, s, m or h, as in 500ms",
    factors: &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)],
};

const SIZE: &Units = &Units {
    what: "a size",
    how: "B, KiB, MiB or GiB, as in 64KiB",
    factors: &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)],
};

impl Units {
    fn count(&self, text: &str) -> Option<u64> {
        let digits = text.find(|character: char| !character.is_ascii_digit())?;
        let (number, unit) = text.split_at_checked(digits)?;
        let (_, factor) = self.factors.iter().find(|(name, _)| *name == unit)?;
        number.parse::<u64>().ok()?.checked_mul(*factor)
    }
}

impl Visitor<'_> for &Units {
    type Value = u64;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.what)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
        self.count(text).ok_or_else(|| {
            E::custom(["`", text, "` is not ", self.what, ": write a whole number and ", self.how].concat())
        })
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TIME).map(|count| Self(std::time::Duration::from_millis(count)))
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(SIZE).map(Self)
    }
}

impl Schema for Duration {
    const SCHEMA: &'static Node = &Node::Pattern("^[0-9]+(ms|s|m|h)$");
}

impl Schema for Size {
    const SCHEMA: &'static Node = &Node::Pattern("^[0-9]+(B|KiB|MiB|GiB)$");
}
