//! Filling values of the request into texts.

use weir::Request;
use weir::escape::{self, Destination};
use weir::source::Source;
use weir::template::Part;

/// Of everything that is filled in. What is longer would cost more than an answer should.
const LARGEST: usize = 512 << 10;

/// The text with its values, each written for where it goes; a value that is not there is empty. `None` if it gets too
/// long.
pub(crate) fn fill(parts: &[Part], request: &Request, into: impl Fn(&Source) -> Destination) -> Option<String> {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Text(part) => text.push_str(part),
            Part::Value(source) => {
                let value = source.read(request).unwrap_or_default();
                if text.len() + value.len() > LARGEST {
                    return None;
                }
                escape::push(&mut text, &value, into(source));
            }
        }
    }
    Some(text)
}
