//! What a filter counted.

use std::collections::BTreeMap;

use crate::Refusal;

/// The filter's metrics, by name and labels.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    declared: Vec<(String, usize)>,
    values: BTreeMap<(String, Vec<String>), Vec<f64>>,
}

impl Metrics {
    /// The sum of a counter, the last value of a gauge, or the sum of a histogram's values; none if there is none with these
    /// labels.
    pub fn value(&self, name: &str, labels: &[&str]) -> Option<f64> {
        self.values.get(&key(name, labels)).map(|values| values.iter().sum())
    }

    /// All values that a histogram counted.
    pub fn observed(&self, name: &str, labels: &[&str]) -> &[f64] {
        self.values.get(&key(name, labels)).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn declare(&mut self, name: &str, labels: &[String]) -> Result<u32, Refusal> {
        let is_name =
            |name: &str| !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        if !is_name(name) || !labels.iter().all(|label| is_name(label)) {
            return Err(Refusal::InvalidName);
        }
        let number = u32::try_from(self.declared.len()).unwrap_or(u32::MAX);
        if number >= 32 || labels.len() > 8 {
            return Err(Refusal::TooLarge);
        }
        self.declared.push((name.to_owned(), labels.len()));
        Ok(number)
    }

    pub(super) fn push(&mut self, number: u32, labels: &[String], value: f64) {
        self.of(number, labels).push(value);
    }

    pub(super) fn set(&mut self, number: u32, labels: &[String], value: f64) {
        *self.of(number, labels) = vec![value];
    }

    fn of(&mut self, number: u32, labels: &[String]) -> &mut Vec<f64> {
        let (name, count) = self.declared.get(number as usize).expect("this metric was not declared in `configure`");
        assert_eq!(*count, labels.len(), "`{name}` was declared with another number of labels");
        self.values.entry((name.clone(), labels.to_vec())).or_default()
    }
}

fn key(name: &str, labels: &[&str]) -> (String, Vec<String>) {
    (name.to_owned(), labels.iter().map(ToString::to_string).collect())
}
