//! From a request's path to the path of a file.

/// What is asked for below the directory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Below {
    /// Decoded, without a slash at either end; empty for the directory itself.
    pub(crate) path: String,
    /// It ends with a slash, or is the directory itself.
    pub(crate) is_folder: bool,
}

/// Of a path as it is written.
const LONGEST: usize = 4096;

/// The one hidden name that is there to be asked for (RFC 8615).
const WELL_KNOWN: &str = ".well-known";

impl Below {
    /// None if no file has this path: it is not an escaped text, has a name that could be read in two ways, or is hidden.
    pub(crate) fn of(path: &str, shows_hidden: bool) -> Option<Self> {
        let path = path.strip_prefix('/')?;
        if path.len() > LONGEST {
            return None;
        }
        let (names, is_folder) = match path.strip_suffix('/') {
            Some(names) => (names, true),
            None => (path, path.is_empty()),
        };
        if names.is_empty() {
            // Of `//` it would be the empty name.
            return path.is_empty().then(|| Self { path: String::new(), is_folder });
        }
        let mut below = String::with_capacity(names.len());
        for (depth, name) in names.split('/').enumerate() {
            let name = decode(name)?;
            let is_name = !matches!(name.as_str(), "" | "." | "..") && !name.contains(['/', '\\', '\0']);
            let is_shown = shows_hidden || !name.starts_with('.') || depth == 0 && name == WELL_KNOWN;
            if !is_name || !is_shown {
                return None;
            }
            if depth > 0 {
                below.push('/');
            }
            below.push_str(&name);
        }
        Some(Self { path: below, is_folder })
    }
}

/// Decoded once: what is escaped twice is the name of a file with a percent sign.
fn decode(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' { digit(rest.next()?)? << 4 | digit(rest.next()?)? } else { byte });
    }
    String::from_utf8(bytes).ok()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
