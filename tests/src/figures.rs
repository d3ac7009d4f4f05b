//! What `/metrics` says, read line by line.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

use crate::{Client, Lines, PATIENCE};

/// Where a proxy shows its figures.
#[derive(Clone, Copy, Debug)]
pub struct Scrape(SocketAddr);

/// What it showed at one time: values by name and labels.
#[derive(Clone, Debug)]
pub struct Figures {
    /// As it came.
    pub text: String,
    samples: Vec<Sample>,
}

/// A name, its labels, its value.
type Sample = (String, BTreeMap<String, String>, f64);

impl Scrape {
    /// The admin address that a proxy says in its log.
    pub fn of(log: &Lines) -> Self {
        let line: serde_json::Value = serde_json::from_str(&log.wait("`weir status`")).unwrap();
        Self(line["address"].as_str().and_then(|address| address.parse().ok()).expect("the line names the address"))
    }

    /// This admin address.
    pub fn at(address: SocketAddr) -> Self {
        Self(address)
    }

    /// Where that is.
    pub fn address(self) -> SocketAddr {
        self.0
    }

    /// Looks now.
    pub fn now(self) -> Figures {
        Figures::read(self.text("/metrics", ""))
    }

    /// The text, with these header lines in the request.
    pub fn text(self, path: &str, more: &str) -> String {
        let mut client = Client::connect(self.0);
        client.send(format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{more}\r\n", self.0));
        let reply = client.reply();
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.text()
    }

    /// Looks until it is so: some things are counted a moment after the client has its answer.
    pub fn until(self, what: &str, is_so: impl Fn(&Figures) -> bool) -> Figures {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let figures = self.now();
            if is_so(&figures) {
                return figures;
            }
            assert!(Instant::now() < deadline, "{what} was not to be seen in:\n{}", figures.text);
        }
    }
}

impl Figures {
    /// Reads the text format of Prometheus.
    pub fn read(text: String) -> Self {
        let samples = text.lines().filter(|line| !line.starts_with('#')).map(sample).collect();
        Self { text, samples }
    }

    /// The sum of all series of this name that have these labels among theirs.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.found(name, labels).map(|(.., value)| value).sum()
    }

    /// How many series of this name have these labels among theirs.
    pub fn count(&self, name: &str, labels: &[(&str, &str)]) -> usize {
        self.found(name, labels).count()
    }

    /// The names of the samples, with the names of their labels.
    pub fn names(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        self.samples.iter().map(|(name, labels, _)| (name.as_str(), labels.keys().map(String::as_str).collect()))
    }

    fn found<'a>(&'a self, name: &'a str, labels: &'a [(&str, &str)]) -> impl Iterator<Item = &'a Sample> {
        let has = |found: &BTreeMap<String, String>| {
            labels.iter().all(|(name, value)| found.get(*name).is_some_and(|found| found == value))
        };
        self.samples.iter().filter(move |(found, of, _)| found == name && has(of))
    }
}

fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line:?} is no sample"));
    let value = if value == "+Inf" { f64::INFINITY } else { value.parse().expect("a value is a number") };
    let (name, mut rest) = series.split_once('{').unwrap_or((series, "}"));
    let mut labels = BTreeMap::new();
    while rest != "}" {
        let (label, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{line:?} has no label there: {rest}"));
        let (mut value, mut characters) = (String::new(), after.char_indices());
        let end = loop {
            match characters.next() {
                Some((_, '\\')) => match characters.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, other)) => value.push(other),
                    None => panic!("{line:?} ends in a backslash"),
                },
                Some((place, '"')) => break place,
                Some((_, other)) => value.push(other),
                None => panic!("{line:?} does not end a label"),
            }
        };
        labels.insert(label.to_owned(), value);
        rest = after[end + 1..].trim_start_matches(',');
    }
    (name.to_owned(), labels, value)
}
