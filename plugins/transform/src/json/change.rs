//! What is to be other than it was: spans of a document, and what stands there then.

use super::token::Unreadable;

/// Changes of one document; those of a document of numbers and masks would be as many as it has bytes.
const MOST: usize = 16_384;

/// Changes in the order in which they were found.
#[derive(Debug, Default)]
pub(super) struct Changes {
    spans: Vec<Span>,
    /// What they put in.
    texts: String,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    end: usize,
    /// Where in `texts`.
    text: (usize, usize),
}

impl Changes {
    /// Puts these pieces in the span's place.
    pub(super) fn put(&mut self, start: usize, end: usize, pieces: &[&str]) -> Result<(), Unreadable> {
        if self.spans.len() == MOST {
            return Unreadable::new(start, "more than 16,384 places would be changed");
        }
        let from = self.texts.len();
        for piece in pieces {
            self.texts.push_str(piece);
        }
        self.spans.push(Span { start, end, text: (from, self.texts.len()) });
        Ok(())
    }

    /// The document with its changes; none if that is the same.
    pub(super) fn apply(mut self, document: &str) -> Option<String> {
        let is_change = |span: &Span| document.get(span.start..span.end) != self.texts.get(span.text.0..span.text.1);
        self.spans.retain(is_change);
        if self.spans.is_empty() {
            return None;
        }
        // What lies in another one goes with it; what is put in at one place stays in order.
        self.spans.sort_by_key(|span| (span.start, usize::MAX - span.end.max(span.start)));
        let mut changed = String::with_capacity(document.len() + self.texts.len());
        let mut at = 0;
        for span in &self.spans {
            if span.start >= at {
                changed.push_str(document.get(at..span.start).unwrap_or_default());
                changed.push_str(self.texts.get(span.text.0..span.text.1).unwrap_or_default());
                at = span.end;
            }
        }
        changed.push_str(document.get(at..).unwrap_or_default());
        Some(changed)
    }
}
