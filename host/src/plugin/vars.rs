//! What filters tell each other of an exchange: values by names such as `user.id`. A handful, so they are looked through, and
//! names stand in place, for an exchange with an identity sets several.
//!
//! Knows nothing of who may write which.

use std::fmt;

use super::bindings::Refusal;

const LONGEST_NAME: usize = 64;
const LONGEST_VALUE: usize = 8 << 10;

/// More than filters of one chain need.
pub(super) const MOST: usize = 128;

/// The name of a variable: words with dots between.
#[derive(Clone, Copy)]
pub(super) struct Name {
    bytes: [u8; LONGEST_NAME],
    length: u8,
}

impl Name {
    pub(super) fn parse(name: &str) -> Result<Self, Refusal> {
        let mut bytes = [0; LONGEST_NAME];
        bytes.get_mut(..name.len()).ok_or(Refusal::InvalidName)?.copy_from_slice(name.as_bytes());
        let (mut begins, mut is_sound) = (true, true);
        for byte in name.bytes() {
            let is_dot = byte == b'.';
            is_sound &= if is_dot { !begins } else { matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-') };
            begins = is_dot;
        }
        let length = u8::try_from(name.len()).ok().filter(|_| is_sound && !begins);
        length.map(|length| Self { bytes, length }).ok_or(Refusal::InvalidName)
    }

    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }

    fn is(&self, name: &str) -> bool {
        self.bytes[..usize::from(self.length)] == *name.as_bytes()
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(formatter)
    }
}

/// The variables of one exchange, in the order in which they were set.
#[derive(Clone, Debug, Default)]
pub(super) struct Vars(Vec<(Name, String)>);

impl Vars {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.is(name)).map(|(_, value)| value.as_str())
    }

    pub(super) fn set(&mut self, name: Name, value: String) -> Result<(), Refusal> {
        if value.len() > LONGEST_VALUE {
            return Err(Refusal::TooLarge);
        }
        match self.0.iter().position(|(known, _)| known.is(name.as_str())) {
            Some(index) => self.0[index].1 = value,
            None if self.0.len() >= MOST => return Err(Refusal::TooLarge),
            None => self.0.push((name, value)),
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, name: Name) {
        if let Some(index) = self.0.iter().position(|(known, _)| known.is(name.as_str())) {
            self.0.remove(index);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}
