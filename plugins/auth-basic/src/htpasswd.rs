//! A file of users as `htpasswd` writes it: `NAME:HASH` in each line, with comments.

use std::rc::Rc;

use weir::document::Parse;

use crate::credentials::LONGEST_USER;
use crate::slow;
use crate::table::{Rows, Table};

/// Users of one file.
pub(crate) const MOST: usize = 20_000;

/// Lines that are read in one hook: some 2 ms, of the 10 that a hook has.
const AT_ONCE: usize = 2_000;

/// How a file becomes a table.
#[derive(Debug)]
pub(crate) struct Text {
    /// The users of the configuration: no file has them, too.
    pub(crate) written: Rc<Table>,
}

/// A file that is being read.
#[derive(Debug)]
pub(crate) struct Reading {
    text: Vec<u8>,
    /// Where the next line begins.
    at: usize,
    /// How many lines were read.
    lines: usize,
    rows: Rows,
}

impl Parse for Text {
    type Value = Table;
    type Part = Reading;

    fn begin(&self, text: Vec<u8>) -> Reading {
        // What some editors begin a file with.
        let at = if text.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
        Reading { text, at, lines: 0, rows: Rows::default() }
    }

    /// All users at the end, or in which line the file is broken and why; never what its hash is. To put many users in order
    /// takes as long as to read some lines, so that end is a hook's own.
    fn go_on(&self, reading: &mut Reading) -> Result<Option<Table>, String> {
        for read in 0..AT_ONCE {
            if reading.at >= reading.text.len() {
                let is_time = read == 0 || reading.lines <= AT_ONCE;
                return if is_time { reading.end(&self.written).map(Some) } else { Ok(None) };
            }
            reading.lines += 1;
            reading.line().map_err(|why| at_line(reading.lines, &why))?;
        }
        Ok(None)
    }
}

impl Reading {
    /// Reads the next line. What follows a second colon is a comment, as nginx has it.
    fn line(&mut self) -> Result<(), String> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let begin = self.at;
        self.at += line.len() + 1;
        let line = line.trim_ascii_end();
        if line.is_empty() || line.starts_with(b"#") {
            return Ok(());
        }
        let line = str::from_utf8(line).map_err(|_| "this is not UTF-8")?;
        let Some((user, behind)) = line.split_once(':') else {
            return Err("this is no `NAME:HASH`; make one with `htpasswd -nB NAME`".to_owned());
        };
        let hash = behind.split(':').next().unwrap_or_default();
        check_user(user)?;
        slow::check(hash)?;
        if self.rows.len() == MOST {
            return Err(["a file has at most ", &MOST.to_string(), " users"].concat());
        }
        let from = begin + user.len() + 1;
        self.rows.push(begin..begin + user.len(), from..from + hash.len());
        Ok(())
    }

    fn end(&mut self, written: &Table) -> Result<Table, String> {
        let table = std::mem::take(&mut self.rows).into_table(std::mem::take(&mut self.text));
        if let Some([one, other]) = table.twice() {
            let (one, other) = (table.line(one), table.line(other));
            return Err(at_line(other, &["this user stands in line ", &one.to_string(), " already"].concat()));
        }
        match table.shared_with(written) {
            Some(place) => Err(at_line(table.line(place), "this user stands in `users` already")),
            None => Ok(table),
        }
    }
}

/// Whether clients can show this name, or what is wrong with it.
pub(crate) fn check_user(user: &str) -> Result<(), &'static str> {
    if user.is_empty() || user.len() > LONGEST_USER {
        Err("a user's name has 1 to 255 bytes")
    } else if user.contains(':') || user.chars().any(char::is_control) {
        Err("a user's name has no colon and no control characters")
    } else {
        Ok(())
    }
}

fn at_line(line: usize, why: &str) -> String {
    ["line ", &line.to_string(), ": ", why].concat()
}
