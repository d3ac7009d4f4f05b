//! Where in a token's claims a value stands: a claim's name, or a JSON Pointer (RFC 6901) for what is inside of one.

use crate::json::{Object, Value};

/// A way to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    claim: String,
    /// From there on.
    inside: Vec<String>,
}

impl Path {
    /// Reads it as it is written, or says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let Some(pointer) = text.strip_prefix('/') else {
            return if text.is_empty() {
                Err("a claim has a name")
            } else {
                Ok(Self { claim: text.to_owned(), inside: Vec::new() })
            };
        };
        let mut tokens = pointer.split('/').map(unescaped);
        let claim = tokens.next().flatten().ok_or(ESCAPES)?;
        Ok(Self { claim, inside: tokens.collect::<Option<_>>().ok_or(ESCAPES)? })
    }

    /// The claim that it is in.
    pub(crate) fn claim(&self) -> &str {
        &self.claim
    }

    /// As it is written.
    pub(crate) fn written(&self) -> String {
        if self.inside.is_empty() {
            return self.claim.clone();
        }
        let tokens = std::iter::once(&self.claim).chain(&self.inside);
        tokens.map(|token| ["/", &token.replace('~', "~0").replace('/', "~1")].concat()).collect()
    }

    /// The value; none if it is not there or `null`.
    pub(crate) fn find<'a>(&self, claims: &Object<'a>) -> Option<Value<'a>> {
        self.inside.iter().try_fold(claims.get(&self.claim)?, |value, token| {
            let inside = match value.object() {
                Some(object) => object.get(token),
                None => value.items()?.get(index(token)?).copied(),
            };
            inside.filter(|value| !value.is_null())
        })
    }
}

const ESCAPES: &str = "in a JSON Pointer `~` stands as `~0` and `/` as `~1`";

fn unescaped(token: &str) -> Option<String> {
    let mut parts = token.split('~');
    let mut text = parts.next()?.to_owned();
    for part in parts {
        let (letter, rest) = match part.as_bytes().first()? {
            b'0' => ('~', part.get(1..)?),
            b'1' => ('/', part.get(1..)?),
            _ => return None,
        };
        text.push(letter);
        text.push_str(rest);
    }
    Some(text)
}

/// Of a list: digits without a zero in front.
fn index(token: &str) -> Option<usize> {
    let is_number = token.bytes().all(|byte| byte.is_ascii_digit()) && (token == "0" || !token.starts_with('0'));
    if is_number { token.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::Path;
    use crate::json;

    #[test]
    fn names_and_pointers_lead_to_values() {
        let text =
            br#"{"sub":"ada","https://x.example/r":[1],"a":{"b":["x",{"c/d~e":true}],"":7},"n":null,"m":{"n":null}}"#;
        let claims = json::object(text).unwrap();
        for (path, value) in [
            ("sub", Some("\"ada\"")),
            ("https://x.example/r", Some("[1]")),
            ("/sub", Some("\"ada\"")),
            ("/a/b/0", Some("\"x\"")),
            ("/a/b/1/c~1d~0e", Some("true")),
            ("/a/", Some("7")),
            ("/a/b/2", None),
            ("/a/b/01", None),
            ("/a/b/-", None),
            ("/sub/0", None),
            ("a.b", None),
            ("n", None),
            ("/m/n", None),
        ] {
            let parsed = Path::parse(path).unwrap();
            assert_eq!(parsed.find(&claims).map(json::Value::written), value, "{path}");
            if path != "/sub" {
                assert_eq!(parsed.written(), path);
            }
        }
        for path in ["", "/a~", "/a~2b"] {
            assert!(Path::parse(path).is_err(), "{path}");
        }
    }
}
