//! Keys by their hashes: thousands of them in two allocations.

use std::ops::Range;

use weir::crypto;

use crate::hash::Hash;
use crate::record::Record;

/// Keys in the making.
#[derive(Debug, Default)]
pub(crate) struct Rows(Vec<Row>);

/// A key: where in the text its record stands, and when it ends.
#[derive(Debug)]
struct Row {
    hash: Hash,
    from: u32,
    length: u32,
    /// Seconds since 1970; a key that does not end has the greatest number.
    expires: u64,
}

/// Keys in the order of their hashes.
#[derive(Debug, Default)]
pub(crate) struct Table {
    text: Vec<u8>,
    rows: Vec<Row>,
    /// Where those begin whose hashes have the same first bits, and where the last end: hashes are spread evenly, so there
    /// are about two of each, and a search through all of them would touch a new line of memory with each step.
    begins: Vec<u32>,
}

/// A key that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key<'a> {
    pub(crate) record: Record<'a>,
    /// Seconds since 1970.
    pub(crate) expires: Option<u64>,
}

impl Rows {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// A key whose record stands there in the text.
    pub(crate) fn push(&mut self, hash: Hash, record: Range<usize>, expires: Option<u64>) {
        // Texts have at most 1 MiB.
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let (from, length) = (number(record.start), number(record.len()));
        self.0.push(Row { hash, from, length, expires: expires.unwrap_or(u64::MAX) });
    }

    /// All of them in their order; the text is the one in which their records stand.
    pub(crate) fn into_table(mut self, text: Vec<u8>) -> Table {
        self.0.sort_unstable_by_key(|row| row.hash);
        let shelves = (self.0.len() / 2).next_power_of_two().min(1 << 16);
        let begin = |shelf: usize| self.0.partition_point(|row| shelf_of(&row.hash, shelves) < shelf);
        let begins = (0..=shelves).map(|shelf| u32::try_from(begin(shelf)).unwrap_or(u32::MAX)).collect();
        Table { text, rows: self.0, begins }
    }
}

/// The first bits of a hash, of as many shelves as a power of two.
fn shelf_of(hash: &[u8], shelves: usize) -> usize {
    let first = hash.first_chunk().map_or(0, |bytes| u16::from_be_bytes(*bytes));
    (usize::from(first) * shelves) >> 16
}

impl Table {
    /// The key with this hash. What takes how long depends on the hash that was looked for, which tells nothing of the
    /// key; whether it is the one that was found is asked in constant time, and asked also where there is none.
    pub(crate) fn find(&self, hash: &[u8]) -> Option<Key<'_>> {
        let first = shelf_of(hash, self.begins.len().checked_sub(1)?);
        let [begin, end] = [first, first + 1].map(|at| self.begins.get(at).map_or(0, |begin| *begin as usize));
        let near = self.rows.get(begin..end).unwrap_or_default();
        let place = begin + near.partition_point(|row| row.hash.as_slice() < hash);
        let row = self.rows.get(place).or(self.rows.last())?;
        crypto::equal(row.hash, hash)
            .then(|| Key { record: self.record(row), expires: Some(row.expires).filter(|expires| *expires < u64::MAX) })
    }

    /// Where in the text the record of a key stands that is in the other table, too.
    pub(crate) fn shared_with(&self, other: &Self) -> Option<usize> {
        other.rows.iter().find_map(|row| {
            let place = self.rows.binary_search_by(|own| own.hash.cmp(&row.hash)).ok()?;
            self.rows.get(place).map(|own| own.from as usize)
        })
    }

    /// Where in the text the records of two keys stand whose hash is the same, if there are such.
    pub(crate) fn twice(&self) -> Option<[usize; 2]> {
        let [one, other] = self.rows.array_windows().find(|[one, other]| one.hash == other.hash)?;
        let mut places = [one.from as usize, other.from as usize];
        places.sort_unstable();
        Some(places)
    }

    /// In which line of the text this place is.
    pub(crate) fn line(&self, place: usize) -> usize {
        self.text.get(..place).unwrap_or_default().split(|byte| *byte == b'\n').count()
    }

    fn record(&self, row: &Row) -> Record<'_> {
        let (from, length) = (row.from as usize, row.length as usize);
        // It was text when it was read.
        Record::of(self.text.get(from..from + length).and_then(|text| str::from_utf8(text).ok()).unwrap_or_default())
    }
}
