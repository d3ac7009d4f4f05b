//! The SHA-256 of a key, as operators write it.

/// A key's hash.
pub(crate) type Hash = [u8; 32];

/// What a command that was given no key prints: of nothing, and of a line's end alone.
const OF_NOTHING: [&[u8]; 2] = [
    b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    b"01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b",
];

const NONE: &str =
    "the hash of a key is its SHA-256 as `printf %s KEY | sha256sum` prints it: 64 hexadecimal digits, or base64";
const EMPTY: &str = "this is the hash of an empty key; was a variable without a value hashed?";

/// Reads a hash: hexadecimal or base64, with `sha256:` before it or without. What is wrong is told without what was
/// written: it may be a key.
pub(crate) fn read(written: &[u8]) -> Result<Hash, &'static str> {
    let digits = written.strip_prefix(b"sha256:").unwrap_or(written);
    let hash = match digits.len() {
        64 => hexadecimal(digits),
        43 => base64(digits),
        44 => digits.strip_suffix(b"=").and_then(base64),
        _ => None,
    };
    let hash = hash.ok_or(NONE)?;
    let is_of_nothing = OF_NOTHING.iter().any(|digits| hexadecimal(digits) == Some(hash));
    if is_of_nothing { Err(EMPTY) } else { Ok(hash) }
}

fn hexadecimal(digits: &[u8]) -> Option<Hash> {
    let mut hash = [0; 32];
    for (byte, [high, low]) in hash.iter_mut().zip(digits.as_chunks().0) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(hash)
}

fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// 43 letters of base64 or base64url.
fn base64(letters: &[u8]) -> Option<Hash> {
    let mut hash = [0; 32];
    let mut bytes = hash.iter_mut();
    let (mut bits, mut held) = (0_u32, 0);
    for letter in letters {
        let six = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            *bytes.next()? = u8::try_from(bits >> held & 0xFF).ok()?;
        }
    }
    // Two bits are left over, and mean nothing.
    (bits.trailing_zeros() >= 2).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::read;

    /// As `printf %s sesame | openssl dgst -sha256` says, with `-binary | base64` and without.
    const HEX: &str = "d0c04f4b1951e4aeaaec8223ed2039e542f3aae805a6fa7f6d794e5afff5d272";
    const BASE64: &str = "0MBPSxlR5K6q7IIj7SA55ULzqugFpvp/bXlOWv/10nI=";

    #[test]
    fn a_hash_is_read_in_each_of_its_forms() {
        let hash = read(HEX.as_bytes()).unwrap();
        assert_eq!(hash[..4], [0xD0, 0xC0, 0x4F, 0x4B]);
        let url = BASE64.replace('/', "_");
        for written in [
            format!("sha256:{HEX}"),
            HEX.to_uppercase(),
            BASE64.to_owned(),
            BASE64.trim_end_matches('=').to_owned(),
            url.clone(),
            format!("sha256:{}", url.trim_end_matches('=')),
        ] {
            assert_eq!(read(written.as_bytes()), Ok(hash), "{written}");
        }
    }

    #[test]
    fn what_is_no_hash_is_refused_and_never_repeated() {
        let mut odd = BASE64.trim_end_matches('=').to_owned();
        odd.replace_range(42.., "J");
        for written in ["", "sha256:", "sesame", &HEX[1..], &HEX.replace('d', "g"), &odd, &format!("md5:{HEX}")] {
            let why = read(written.as_bytes()).unwrap_err();
            assert!(why.contains("sha256sum") && (written.is_empty() || !why.contains(written)), "{written}: {why}");
        }
    }

    #[test]
    fn the_hash_of_no_key_is_refused() {
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert!(read(nothing.as_bytes()).unwrap_err().contains("empty key"));
        assert!(read(b"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU").unwrap_err().contains("empty key"));
    }
}
