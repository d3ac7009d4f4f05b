//! Sets of characters.

use super::categories;

/// What the standard library knows of characters.
type Property = fn(char) -> bool;

/// Characters.
#[derive(Clone, Debug, Default)]
pub(super) struct Set {
    /// In order, and apart from one another.
    ranges: Vec<(u32, u32)>,
    /// Those that have a property, or if not `true` those that have it not.
    properties: Vec<(Property, bool)>,
    /// It is all others that are meant.
    is_inverse: bool,
    /// Which of the first 128 are in it.
    ascii: u128,
}

/// The last character.
const LAST: u32 = 0x0010_FFFF;

/// `\s`: the white space and line ends of ECMA-262.
const SPACES: [(u32, u32); 10] = [
    (0x09, 0x0D),
    (0x20, 0x20),
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
    (0xFEFF, 0xFEFF),
];

const LINE_ENDS: [(u32, u32); 3] = [(0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029)];
const DIGITS: [(u32, u32); 1] = [(0x30, 0x39)];
const WORDS: [(u32, u32); 4] = [(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)];

impl Set {
    /// Of these, in any order; or of all others.
    pub(super) fn new(ranges: &[(u32, u32)], properties: Vec<(Property, bool)>, is_inverse: bool) -> Self {
        let mut sorted = ranges.to_vec();
        sorted.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::new();
        for (from, to) in sorted {
            match merged.last_mut() {
                Some((_, end)) if from <= end.saturating_add(1) => *end = to.max(*end),
                _ => merged.push((from, to)),
            }
        }
        let mut set = Self { ranges: merged, properties, is_inverse, ascii: 0 };
        set.ascii = (0..128_u8).filter(|code| set.finds(char::from(*code))).fold(0, |ascii, code| ascii | 1 << code);
        set
    }

    pub(super) fn of(ranges: &[(u32, u32)]) -> Self {
        Self::new(ranges, Vec::new(), false)
    }

    /// Adds what is in it to the parts of a greater one.
    pub(super) fn add_to(&self, ranges: &mut Vec<(u32, u32)>, properties: &mut Vec<(Property, bool)>) {
        ranges.extend_from_slice(&self.ranges);
        properties.extend_from_slice(&self.properties);
    }

    /// All that are in none of the ranges.
    fn others(ranges: &[(u32, u32)]) -> Self {
        let (mut others, mut next) = (Vec::new(), 0);
        for (from, to) in ranges {
            if *from > next {
                others.push((next, from - 1));
            }
            next = to + 1;
        }
        if next <= LAST {
            others.push((next, LAST));
        }
        Self::of(&others)
    }

    /// What `\d`, `\w`, `\s` and their opposites stand for.
    pub(super) fn class(letter: char) -> Option<Self> {
        let ranges: &[(u32, u32)] = match letter.to_ascii_lowercase() {
            'd' => &DIGITS,
            'w' => &WORDS,
            's' => &SPACES,
            _ => return None,
        };
        Some(if letter.is_ascii_uppercase() { Self::others(ranges) } else { Self::of(ranges) })
    }

    /// What `.` stands for.
    pub(super) fn dot() -> Self {
        Self::others(&LINE_ENDS)
    }

    /// What `\p{NAME}` stands for, or `\P{NAME}`.
    pub(super) fn property(name: &str, is_inverse: bool) -> Option<Self> {
        let property: Property = match name {
            "Any" => |_| true,
            "ASCII" => |character| character.is_ascii(),
            "Alphabetic" | "Alpha" => char::is_alphabetic,
            "Lowercase" | "Lower" => char::is_lowercase,
            "Uppercase" | "Upper" => char::is_uppercase,
            "White_Space" | "space" => char::is_whitespace,
            _ => {
                return categories::ranges(name).map(|ranges| {
                    if is_inverse { Self::others(&Self::of(&ranges).ranges) } else { Self::of(&ranges) }
                });
            }
        };
        Some(Self::new(&[], vec![(property, !is_inverse)], false))
    }

    /// Whether it is `\w`: what `\b` looks at.
    pub(super) fn is_word(character: Option<char>) -> bool {
        character.is_some_and(|character| character.is_ascii_alphanumeric() || character == '_')
    }

    pub(super) fn contains(&self, character: char) -> bool {
        let code = u32::from(character);
        if code < 128 { self.ascii >> code & 1 == 1 } else { self.finds(character) }
    }

    fn finds(&self, character: char) -> bool {
        let code = u32::from(character);
        let behind = self.ranges.partition_point(|(_, to)| *to < code);
        let is_in = self.ranges.get(behind).is_some_and(|(from, _)| *from <= code)
            || self.properties.iter().any(|(property, wanted)| property(character) == *wanted);
        is_in != self.is_inverse
    }
}
