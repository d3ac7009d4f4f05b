//! Where values stand, as JSON pointers (RFC 6901), and names that stand twice.

use std::hash::{DefaultHasher, Hasher};

use super::{At, Json, Kind, ROOT};

/// Up to so many members each name is compared with each; sorting them costs more.
pub(super) const FEW: u32 = 12;

impl Json {
    /// The pointer to a value: `/items/3/price`.
    pub(crate) fn pointer(&self, at: At) -> String {
        let (mut pointer, mut inside) = (String::new(), ROOT);
        while inside != at {
            let holds = |value: At| value <= at && at < self.after(value);
            let next = match self.kind(inside) {
                Kind::Array => {
                    let found = self.items(inside).enumerate().find(|(_, item)| holds(*item));
                    found.map(|(index, item)| {
                        push(&mut pointer, &index.to_string());
                        item
                    })
                }
                _ => self.members(inside).find(|(_, value)| holds(*value)).map(|(name, value)| {
                    push(&mut pointer, name);
                    value
                }),
            };
            match next {
                Some(next) => inside = next,
                None => break,
            }
        }
        pointer
    }

    /// What stands on the way from a value to that to which a pointer leads, both with it.
    pub(crate) fn way_from(&self, root: At, pointer: &str) -> Option<Vec<At>> {
        let mut way = vec![root];
        if pointer.is_empty() {
            return Some(way);
        }
        let mut at = root;
        for token in pointer.strip_prefix('/')?.split('/') {
            let token = token.replace("~1", "/").replace("~0", "~");
            at = match self.kind(at) {
                Kind::Array => self.items(at).nth(token.parse().ok()?)?,
                _ => self.member(at, &token)?,
            };
            way.push(at);
        }
        Some(way)
    }

    /// A member whose name stands in its object before it already.
    pub(super) fn duplicate(&self) -> Option<At> {
        let mut sorted: Vec<(u64, At)> = Vec::new();
        for (at, value) in (ROOT..).zip(&self.values) {
            if value.kind != Kind::Object || value.a < 2 {
                continue;
            }
            if value.a <= FEW {
                for (index, (name, member)) in self.members(at).enumerate() {
                    if self.members(at).take(index).any(|(other, _)| other == name) {
                        return Some(member);
                    }
                }
                continue;
            }
            sorted.clear();
            sorted.extend(self.members(at).map(|(name, member)| (print(name), member)));
            sorted.sort_unstable();
            for same in sorted.chunk_by(|(one, _), (other, _)| one == other).filter(|same| same.len() > 1) {
                let mut names: Vec<(&str, At)> =
                    same.iter().map(|(_, member)| (self.text(member - 1), *member)).collect();
                names.sort_unstable();
                if let Some([_, (_, member)]) = names.array_windows().find(|[(one, _), (other, _)]| one == other) {
                    return Some(*member);
                }
            }
        }
        None
    }
}

/// One step more of a pointer.
pub(crate) fn push(pointer: &mut String, token: &str) {
    pointer.push('/');
    for character in token.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            _ => pointer.push(character),
        }
    }
}

/// The same for names that are the same, and for others most likely not.
fn print(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(name.as_bytes());
    hasher.finish()
}
