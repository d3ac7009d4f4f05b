//! Who the token speaks for, told to the filters that follow and to the upstream.

use weir::{Error, Refusal, Request, Result, exchange};

use crate::json::Value;
use crate::text::field;

/// Which claim becomes what. A claim is named by its name, or by a JSON Pointer.
#[derive(Debug, Default)]
pub(crate) struct Identity {
    /// Variables and their claims.
    pub(crate) vars: Vec<(String, String)>,
    /// Header fields to the upstream and their claims.
    pub(crate) headers: Vec<(String, String)>,
}

/// Bytes of a variable, as the contract has it.
const LONGEST_VAR: usize = 8 << 10;

/// Bytes of a field: most upstreams take no more than twice that for all of them.
const LONGEST_FIELD: usize = 4 << 10;

/// What becomes of the claims of one token, in the order of the mapping.
#[derive(Debug)]
pub(crate) struct Texts {
    vars: Vec<Option<String>>,
    headers: Vec<Option<String>>,
}

impl Identity {
    /// The claims that are used.
    pub(crate) fn claims(&self) -> impl Iterator<Item = &str> {
        self.vars.iter().chain(&self.headers).map(|(_, claim)| claim.as_str())
    }

    /// The claims as they are to be set, or the one that is too long for that.
    pub(crate) fn texts(&self, claims: &Value) -> std::result::Result<Texts, &str> {
        Ok(Texts {
            vars: texts(&self.vars, claims, Value::to_text, LONGEST_VAR)?,
            headers: texts(&self.headers, claims, field, LONGEST_FIELD)?,
        })
    }

    /// Sets variables and fields. What a claim is missing for is taken away, so that nothing is left of another identity.
    pub(crate) fn tell(&self, request: &mut Request, texts: &Texts) -> Result<()> {
        let told = self.vars.iter().zip(&texts.vars).map(|((var, _), text)| (var.as_str(), text.as_deref()));
        let told = [(METHOD, Some("introspect"))].into_iter().chain(told);
        if let Err(refusal) = exchange::set_vars(told.clone()) {
            // Which of them it was.
            let mut refused = told.filter(|var| exchange::set_vars([*var]).is_err());
            return Err(not_set(refused.next().map_or(METHOD, |(var, _)| var), refusal));
        }
        for ((header, _), text) in self.headers.iter().zip(&texts.headers) {
            match text {
                Some(text) => request.set_header(header, text)?,
                None => request.remove_header(header)?,
            }
        }
        Ok(())
    }
}

/// The variable that says how an identity was proven.
pub(crate) const METHOD: &str = "auth.method";

fn texts<'a>(
    mapping: &'a [(String, String)],
    claims: &Value,
    write: fn(&Value) -> String,
    longest: usize,
) -> std::result::Result<Vec<Option<String>>, &'a str> {
    let text = |(_, claim): &'a (String, String)| match claims.member(claim).map(write) {
        Some(text) if text.len() > longest => Err(claim.as_str()),
        text => Ok(text),
    };
    mapping.iter().map(text).collect()
}

fn not_set(var: &str, refusal: Refusal) -> Error {
    let advice = match refusal {
        Refusal::Denied => "; its prefix is not among the plugin's `grants`",
        _ => "",
    };
    Error::new(["the variable `", var, "` cannot be set: ", refusal.name(), advice].concat())
}

/// Of all members of an answer those of these names, which are names or JSON Pointers.
pub(crate) fn used(answer: &Value, names: &[String]) -> Value {
    Value::Object(names.iter().filter_map(|name| Some((name.clone(), find(answer, name)?.clone()))).collect())
}

/// The claim of this name, or at this JSON Pointer (RFC 6901). One that is `null` is not there.
fn find<'a>(answer: &'a Value, name: &str) -> Option<&'a Value> {
    let found = match name.strip_prefix('/') {
        None => answer.member(name),
        Some(pointer) => pointer.split('/').try_fold(answer, |value, token| match value {
            Value::List(values) => {
                let is_index = token == "0" || !token.starts_with(['0', '+']);
                values.get(token.parse::<usize>().ok().filter(|_| is_index)?)
            }
            value => value.member(&token.replace("~1", "/").replace("~0", "~")),
        }),
    };
    found.filter(|value| **value != Value::Null)
}

#[cfg(test)]
mod tests {
    use super::{Identity, used};
    use crate::json::Value;

    #[test]
    fn claims_are_found_by_name_and_by_pointer() {
        let answer = br#"{"sub":"ada","a/b":{"~":[10,{"x":true}]},"none":null,"/slash":1,"other":"unused"}"#;
        let names = ["/a~1b/~0/0", "/a~1b/~0/1/x", "/a~1b/~0/00", "/a~1b/~0/2", "/sub/x", "/", "none", "sub"];
        let mut written = String::new();
        used(&Value::read(answer).unwrap(), &names.map(str::to_owned)).write(&mut written);
        assert_eq!(written, r#"{"/a~1b/~0/0":10,"/a~1b/~0/1/x":true,"sub":"ada"}"#);
    }

    #[test]
    fn a_claim_has_an_end_where_it_goes() {
        let pairs = |to: &str| vec![(to.to_owned(), "sub".to_owned())];
        let vars = Identity { vars: pairs("user.id"), headers: Vec::new() };
        let headers = Identity { vars: Vec::new(), headers: pairs("x-user") };
        for (text, fits_var, fits_header) in [
            ("a".repeat(8193), false, false),
            ("a".repeat(8192), true, false),
            (" ".repeat(1366), true, false),
            (" ".repeat(1365), true, true),
        ] {
            let claims = Value::Object(vec![("sub".into(), Value::Text(text))]);
            assert_eq!((vars.texts(&claims).is_ok(), headers.texts(&claims).is_ok()), (fits_var, fits_header));
        }
        assert_eq!(vars.texts(&Value::Object(Vec::new())).unwrap().vars, [None]);
    }
}
