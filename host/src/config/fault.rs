//! What is wrong with a configuration, and how an operator sees it.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::Source;

/// A range of bytes in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    start: usize,
    end: usize,
}

impl Place {
    /// From byte `start` to byte `end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end: end.max(start) }
    }

    /// The range, made fit for slicing `text`.
    fn within(self, text: &str) -> Range<usize> {
        let floor = |mut index: usize| {
            index = index.min(text.len());
            while !text.is_char_boundary(index) {
                index -= 1;
            }
            index
        };
        // A caret marks one line: a block value would underline everything that it holds.
        let start = floor(self.start);
        let line = text[start..].find('\n').map_or(text.len(), |length| start + length);
        start..floor(self.end).clamp(start, line)
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Fault {
    /// A fault without advice.
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into(), help: None }
    }

    /// The same with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Every fault that was found, ready to print.
#[derive(Debug)]
pub struct Report {
    source: Arc<Source>,
    faults: Vec<Fault>,
    unreadable: Option<String>,
}

impl Report {
    /// The faults of one file, in its order.
    pub fn new(source: &Arc<Source>, mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| fault.place.start);
        Self { source: Arc::clone(source), faults, unreadable: None }
    }

    /// The same with more faults.
    #[must_use]
    pub fn with(mut self, more: Vec<Fault>) -> Self {
        self.faults.extend(more);
        self.faults.sort_by_key(|fault| fault.place.start);
        self
    }

    /// There is no file to point into.
    pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        let help = match error.kind() {
            std::io::ErrorKind::NotFound => "; name the file with `-c FILE`, or try `weir demo`, which needs none",
            std::io::ErrorKind::InvalidData => "; it must be text in UTF-8",
            _ => "",
        };
        let source = Arc::new(Source { path: path.to_owned(), text: String::new() });
        Self { source, faults: Vec::new(), unreadable: Some(format!("cannot read {}: {error}{help}", path.display())) }
    }

    /// As text with the lines at fault, coloured for a terminal or plain.
    pub fn render(&self, colour: bool) -> String {
        if let Some(message) = &self.unreadable {
            return format!("error: {message}");
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let path = self.source.path.display().to_string();
        let faults: Vec<String> = self
            .faults
            .iter()
            .map(|fault| {
                let text = &self.source.text;
                let snippet = Snippet::source(text)
                    .path(&path)
                    .annotation(AnnotationKind::Primary.span(fault.place.within(text)));
                let group = Level::ERROR.primary_title(&fault.message).element(snippet);
                let help = fault.help.as_ref().map(|help| Level::HELP.message(help));
                renderer.render(&[group.elements(help)])
            })
            .collect();
        faults.join("\n\n")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

/// The known name that was probably meant.
pub(super) fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(3))
        .min()
        .map(|(_, candidate)| candidate)
}

/// "did you mean", or else what there is.
pub(super) fn suggestion<'a>(name: &str, what: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(candidate) = closest(name, known.clone()) {
        return format!("did you mean `{candidate}`?");
    }
    let names: Vec<&str> = known.into_iter().collect();
    if names.is_empty() { format!("there are no {what}") } else { format!("{what}: {}", names.join(", ")) }
}
