//! What is wrong with a configuration, and how an operator sees it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::Source;

/// More are counted, not shown: a file with thousands of faults has one cause.
const MOST_SHOWN: usize = 100;

/// A range of bytes in one of the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    file: u32,
    start: u32,
    end: u32,
}

impl Place {
    /// From byte `start` to byte `end` of the file that was read as number `file`.
    pub(super) fn new(file: u32, start: usize, end: usize) -> Self {
        let short = |index| u32::try_from(index).unwrap_or(u32::MAX);
        Self { file, start: short(start), end: short(end.max(start)) }
    }

    /// From this place's beginning to another's end.
    pub(super) fn until(self, other: Self) -> Self {
        Self { end: other.end.max(self.end), ..self }
    }

    /// The file that it is in.
    pub(super) fn source(self, sources: &[Source]) -> Option<&Source> {
        sources.get(self.file as usize)
    }

    /// The number of that file.
    pub(super) fn file(self) -> usize {
        self.file as usize
    }

    /// Its first byte.
    pub(super) fn start(self) -> usize {
        self.start as usize
    }

    /// How many bytes it has.
    pub(super) fn length(self) -> usize {
        (self.end - self.start) as usize
    }

    /// The range, made fit for slicing `text`.
    fn within(self, text: &str) -> Range<usize> {
        let floor = |index: u32| {
            let mut index = (index as usize).min(text.len());
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
    /// Where; none if it is about no file's text.
    pub place: Option<Place>,
    /// What.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// A second place that has to do with it, and what stands there.
    pub also: Option<(Place, String)>,
    /// Whether what stands there must not be shown.
    pub is_secret: bool,
}

impl Fault {
    /// A fault without advice.
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place: Some(place), message: message.into(), help: None, also: None, is_secret: false }
    }

    /// A fault that no line of a file shows.
    pub fn nowhere(message: impl Into<String>) -> Self {
        Self { place: None, message: message.into(), help: None, also: None, is_secret: false }
    }

    /// The same, of something that must not be shown.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.is_secret = true;
        self
    }

    /// The same with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with a second place.
    #[must_use]
    pub fn also(mut self, place: Place, label: impl Into<String>) -> Self {
        self.also = Some((place, label.into()));
        self
    }
}

/// How bad what a report says is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can, but may not do what was meant.
    Warning,
}

/// Every fault that was found, or every warning, ready to print.
#[derive(Debug)]
pub struct Report {
    sources: Arc<Vec<Source>>,
    faults: Vec<Fault>,
    severity: Severity,
}

impl Report {
    /// The faults, in the files' order.
    pub fn new(sources: &Arc<Vec<Source>>, faults: Vec<Fault>) -> Self {
        Self::of(sources, faults, Severity::Error)
    }

    /// What is not wrong, and yet to be looked at, in the files' order.
    pub fn warnings(sources: &Arc<Vec<Source>>, warnings: Vec<Fault>) -> Self {
        Self::of(sources, warnings, Severity::Warning)
    }

    fn of(sources: &Arc<Vec<Source>>, mut faults: Vec<Fault>, severity: Severity) -> Self {
        faults.sort_by_key(|fault| fault.place);
        faults.dedup();
        Self { sources: Arc::clone(sources), faults, severity }
    }

