//! A file of keys: `HASH ID [name=value ...]` in each line, with comments.

use std::rc::Rc;

use weir::document::Parse;

use crate::hash;
use crate::record::Record;
use crate::table::{Rows, Table};

/// Keys of one file.
pub(crate) const MOST: usize = 20_000;

/// Lines that are read in one hook: some 2 ms, of the 10 that a hook has.
const AT_ONCE: usize = 2_000;

/// How a file becomes a table.
#[derive(Debug)]
pub(crate) struct Text {
    /// The keys of the configuration: no file has them, too.
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

    /// All keys at the end, or in which line the file is broken and why; never what its hash is. To put many keys in order
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
    /// Reads the next line.
    fn line(&mut self) -> Result<(), String> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let begin = self.at;
        self.at += line.len() + 1;
        let line = without_comment(line);
        let indent = line.len() - line.trim_ascii_start().len();
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(());
        }
        let length = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
        let (hash, behind) = line.split_at_checked(length).unwrap_or_default();
        let hash = hash::read(hash)?;
        let record = behind.trim_ascii_start();
        let expires = Record::of(str::from_utf8(record).map_err(|_| "this is not UTF-8")?).check()?;
        if self.rows.len() == MOST {
            return Err(["a file has at most ", &MOST.to_string(), " keys"].concat());
        }
        let end = begin + indent + line.len();
        self.rows.push(hash, end - record.len()..end, expires);
        Ok(())
    }

    fn end(&mut self, written: &Table) -> Result<Table, String> {
        let table = std::mem::take(&mut self.rows).into_table(std::mem::take(&mut self.text));
        if let Some([one, other]) = table.twice() {
            let (one, other) = (table.line(one), table.line(other));
            return Err(at_line(other, &["this key stands in line ", &one.to_string(), " already"].concat()));
        }
        match table.shared_with(written) {
            Some(place) => Err(at_line(table.line(place), "this key stands in `keys` already")),
            None => Ok(table),
        }
    }
}

fn at_line(line: usize, why: &str) -> String {
    ["line ", &line.to_string(), ": ", why].concat()
}

/// A comment begins with a `#` at the start of a word.
fn without_comment(line: &[u8]) -> &[u8] {
    let mut is_start = true;
    for (place, byte) in line.iter().enumerate() {
        if *byte == b'#' && is_start {
            return line.get(..place).unwrap_or_default();
        }
        is_start = byte.is_ascii_whitespace();
    }
    line
}
