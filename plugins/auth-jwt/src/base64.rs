//! base64url as JOSE has it (RFC 7515, 2): no padding, nothing else than the alphabet, and one spelling for each text.

/// What is no base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotBase64;

/// In the table for bytes that are not of the alphabet.
const NONE: u8 = 0xFF;

const VALUES: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut values = [NONE; 256];
    let mut value = 0_u8;
    while value < 64 {
        values[alphabet[value as usize] as usize] = value;
        value += 1;
    }
    values
};

fn value(byte: u8) -> u8 {
    VALUES[usize::from(byte)]
}

/// The bytes of the text. Bits that no byte takes must be zero: otherwise one token could be written in several ways.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>, NotBase64> {
    let (groups, rest) = text.as_chunks::<4>();
    let mut bytes = Vec::with_capacity(groups.len() * 3 + 2);
    bytes.resize(groups.len() * 3, 0);
    // All values at once: each that is none has a bit that no other has.
    let mut seen = 0;
    for ([a, b, c, d], three) in groups.iter().zip(bytes.as_chunks_mut::<3>().0) {
        let [a, b, c, d] = [value(*a), value(*b), value(*c), value(*d)];
        seen |= a | b | c | d;
        *three = [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d];
    }
    match *rest {
        [] => {}
        [a, b] => {
            let [a, b] = [value(a), value(b)];
            seen |= a | b;
            if b & 0x0F != 0 {
                return Err(NotBase64);
            }
            bytes.push(a << 2 | b >> 4);
        }
        [a, b, c] => {
            let [a, b, c] = [value(a), value(b), value(c)];
            seen |= a | b | c;
            if c & 0x03 != 0 {
                return Err(NotBase64);
            }
            bytes.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2]);
        }
        _ => return Err(NotBase64),
    }
    if seen & 0x80 == 0 { Ok(bytes) } else { Err(NotBase64) }
}

#[cfg(test)]
mod tests {
    use super::{NotBase64, decode};

    #[test]
    fn the_vectors_of_the_rfcs_are_read() {
        // RFC 4648, 10, without padding; RFC 7515, appendix C.
        for (text, bytes) in
            [("", ""), ("Zg", "f"), ("Zm8", "fo"), ("Zm9v", "foo"), ("Zm9vYg", "foob"), ("Zm9vYmFy", "foobar")]
        {
            assert_eq!(decode(text.as_bytes()), Ok(bytes.into()));
        }
        assert_eq!(decode(b"A-z_4ME"), Ok(vec![3, 236, 255, 224, 193]));
    }

    #[test]
    fn padding_junk_other_alphabets_and_second_spellings_are_refused() {
        for text in
            ["Zg==", "Zm9v====", "Z", "Zm9vY", "Zh", "Zm9", "Zm 9", "Zm9v\n", "Zm+v", "Zm/v", "Zm9\u{e9}", "Zm9v."]
        {
            assert_eq!(decode(text.as_bytes()), Err(NotBase64), "{text}");
        }
        // Of the bits of the last letter, those that no byte takes must be zero.
        let is_read = |last: &u8| decode(&[b'Z', *last]).is_ok();
        assert_eq!((0..=255).filter(is_read).collect::<Vec<u8>>(), b"AQgw");
    }
}