    /// What is wrong, and where.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.faults.len()
    }

    /// As text with the lines at fault, coloured for a terminal or plain.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let texts = self.texts();
        let mut shown: Vec<String> =
            self.faults.iter().take(MOST_SHOWN).map(|fault| self.one(fault, &texts, &renderer)).collect();
        if let Some(more) = self.faults.len().checked_sub(MOST_SHOWN).filter(|more| *more > 0) {
            shown.push(format!("{}: and {more} more", self.severity.word()));
        }
        shown.join("\n\n")
    }

    /// The files' texts, with stars for what must not be shown: it stands on the lines of other faults, too.
    fn texts(&self) -> Vec<Cow<'_, str>> {
        let mut texts: Vec<Cow<'_, str>> =
            self.sources.iter().map(|source| Cow::Borrowed(source.text.as_str())).collect();
        for place in self.faults.iter().filter(|fault| fault.is_secret).filter_map(|fault| fault.place) {
            let Some(text) = texts.get_mut(place.file as usize) else { continue };
            let range = place.start()..place.start() + place.length();
            let Some(secret) = text.get(range.clone()) else { continue };
            let stars: String = secret.bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }).collect();
            text.to_mut().replace_range(range, &stars);
        }
        texts
    }

    fn one(&self, fault: &Fault, texts: &[Cow<'_, str>], renderer: &Renderer) -> String {
        let (message, help) = (harmless(&fault.message), fault.help.as_deref().map(harmless));
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(&*message);
        let snippet = |place: Place| {
            let source = &self.sources[place.file as usize];
            let text: &str = &texts[place.file as usize];
            (Snippet::source(text).path(source.path.display().to_string()), place.within(text))
        };
        let Some(place) = fault.place else {
            let help = help.map(|help| format!("\n  help: {help}")).unwrap_or_default();
            return format!("{}: {message}{help}", self.severity.word());
        };
        let (first, range) = snippet(place);
        let first = first.annotation(AnnotationKind::Primary.span(range));
        let group = match &fault.also {
            Some((also, label)) if also.file == place.file => {
                let range = also.within(&self.sources[also.file as usize].text);
                title.element(first.annotation(AnnotationKind::Context.span(range).label(label)))
            }
            Some((also, label)) => {
                let (second, range) = snippet(*also);
                title.element(first).element(second.annotation(AnnotationKind::Context.span(range).label(label)))
            }
            None => title.element(first),
        };
        renderer.render(&[group.elements(help.as_deref().map(|help| Level::HELP.message(help)))])
    }
}

impl Severity {
    fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

/// `file:line` of a place, for `explain`.
pub(super) fn line_of(sources: &[Source], place: Place) -> String {
    let Some(source) = sources.get(place.file as usize) else { return String::new() };
    let before = &source.text[..place.within(&source.text).start];
    format!("{}:{}", source.path.display(), before.matches('\n').count() + 1)
}

/// What a terminal would obey, escaped: names that stand in messages may hold anything.
fn harmless(text: &str) -> Cow<'_, str> {
    let is_order = |character: char| character.is_control() && character != '\n';
    if !text.contains(is_order) {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().map(|character| match character {
        order if is_order(order) => order.escape_debug().to_string(),
        other => other.to_string(),
    });
    Cow::Owned(shown.collect())
}

/// What an operator wrote, on one line that is not too long.
pub(super) fn quoted(text: &str) -> String {
    /// More than this is in the line that is shown.
    const MOST: usize = 60;
    if text.is_empty() {
        return "an empty text".into();
    }
    let mut shown = String::new();
    for character in text.chars().take(MOST) {
        match character {
            control if control.is_control() => shown.extend(control.escape_debug()),
            other => shown.push(other),
        }
    }
    if text.chars().nth(MOST).is_some() {
        shown.push_str("...");
    }
    format!("`{shown}`")
}

/// The known name that was probably meant.
pub(super) fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        // Names of other lengths are far away, and a distance is dear where there are thousands of names.
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= candidate.len().div_ceil(3))
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(3))
        .min()
        .map(|(_, candidate)| candidate)
}

/// "did you mean", or else what there is.
pub(super) fn suggestion<'a>(name: &str, what: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    /// Of a longer list, the beginning tells what kind of names there are. All bundled filters are named.
    const MOST_NAMED: usize = 24;
    if let Some(candidate) = closest(name, known.clone()) {
        return format!("did you mean `{candidate}`?");
    }
    let names: Vec<&str> = known.into_iter().collect();
    match names.len() {
        0 => format!("there are no {what} here"),
        many if many > MOST_NAMED => {
            format!("known {what}: {}, and {} more", names[..MOST_NAMED].join(", "), many - MOST_NAMED)
        }
        _ => format!("known {what}: {}", names.join(", ")),
    }
}
