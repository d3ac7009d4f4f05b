//! What a token says about who asks, for the filters that follow and for the upstream.

use weir::{Request, Result, exchange};

use crate::json::{Object, Value};
use crate::path::Path;
use crate::refusal::{Refusal, Told};

/// Which values go where.
#[derive(Debug)]
pub(crate) struct Mapping {
    pub(crate) vars: Vec<(String, Path)>,
    pub(crate) headers: Vec<(String, Path)>,
}

/// The values of one token, in the order of the mapping, as they are to be set.
#[derive(Debug)]
pub(crate) struct Identity {
    vars: Box<[Option<String>]>,
    headers: Box<[Option<String>]>,
}

/// The variable that says how an identity was proven.
pub(crate) const METHOD: &str = "auth.method";

/// As the contract has it for a variable.
const LONGEST_VAR: usize = 8 << 10;

/// Most upstreams take no more for all fields together.
const LONGEST_HEADER: usize = 4 << 10;

impl Mapping {
    /// The values of these claims.
    pub(crate) fn read(&self, claims: &Object<'_>) -> std::result::Result<Identity, Refusal> {
        let vars = self.vars.iter().map(|(name, path)| {
            let value = path.find(claims).map(Value::plain);
            fits(value, LONGEST_VAR, "variable", name)
        });
        let headers = self.headers.iter().map(|(name, path)| {
            let value = path.find(claims).map(field);
            fits(value, LONGEST_HEADER, "field", name)
        });
        Ok(Identity {
            vars: vars.collect::<std::result::Result<_, _>>()?,
            headers: headers.collect::<std::result::Result<_, _>>()?,
        })
    }

    /// Sets what a token says. What it says nothing of is removed: it would be another one's.
    pub(crate) fn apply(&self, identity: &Identity, request: &mut Request) -> Result<()> {
        let told = self.vars.iter().zip(&identity.vars).map(|((name, _), value)| (name.as_str(), value.as_deref()));
        exchange::set_vars([(METHOD, Some("jwt"))].into_iter().chain(told))?;
        for ((name, _), value) in self.headers.iter().zip(&identity.headers) {
            match value {
                Some(value) => request.set_header(name, value)?,
                None => request.remove_header(name)?,
            }
        }
        Ok(())
    }
}

impl Identity {
    /// What it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        let values = self.vars.iter().chain(&self.headers);
        values.map(|value| size_of::<Option<String>>() + value.as_ref().map_or(0, String::capacity)).sum()
    }
}

fn fits(value: Option<String>, longest: usize, what: &str, name: &str) -> std::result::Result<Option<String>, Refusal> {
    if value.as_ref().is_none_or(|value| value.len() <= longest) {
        return Ok(value);
    }
    let detail = ["what the claims have for the ", what, " `", name, "` is too long"].concat();
    Err(Refusal { told: Told::Forbidden(None), code: "claim-too-long", detail })
}

/// A value as a field of a request: a list as its values with commas between them. Everything but visible ASCII is
/// percent-encoded, `%` too, and in a list the commas in its values; so whoever decodes gets what the claim said, and nothing
/// in a claim can end the field.
fn field(value: Value<'_>) -> String {
    let mut field = String::new();
    match value.items() {
        Some(items) => {
            for (index, item) in items.into_iter().enumerate() {
                if index > 0 {
                    field.push(',');
                }
                encode(&mut field, &item.plain(), b"%,");
            }
        }
        None => encode(&mut field, &value.plain(), b"%"),
    }
    field
}

fn encode(field: &mut String, text: &str, more: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |digit: u8| char::from(DIGITS[usize::from(digit & 0xF)]);
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !more.contains(&byte) {
            field.push(char::from(byte));
        } else {
            field.extend(['%', digit(byte >> 4), digit(byte)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::json;

    #[test]
    fn a_field_holds_visible_ascii_only_and_says_what_the_claim_says() {
        for (value, field) in [
            (r#""ada""#, "ada"),
            (r#""Ada L, 100%""#, "Ada%20L,%20100%25"),
            (r#""\r\nx-admin: 1""#, "%0D%0Ax-admin:%201"),
            (r#""\u00e9\u0000""#, "%C3%A9%00"),
            (r#"["a,b", "c", 1, {"d": "e"}]"#, r#"a%2Cb,c,1,{"d":"e"}"#),
            ("[]", ""),
            ("true", "true"),
        ] {
            let text = ["{\"a\":", value, "}"].concat();
            let claims = json::object(text.as_bytes()).unwrap();
            assert_eq!(super::field(claims.get("a").unwrap()), field, "{value}");
        }
    }
}
