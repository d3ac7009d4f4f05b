//! Values that carry a unit.

use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};

use super::fault::quoted;
use super::read::{Read, Reader};
use super::schema::Definitions;
use super::tree::{Kind, Node};

/// `500ms`, `10s`, `5m`, `1h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time(pub(super) Duration);

/// `512B`, `64KiB`, `16MiB`, `1GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size(pub(super) u64);

/// `50%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share(pub(super) u64);

/// `1%`, or `0.01`: from nothing to all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ratio(pub(super) f64);

impl Read for Time {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        let units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];
        let milliseconds = value(node, reader, "a duration", "ms, s, m or h, as in 500ms", &units)?;
        Some(Self(Duration::from_millis(milliseconds)))
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "string", "pattern": r"^([0-9]+(ms|s|m|h)|.*\$\{.*)$" })
    }
}

impl Read for Size {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        let units = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
        value(node, reader, "a size", "B, KiB, MiB or GiB, as in 64KiB", &units).map(Self)
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "string", "pattern": r"^([0-9]+(B|KiB|MiB|GiB)|.*\$\{.*)$" })
    }
}

impl Read for Share {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        value(node, reader, "a share", "%, as in 50%", &[("%", 1)]).map(Self)
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "string", "pattern": r"^(([1-9][0-9]?|100)%|.*\$\{.*)$" })
    }
}

impl Read for Ratio {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        let Kind::Scalar(scalar) = &node.kind else { return reader.expected("a share", node) };
        let ratio = ratio(&scalar.text);
        if ratio.is_none() {
            reader.fault(node.place, format!("{} is not a share", quoted(&scalar.text))).help =
                Some("write a share from 0% to 100%, or a number from 0 to 1, as in 1% or 0.01".into());
        }
        ratio.map(Self)
    }

    fn schema(_: &mut Definitions) -> Value {
        let text = json!({
            "type": "string",
            "pattern": r"^((100|[0-9]{1,2})(\.[0-9]+)?%|0(\.[0-9]+)?|1(\.0+)?|.*\$\{.*)$",
        });
        json!({ "anyOf": [{ "type": "number", "minimum": 0, "maximum": 1 }, text] })
    }
}

/// Digits, and a part behind the point or none: no signs, no exponents.
fn ratio(text: &str) -> Option<f64> {
    let (number, of) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let is_digits = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = (is_digits(whole) && is_digits(part)).then(|| number.parse::<f64>().ok()).flatten()?;
    Some(number / of).filter(|ratio| *ratio <= 1.0)
}

fn value(node: &Node, reader: &mut Reader, what: &str, how: &str, units: &[(&str, u64)]) -> Option<u64> {
    let Kind::Scalar(scalar) = &node.kind else { return reader.expected(what, node) };
    let value = count(&scalar.text, units);
    if value.is_none() {
        reader.fault(node.place, format!("{} is not {what}", quoted(&scalar.text))).help =
            Some(format!("write a whole number and {how}"));
    }
    value
}

/// A whole number and a unit, in the smallest unit.
fn count(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}
