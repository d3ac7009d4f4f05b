//! Lists of networks as texts: one in each line, with comments.

use weir::document::Parse;
use weir::network::{Network, NotANetwork, Table};

/// Networks of one list: what an instance's memory is for, and then some.
pub(crate) const MOST: usize = 20_000;

/// Lines that are read in one hook: some 2 ms, of the 10 that a hook has.
const AT_ONCE: usize = 2_000;

/// How such a text becomes a table.
pub(crate) struct Text;

impl Parse for Text {
    type Value = Table<()>;
    type Part = Reading;

    fn begin(&self, text: Vec<u8>) -> Reading {
        Reading::of(text)
    }

    fn go_on(&self, reading: &mut Reading) -> Result<Option<Table<()>>, String> {
        let networks = reading.go_on()?;
        Ok(networks.map(|networks| Table::new(networks.into_iter().map(|network| (network, ())))))
    }
}

/// A list that is being read. What follows a `#` or a `;` in a line is a comment.
pub(crate) struct Reading {
    text: Vec<u8>,
    /// Where the next line begins.
    at: usize,
    /// How many lines were read.
    lines: usize,
    networks: Vec<Network>,
}

impl Reading {
    fn of(text: Vec<u8>) -> Self {
        // What some editors begin a file with.
        let at = if text.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
        Self { text, at, lines: 0, networks: Vec::new() }
    }

    /// Reads some lines. All networks at the end, or in which line the list is broken. To make a table of a long list takes
    /// as long as to read some of its lines, so that end is a hook's own.
    fn go_on(&mut self) -> Result<Option<Vec<Network>>, String> {
        for read in 0..AT_ONCE {
            let Some(rest) = self.text.get(self.at..).filter(|rest| !rest.is_empty()) else {
                let is_time = read == 0 || self.lines <= AT_ONCE;
                return Ok(is_time.then(|| std::mem::take(&mut self.networks)));
            };
            let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
            self.at += line.len() + 1;
            self.lines += 1;
            match self::read(line) {
                Ok(Some(_)) if self.networks.len() == MOST => {
                    return Err(self.here(&["a list has at most ", &MOST.to_string(), " networks"].concat()));
                }
                Ok(network) => self.networks.extend(network),
                Err(why) => return Err(self.here(&why)),
            }
        }
        Ok(None)
    }

    fn here(&self, why: &str) -> String {
        ["line ", &self.lines.to_string(), ": ", why].concat()
    }
}

/// The network of a line, if there is one.
fn read(line: &[u8]) -> Result<Option<Network>, String> {
    let written = line.split(|byte| b"#;".contains(byte)).next().unwrap_or_default().trim_ascii();
    if written.is_empty() {
        return Ok(None);
    }
    let network = std::str::from_utf8(written).ok().and_then(|written| written.parse().ok());
    network.map(Some).ok_or_else(|| {
        let shown: String = String::from_utf8_lossy(written).chars().take(64).collect();
        ["`", &shown, "` is ", &NotANetwork.to_string()].concat()
    })
}

#[cfg(test)]
mod tests {
    use super::{AT_ONCE, MOST, Reading};
    use weir::network::Network;

    fn read(text: impl Into<Vec<u8>>) -> Result<Vec<Network>, String> {
        let mut reading = Reading::of(text.into());
        loop {
            if let Some(networks) = reading.go_on()? {
                return Ok(networks);
            }
        }
    }

    #[test]
    fn lists_have_comments_blank_lines_and_any_line_ends() {
        let text =
            "\u{feff}# all\r\n\r\n  10.0.0.0/8  \n192.0.2.7 ; SBL1\n;\n\t\n2001:db8::/32#ü\n::ffff:198.51.100.0/120";
        let written: Vec<String> = read(text).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(written, ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "198.51.100.0/24"]);
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn a_broken_line_is_named() {
        for (text, words) in [
            (&b"10.0.0.0/8\n\n10.0.0.0/40\n"[..], "line 3: `10.0.0.0/40` is neither an address nor a network"),
            (b"10.0.0.1 10.0.0.2", "line 1"),
            (b"<html>\nnot found", "line 1: `<html>`"),
            (b"::1\n\xff\xfe", "line 2: `\u{fffd}"),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.contains(words), "{said}");
        }
        assert!(read("x".repeat(1000)).unwrap_err().len() < 200);
    }

    #[test]
    fn a_long_list_is_read_in_parts_and_has_an_end() {
        let full = "10.0.0.1\n".repeat(MOST);
        let mut reading = Reading::of(full.clone().into_bytes());
        for _ in 0..MOST / AT_ONCE {
            assert_eq!(reading.go_on(), Ok(None));
        }
        assert_eq!(reading.go_on().unwrap().unwrap().len(), MOST);
        let said = read(full + "# a comment is none\n10.0.0.1").unwrap_err();
        assert_eq!(said, "line 20002: a list has at most 20000 networks");
    }
}
