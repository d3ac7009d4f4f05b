//! The bytes of an answer, piece by piece: parts of a file, and the texts between them.
//!
//! A file that is not as it was when its answer began is never ended as if it were whole: its last piece is given only if
//! size and time are what they were.

use std::collections::VecDeque;
use std::io;

use bytes::Bytes;
use rustix::io::Errno;

use super::beneath::How;
use super::open::Opened;
use super::ranges::Part;

/// What is read at once: what a slow client keeps in memory, too.
const PIECE: usize = 64 << 10;

/// What is left of an answer's bytes.
#[derive(Debug)]
pub struct Pieces {
    file: Option<Opened>,
    segments: VecDeque<Segment>,
    left: u64,
}

/// Some of the bytes.
#[derive(Debug)]
pub(super) enum Segment {
    Text(Bytes),
    File(Part),
}

/// What comes next.
#[derive(Debug)]
pub enum Piece {
    /// These bytes.
    Bytes(Bytes),
    /// The disk has to be waited for.
    NotAtHand,
    /// Nothing more: why the answer cannot be whole.
    Broke(io::Error),
}

impl Segment {
    fn length(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::File(part) => part.length,
        }
    }
}

impl Pieces {
    /// These segments of a file.
    pub(super) fn of(file: Opened, segments: VecDeque<Segment>) -> Self {
        let left = segments.iter().map(Segment::length).sum();
        Self { file: Some(file), segments, left }
    }

    /// Bytes that are there already.
    pub(super) fn text(text: Bytes) -> Self {
        Self { file: None, left: text.len() as u64, segments: VecDeque::from([Segment::Text(text)]) }
    }

    /// None.
    pub(super) fn nothing() -> Self {
        Self { file: None, segments: VecDeque::new(), left: 0 }
    }

    /// How many bytes are to come.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// All of them, if none has to be read any more.
    pub fn whole(&mut self) -> Option<Bytes> {
        match self.segments.front_mut() {
            None => Some(Bytes::new()),
            Some(Segment::Text(text)) if text.len() as u64 == self.left => {
                self.left = 0;
                Some(std::mem::take(text))
            }
            Some(_) => None,
        }
    }

    /// The next piece; as long as something is left there is one.
    pub fn next(&mut self, how: How) -> Piece {
        let (Some(segment), Some(file)) = (self.segments.front_mut(), &self.file) else {
            return match self.whole() {
                Some(text) => Piece::Bytes(text),
                None => Piece::Broke(io::ErrorKind::UnexpectedEof.into()),
            };
        };
        let bytes = match segment {
            Segment::Text(text) => std::mem::take(text),
            Segment::File(part) => {
                let most = usize::try_from(part.length).unwrap_or(usize::MAX).min(PIECE);
                match read(file, part.first, most, how) {
                    Ok(bytes) => bytes,
                    Err(Errno::AGAIN) if how == How::AtHand => return Piece::NotAtHand,
                    Err(error) => return Piece::Broke(error.into()),
                }
            }
        };
        let length = bytes.len() as u64;
        if length == 0 && self.left > 0 {
            return Piece::Broke(io::Error::new(io::ErrorKind::UnexpectedEof, "it is shorter than when it was opened"));
        }
        if length == self.left {
            match file.look() {
                Ok(facts) if facts == file.facts => {}
                Ok(_) => return Piece::Broke(io::Error::other("it changed while it was sent")),
                Err(error) => return Piece::Broke(error),
            }
        }
        self.left -= length;
        let is_over = match segment {
            Segment::Text(_) => true,
            Segment::File(part) => {
                part.first += length;
                part.length -= length;
                part.length == 0
            }
        };
        if is_over {
            self.segments.pop_front();
        }
        Piece::Bytes(bytes)
    }

    /// All that is left, at once. None if it has to be waited for.
    pub(super) fn gather(&mut self, how: How) -> Option<io::Result<Bytes>> {
        let mut all = Vec::with_capacity(usize::try_from(self.left).unwrap_or(0));
        while self.left > 0 {
            match self.next(how) {
                Piece::Bytes(bytes) if all.is_empty() && self.left == 0 => return Some(Ok(bytes)),
                Piece::Bytes(bytes) => all.extend_from_slice(&bytes),
                Piece::NotAtHand => return None,
                Piece::Broke(error) => return Some(Err(error)),
            }
        }
        Some(Ok(all.into()))
    }

    /// The file, to be looked at anew.
    pub(super) fn into_file(self) -> Option<Opened> {
        self.file
    }
}

/// Up to so many bytes from there on; none at the end.
fn read(file: &Opened, from: u64, most: usize, how: How) -> Result<Bytes, Errno> {
    let mut buffer = Vec::with_capacity(most);
    let room = rustix::buffer::spare_capacity(&mut buffer);
    match how {
        How::Waiting => rustix::io::pread(&file.file, room, from)?,
        How::AtHand => at_hand(file, &mut buffer, most, from)?,
    };
    Ok(buffer.into())
}

/// What is in memory. The beginning of it is enough: the rest is asked for next.
#[cfg(target_os = "linux")]
fn at_hand(file: &Opened, buffer: &mut Vec<u8>, most: usize, from: u64) -> Result<usize, Errno> {
    use rustix::io::{IoSliceMut, ReadWriteFlags, preadv2};
    buffer.resize(most, 0);
    let read = preadv2(&file.file, &mut [IoSliceMut::new(buffer)], from, ReadWriteFlags::NOWAIT);
    // A file system that cannot tell what is in memory.
    let read = read.map_err(|error| if error == Errno::OPNOTSUPP { Errno::AGAIN } else { error })?;
    buffer.truncate(read);
    Ok(read)
}

#[cfg(not(target_os = "linux"))]
fn at_hand(_: &Opened, _: &mut Vec<u8>, _: usize, _: u64) -> Result<usize, Errno> {
    Err(Errno::AGAIN)
}
