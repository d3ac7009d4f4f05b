//! Parts of a file that a client asks for (RFC 9110, 14).

use http::HeaderMap;
use http::header::RANGE;

/// More in one request are no download that goes on, but an attempt to make much of little.
const MOST: usize = 16;

/// Bytes of a file: the first, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) first: u64,
    pub(super) length: u64,
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Parts {
    /// All of it: nothing was said, or nothing that is followed.
    Whole,
    /// These, each within the file; at least one.
    These(Vec<Part>),
    /// Nothing of it is within the file.
    None,
}

/// Reads the field. What is not its grammar is as if it were not there, and so are many parts, and parts that together are
/// more than the file: those overlap.
pub(super) fn parse(asked: &HeaderMap, size: u64) -> Parts {
    let mut values = asked.get_all(RANGE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Parts::Whole };
    let Some(list) = value.to_str().ok().and_then(list) else { return Parts::Whole };
    let mut parts = Vec::new();
    for (count, part) in
        list.split(',').map(|part| part.trim_matches([' ', '\t'])).filter(|part| !part.is_empty()).enumerate()
    {
        match self::part(part, size) {
            _ if count == MOST => return Parts::Whole,
            Err(NoRange) => return Parts::Whole,
            Ok(found) => parts.extend(found),
        }
    }
    let total = parts.iter().map(|part: &Part| part.length).fold(0, u64::saturating_add);
    match parts.as_slice() {
        [] if list.trim_matches([' ', '\t', ',']).is_empty() => Parts::Whole,
        [] => Parts::None,
        [_, _, ..] if total > size => Parts::Whole,
        _ => Parts::These(parts),
    }
}

/// What follows `bytes=`.
fn list(value: &str) -> Option<&str> {
    let (unit, list) = value.split_once('=')?;
    unit.eq_ignore_ascii_case("bytes").then_some(list)
}

/// What is no range at all.
struct NoRange;

/// The part, if something of it is within the file.
fn part(text: &str, size: u64) -> Result<Option<Part>, NoRange> {
    let (first, last) = text.split_once('-').ok_or(NoRange)?;
    if first.is_empty() {
        let length = number(last)?.min(size);
        return Ok((length > 0).then_some(Part { first: size - length, length }));
    }
    let first = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < first {
        return Err(NoRange);
    }
    Ok((first < size).then(|| Part { first, length: last.min(size - 1) - first + 1 }))
}

/// A number of digits; a large one is as good as any that is behind the end.
fn number(text: &str) -> Result<u64, NoRange> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { Ok(text.parse().unwrap_or(u64::MAX)) } else { Err(NoRange) }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::RANGE;

    use super::{Part, Parts, parse};

    fn parts(value: &str, size: u64) -> Parts {
        let mut asked = HeaderMap::new();
        asked.insert(RANGE, value.parse().unwrap());
        parse(&asked, size)
    }

    fn these(parts: &[(u64, u64)]) -> Parts {
        Parts::These(parts.iter().map(|(first, length)| Part { first: *first, length: *length }).collect())
    }

    #[test]
    fn parts_are_cut_to_the_file() {
        for (value, wanted) in [
            ("bytes=0-0", these(&[(0, 1)])),
            ("bytes=2-4", these(&[(2, 3)])),
            ("BYTES=2-", these(&[(2, 8)])),
            ("bytes=-3", these(&[(7, 3)])),
            ("bytes=-100", these(&[(0, 10)])),
            ("bytes=0-", these(&[(0, 10)])),
            ("bytes=9-99999999999999999999999", these(&[(9, 1)])),
            ("bytes=0-1, 4-5 ,, -1", these(&[(0, 2), (4, 2), (9, 1)])),
            ("bytes=0-1,20-30", these(&[(0, 2)])),
            ("bytes=10-", Parts::None),
            ("bytes=-0", Parts::None),
            ("bytes=20-30,40-", Parts::None),
            ("bytes=99999999999999999999999-", Parts::None),
        ] {
            assert_eq!(parts(value, 10), wanted, "{value}");
        }
        for value in ["bytes=0-", "bytes=-1", "bytes=0-0"] {
            assert_eq!(parts(value, 0), Parts::None, "{value}");
        }
    }

    #[test]
    fn what_is_no_range_and_what_would_be_too_much_is_the_whole() {
        for value in [
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=a-b",
            "bytes=1",
            "bytes=3-2",
            "bytes=1-2,x",
            "items=0-1",
            "bytes=+1-2",
            "bytes=1-2-3",
            "bytes=--1",
            "bytes=0x1-2",
            "bytes=0-5,3-9",
            "bytes=0-,0-,0-",
        ] {
            assert_eq!(parts(value, 10), Parts::Whole, "{value}");
        }
        let many = |count: u64| (0..count).map(|at| format!("{at}-{at}")).collect::<Vec<_>>().join(",");
        assert!(matches!(parts(&format!("bytes={}", many(16)), 1000), Parts::These(parts) if parts.len() == 16));
        assert_eq!(parts(&format!("bytes={}", many(17)), 1000), Parts::Whole);
        let mut twice = HeaderMap::new();
        twice.append(RANGE, "bytes=0-1".parse().unwrap());
        twice.append(RANGE, "bytes=2-3".parse().unwrap());
        assert_eq!(parse(&twice, 10), Parts::Whole);
        assert_eq!(parse(&HeaderMap::new(), 10), Parts::Whole);
    }
}
