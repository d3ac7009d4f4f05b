//! Users by their names: thousands of them in two allocations.

use std::ops::Range;

/// Users in the making.
#[derive(Debug, Default)]
pub(crate) struct Rows(Vec<Row>);

/// A user: where in the text the name and the hash stand.
#[derive(Debug)]
struct Row {
    user: Part,
    hash: Part,
}

/// A part of a text, which has at most 1 MiB.
#[derive(Clone, Copy, Debug)]
struct Part {
    from: u32,
    to: u32,
}

/// Users in the order of their names.
#[derive(Debug, Default)]
pub(crate) struct Table {
    text: Vec<u8>,
    rows: Vec<Row>,
}

impl Rows {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// A user whose name and hash stand there in the text.
    pub(crate) fn push(&mut self, user: Range<usize>, hash: Range<usize>) {
        self.0.push(Row { user: user.into(), hash: hash.into() });
    }

    /// All of them in their order; the text is the one in which they stand.
    pub(crate) fn into_table(mut self, text: Vec<u8>) -> Table {
        self.0.sort_unstable_by(|one, other| one.user.of(&text).cmp(other.user.of(&text)));
        Table { text, rows: self.0 }
    }
}

impl Table {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// A user's hash.
    pub(crate) fn find(&self, user: &str) -> Option<&str> {
        let place = self.rows.binary_search_by(|row| row.user.of(&self.text).cmp(user.as_bytes())).ok()?;
        self.hash(place)
    }

    /// The hash of any user, for one who is not there the same each time.
    pub(crate) fn any(&self, user: &str) -> Option<&str> {
        // FNV-1a: which hash it is need not be hard to guess, as nobody knows whose it is.
        let mixed = user
            .bytes()
            .fold(0xCBF2_9CE4_8422_2325_u64, |mixed, byte| (mixed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
        let place = mixed.checked_rem(self.rows.len() as u64)?;
        self.hash(usize::try_from(place).ok()?)
    }

    /// Where in the text two users stand whose name is the same, if there are such.
    pub(crate) fn twice(&self) -> Option<[usize; 2]> {
        let of = |row: &Row| row.user.of(&self.text);
        let [one, other] = self.rows.array_windows().find(|[one, other]| of(one) == of(other))?;
        let mut places = [one.user.from as usize, other.user.from as usize];
        places.sort_unstable();
        Some(places)
    }

    /// Where in the text a user stands who is in the other table, too.
    pub(crate) fn shared_with(&self, other: &Self) -> Option<usize> {
        other.rows.iter().find_map(|row| {
            let user = row.user.of(&other.text);
            let place = self.rows.binary_search_by(|own| own.user.of(&self.text).cmp(user)).ok()?;
            self.rows.get(place).map(|own| own.user.from as usize)
        })
    }

    /// In which line of the text this place is.
    pub(crate) fn line(&self, place: usize) -> usize {
        self.text.get(..place).unwrap_or_default().split(|byte| *byte == b'\n').count()
    }

    fn hash(&self, place: usize) -> Option<&str> {
        // It was text when it was read.
        self.rows.get(place).and_then(|row| str::from_utf8(row.hash.of(&self.text)).ok())
    }
}

impl Part {
    fn of(self, text: &[u8]) -> &[u8] {
        text.get(self.from as usize..self.to as usize).unwrap_or_default()
    }
}

impl From<Range<usize>> for Part {
    fn from(range: Range<usize>) -> Self {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self { from: number(range.start), to: number(range.end) }
    }
}
