//! Going once through a document, telling a [`Visit`] where everything is. Nothing is copied, and nothing is called within
//! itself: how deep a document nests is not how deep the stack is.

use super::token::{self, Unreadable, byte, space};

/// As deep as documents nest; more is an attack.
const DEEPEST: u32 = 64;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Between its quotes.
    Text {
        has_escapes: bool,
    },
    Number,
    /// `true` or `false`.
    Bool,
    Null,
}

/// Who wants to know of the parts of a document, in their order.
pub(super) trait Visit {
    /// A member begins; its key is the text between `start` and `end`, without quotes.
    fn member(&mut self, start: usize, end: usize, has_escapes: bool) -> Result<(), Unreadable>;

    /// The next element of a list begins.
    fn element(&mut self, start: usize) -> Result<(), Unreadable>;

    /// An object or a list begins.
    fn open(&mut self, start: usize, is_object: bool) -> Result<(), Unreadable>;

    /// The innermost object or list has ended before `end`.
    fn close(&mut self, end: usize) -> Result<(), Unreadable>;

    /// Any other value.
    fn scalar(&mut self, start: usize, end: usize, kind: Kind) -> Result<(), Unreadable>;
}

/// Goes through a document, which is UTF-8.
pub(super) fn scan<V: Visit>(bytes: &[u8], visitor: &mut V) -> Result<(), Unreadable> {
    // Whether each of the open ones is an object; the innermost is the lowest bit.
    let (mut objects, mut depth) = (0_u64, 0);
    let mut at = space(bytes, 0);
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Unreadable::new(0, "it begins with a byte order mark");
    }
    loop {
        // A value begins here.
        match byte(bytes, at) {
            b'"' => {
                let text = token::text(bytes, at + 1)?;
                visitor.scalar(at, text.end + 1, Kind::Text { has_escapes: text.has_escapes })?;
                at = text.end + 1;
            }
            open @ (b'{' | b'[') => {
                if depth == DEEPEST {
                    return Unreadable::new(at, "it nests more than 64 levels");
                }
                let is_object = open == b'{';
                (objects, depth) = (objects << 1 | u64::from(is_object), depth + 1);
                visitor.open(at, is_object)?;
                at = space(bytes, at + 1);
                if byte(bytes, at) != if is_object { b'}' } else { b']' } {
                    at = begin(bytes, at, is_object, visitor)?;
                    continue;
                }
                at += 1;
                visitor.close(at)?;
                (objects, depth) = (objects >> 1, depth - 1);
            }
            b'-' | b'0'..=b'9' => {
                let end = token::number(bytes, at)?;
                visitor.scalar(at, end, Kind::Number)?;
                at = end;
            }
            first => {
                let end = token::word(bytes, at)?;
                visitor.scalar(at, end, if first == b'n' { Kind::Null } else { Kind::Bool })?;
                at = end;
            }
        }
        // A value has ended here, and maybe those that it was the last of.
        loop {
            at = space(bytes, at);
            if depth == 0 {
                return if at == bytes.len() { Ok(()) } else { Unreadable::new(at, "something follows its end") };
            }
            let is_object = objects & 1 == 1;
            match byte(bytes, at) {
                b',' => {
                    at = begin(bytes, space(bytes, at + 1), is_object, visitor)?;
                    break;
                }
                close if close == if is_object { b'}' } else { b']' } => {
                    at += 1;
                    visitor.close(at)?;
                    (objects, depth) = (objects >> 1, depth - 1);
                }
                _ if at >= bytes.len() => return Unreadable::new(at, "it ends within a list or an object"),
                _ => return Unreadable::new(at, "a comma or a bracket is missing"),
            }
        }
    }
}

/// A member or an element begins here; where its value does.
#[inline]
fn begin<V: Visit>(bytes: &[u8], at: usize, is_object: bool, visitor: &mut V) -> Result<usize, Unreadable> {
    if !is_object {
        visitor.element(at)?;
        return Ok(at);
    }
    if byte(bytes, at) != b'"' {
        return Unreadable::new(at, "a key is missing");
    }
    let key = token::text(bytes, at + 1)?;
    visitor.member(at + 1, key.end, key.has_escapes)?;
    let colon = space(bytes, key.end + 1);
    if byte(bytes, colon) != b':' {
        return Unreadable::new(colon, "a colon is missing");
    }
    Ok(space(bytes, colon + 1))
}
