//! Lines of places, for many places at once: the texts are read through once.

use std::sync::Arc;

use super::{Place, Source};

/// Where each line of each file begins.
#[derive(Debug)]
pub struct Lines(Vec<(Arc<str>, Vec<usize>)>);

impl Lines {
    pub(super) fn of(sources: &[Source]) -> Self {
        let lines = |source: &Source| {
            let ends = source.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(index, _)| index);
            (source.path.display().to_string().into(), ends.collect())
        };
        Self(sources.iter().map(lines).collect())
    }

    /// The file, as the operator named it, and the line, from 1.
    pub fn line(&self, place: Place) -> (Arc<str>, u32) {
        let Some((file, ends)) = self.0.get(place.file()) else { return Default::default() };
        let before = ends.partition_point(|end| *end < place.start());
        (Arc::clone(file), u32::try_from(before + 1).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_on_the_line_that_it_begins_on() {
        let text = "a: 1\nb: 2\n\nc: 3";
        let lines = Lines::of(&[Source { path: "weir.yaml".into(), text: text.into() }]);
        for (byte, line) in [(0, 1), (4, 1), (5, 2), (10, 3), (11, 4), (14, 4)] {
            assert_eq!(lines.line(Place::new(0, byte, byte)), ("weir.yaml".into(), line), "byte {byte}");
        }
        assert_eq!(lines.line(Place::new(1, 0, 0)), ("".into(), 0));
    }
}
