//! What must not be shown: read from where it is kept, and never printed.

use std::env::VarError;
use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::{Fault, Place};

/// Keys and passwords are short; a larger file is another one.
const LARGEST: u64 = 64 << 10;

/// What must not be shown. Two are the same if their values are, wherever those are kept.
#[derive(Clone)]
pub struct Secret {
    value: String,
    file: Option<PathBuf>,
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Eq for Secret {}

impl Secret {
    /// The value, for those who must know.
    pub fn reveal(&self) -> &str {
        &self.value
    }

    /// The file that it was read from, if it was.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The same once more, if its file was written anew since; it is named at `place`.
    pub fn read_again(&self, place: Place) -> Result<Self, Fault> {
        self.file.as_deref().map_or_else(|| Ok(self.clone()), |file| Self::of_file(file, place))
    }

    /// The value of an environment variable that is named at `place`.
    pub(super) fn of_environment(name: &str, place: Place) -> Result<Self, Fault> {
        let value = std::env::var(name).map_err(|error| match error {
            VarError::NotPresent => "it is not set".to_owned(),
            VarError::NotUnicode(_) => "it is not UTF-8".to_owned(),
        });
        Self::of(value, &format!("the environment variable `{name}`"), place, "set it where weir runs")
    }

    /// What a file holds that is named at `place`, without white space at its end.
    pub(super) fn of_file(path: &Path, place: Place) -> Result<Self, Fault> {
        let read = read(path);
        let help = match read {
            Err(ref error) if error.kind() == ErrorKind::FileTooLarge => "a secret stands alone in its file",
            _ => "paths are relative to the file that names them",
        };
        let value = read.map(|text| text.trim_end().to_owned()).map_err(|error| error.to_string());
        let secret = Self::of(value, &path.display().to_string(), place, help)?;
        Ok(Self { file: Some(path.to_owned()), ..secret })
    }

    fn of(value: Result<String, String>, what: &str, place: Place, help: &str) -> Result<Self, Fault> {
        let message = match value {
            Ok(value) if value.is_empty() => format!("{what} is empty"),
            Ok(value) => return Ok(Self { value, file: None }),
            Err(why) => format!("cannot read {what}: {why}"),
        };
        Err(Fault::new(place, message).help(help))
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::new(ErrorKind::FileTooLarge, format!("it is larger than {} KiB", LARGEST >> 10)));
    }
    String::from_utf8(bytes).map_err(|_| Error::new(ErrorKind::InvalidData, "it is not UTF-8"))
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(...)")
    }
}
