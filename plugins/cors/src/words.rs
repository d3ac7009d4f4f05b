//! Lists of methods and of field names.

use weir::Faults;

/// What may stand in a list: these, or everything.
#[derive(Debug)]
pub(crate) enum Words {
    All,
    These(Vec<String>),
}

/// What a list of a configuration is about.
pub(crate) struct Kind {
    pub(crate) pointer: &'static str,
    /// `a method`.
    pub(crate) what: &'static str,
}

/// More would be a mistake, and go out with every preflight.
const MOST: usize = 128;

impl Words {
    /// What is written; what is wrong is noted.
    pub(crate) fn of(written: Vec<String>, kind: &Kind, faults: &mut Faults) -> Self {
        if written.len() > MOST {
            faults.at(kind.pointer, "there are more than 128 here");
        }
        let mut is_all = false;
        for (index, word) in written.iter().enumerate() {
            let mut fault =
                |words: &[&str]| faults.at(&[kind.pointer, "/", &index.to_string()].concat(), &words.concat());
            if word == "*" {
                is_all = true;
                if written.len() > 1 {
                    fault(&["`*` is all of them; nothing can stand beside it"]);
                }
            } else if !is_token(word.as_bytes()) {
                fault(&["`", word, "` is not ", kind.what]);
            }
        }
        if is_all { Self::All } else { Self::These(written) }
    }

    /// As the value of a field; `None` if it is everything or nothing.
    pub(crate) fn joined(&self) -> Option<String> {
        match self {
            Self::These(words) if !words.is_empty() => Some(words.join(", ")),
            _ => None,
        }
    }
}

/// Whether this is a token (RFC 9110, 5.6.2), of a length that somebody could mean.
pub(crate) fn is_token(word: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    (1..=128).contains(&word.len()) && word.iter().all(is_part)
}
