//! JSON from strangers (RFC 8259), read strictly and once: no second member of the same name at any level, no text that is
//! not Unicode, an end to depth and number of members. What is read is not copied: a value is where it stands in the text.

mod reader;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use value::{Object, Value};

use reader::Reader;

/// Nested deeper than this is nothing that an issuer writes.
const DEEPEST: u8 = 16;

/// Members of one object.
const MOST_MEMBERS: usize = 256;

/// The object that the text is; what is wrong with it otherwise.
pub(crate) fn object(text: &[u8]) -> Result<Object<'_>, &'static str> {
    let text = std::str::from_utf8(text).map_err(|_| "it is not UTF-8")?;
    let mut reader = Reader::new(text);
    let mut object = Object::with_room();
    reader.object(&mut |name, value| object.push(name, value))?;
    reader.end()?;
    Ok(object)
}
