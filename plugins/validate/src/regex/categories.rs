//! The general categories of Unicode, for `\p{...}`.
//!
//! `categories.bin` has all characters of Unicode 17 in order, as runs of one category: a byte with its number in the lower
//! five bits and the run's length above them, or 0 there and the length behind, seven bits in each byte, the lower ones first.

const RUNS: &[u8] = include_bytes!("categories.bin");

/// Names of categories, short and long, with the bits of those that they stand for.
const NAMES: [(&str, &str, u32); 38] = [
    ("Lu", "Uppercase_Letter", 1),
    ("Ll", "Lowercase_Letter", 1 << 1),
    ("Lt", "Titlecase_Letter", 1 << 2),
    ("LC", "Cased_Letter", 0b111),
    ("Lm", "Modifier_Letter", 1 << 3),
    ("Lo", "Other_Letter", 1 << 4),
    ("L", "Letter", 0b1_1111),
    ("Mn", "Nonspacing_Mark", 1 << 5),
    ("Mc", "Spacing_Mark", 1 << 6),
    ("Me", "Enclosing_Mark", 1 << 7),
    ("M", "Mark", 0b111 << 5),
    ("Nd", "Decimal_Number", 1 << 8),
    ("Nd", "digit", 1 << 8),
    ("Nl", "Letter_Number", 1 << 9),
    ("No", "Other_Number", 1 << 10),
    ("N", "Number", 0b111 << 8),
    ("Pc", "Connector_Punctuation", 1 << 11),
    ("Pd", "Dash_Punctuation", 1 << 12),
    ("Ps", "Open_Punctuation", 1 << 13),
    ("Pe", "Close_Punctuation", 1 << 14),
    ("Pi", "Initial_Punctuation", 1 << 15),
    ("Pf", "Final_Punctuation", 1 << 16),
    ("Po", "Other_Punctuation", 1 << 17),
    ("P", "Punctuation", 0b111_1111 << 11),
    ("Sm", "Math_Symbol", 1 << 18),
    ("Sc", "Currency_Symbol", 1 << 19),
    ("Sk", "Modifier_Symbol", 1 << 20),
    ("So", "Other_Symbol", 1 << 21),
    ("S", "Symbol", 0b1111 << 18),
    ("Zs", "Space_Separator", 1 << 22),
    ("Zl", "Line_Separator", 1 << 23),
    ("Zp", "Paragraph_Separator", 1 << 24),
    ("Z", "Separator", 0b111 << 22),
    ("Cc", "Control", 1 << 25),
    ("Cf", "Format", 1 << 26),
    ("Co", "Private_Use", 1 << 28),
    ("Cn", "Unassigned", 1 << 29),
    ("C", "Other", 0b1_1111 << 25),
];

/// The characters of the category of this name.
pub(super) fn ranges(name: &str) -> Option<Vec<(u32, u32)>> {
    let name = name.strip_prefix("General_Category=").or_else(|| name.strip_prefix("gc=")).unwrap_or(name);
    let (_, _, wanted) = NAMES.iter().find(|(short, long, _)| *short == name || *long == name)?;
    let (mut ranges, mut next) = (Vec::new(), 0);
    let mut bytes = RUNS.iter().copied();
    while let Some(byte) = bytes.next() {
        let mut length = u32::from(byte >> 5);
        if length == 0 {
            for place in (0..).step_by(7) {
                let part = bytes.next()?;
                length |= u32::from(part & 0x7F) << place;
                if part & 0x80 == 0 {
                    break;
                }
            }
        }
        if wanted >> (byte & 31) & 1 == 1 {
            ranges.push((next, next + length - 1));
        }
        next += length;
    }
    Some(ranges)
}

#[cfg(test)]
mod tests {
    use super::ranges;

    fn are(name: &str, is_in: fn(char) -> bool) {
        let ranges = ranges(name).unwrap();
        let mut ranges = ranges.iter().peekable();
        for character in '\0'..=char::MAX {
            let code = u32::from(character);
            while ranges.next_if(|(_, to)| *to < code).is_some() {}
            let said = ranges.peek().is_some_and(|(from, _)| *from <= code);
            assert_eq!(said, is_in(character), "{name} {code:X}");
        }
    }

    #[test]
    fn categories_are_those_that_the_standard_library_knows() {
        are("N", char::is_numeric);
        are("Cc", char::is_control);
        assert!(ranges("gc=Lu") == ranges("Uppercase_Letter") && ranges("Greek").is_none());
        // Unicode's letters are alphabetic, all but none of them.
        let letters = ranges("L").unwrap().iter().map(|(from, to)| to - from + 1).sum::<u32>();
        let alphabetic = ('\0'..=char::MAX).filter(|character| character.is_alphabetic()).count();
        assert!(letters > 140_000 && (letters as usize) < alphabetic, "{letters} {alphabetic}");
        let covered = ["L", "M", "N", "P", "S", "Z", "C"].iter().flat_map(|name| ranges(name).unwrap());
        assert_eq!(covered.map(|(from, to)| to - from + 1).sum::<u32>(), 0x11_0000);
    }
}
