//! Who asks, told by the filter that found it out: variables for the filters behind it, fields for the upstream.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::source::Source;
use crate::{Faults, Refusal, Request, exchange, fields, setup};

/// How an identity was proven: `jwt`, `key`, `basic`.
const METHOD: &str = "auth.method";

/// What an operator wants told of an identity, and where: from variables and fields to sources, which are the filter's
/// own: the name of a claim, a place in a document.
///
/// What an identity does not have is removed, so that it never mixes with what another filter found out before. Strings go
/// into variables as they are and into fields [`encoded`].
///
/// ```
/// use std::collections::BTreeMap;
/// use weir::{Faults, Request, identity::Mapping, testing::Host};
///
/// #[derive(serde::Deserialize, weir::Config)]
/// struct Config {
///     /// Variables, and what they are set to.
///     vars: BTreeMap<String, String>,
///     /// Fields of the request to the upstream, and what they are set to.
///     headers: BTreeMap<String, String>,
/// }
///
/// struct OnlyAda(Mapping<String>);
///
/// #[weir::filter]
/// impl OnlyAda {
///     fn configure(config: Config) -> Result<Self, Faults> {
///         let mut faults = Faults::default();
///         let mapping = Mapping::new(config.vars, config.headers, &mut faults, |source| Ok(source.to_owned()));
///         faults.or(Self(mapping))
///     }
///
///     fn on_request(&self, request: &mut Request) -> weir::Result<()> {
///         self.0.tell(request, "guess", |source| (source == "name").then(|| "Ada L".into()))?;
///         Ok(())
///     }
/// }
///
/// let mut host = Host::new();
/// let ada: OnlyAda = host.configure(r#"{"vars": {"user.id": "name"}, "headers": {"x-user": "name"}}"#).unwrap();
/// host.on_request(&ada);
/// assert_eq!((host.vars["user.id"].as_str(), host.vars["auth.method"].as_str()), ("Ada L", "guess"));
/// assert_eq!(host.request.get("x-user"), Some("Ada%20L"));
/// ```
#[derive(Clone, Debug)]
pub struct Mapping<S> {
    vars: Vec<(String, S)>,
    headers: Vec<(String, S)>,
}

impl<S> Mapping<S> {
    /// In `configure`, from what stands there under `/vars` and `/headers`. `source` reads a source or says what is wrong
    /// with it. The fields become the filter's own: clients cannot send them, whatever way their requests go.
    pub fn new(
        vars: BTreeMap<String, String>,
        headers: BTreeMap<String, String>,
        faults: &mut Faults,
        source: impl Fn(&str) -> Result<S, String>,
    ) -> Self {
        let mut read = |pointer: &str, written: &str| match source(written) {
            Ok(source) => Some(source),
            Err(why) => {
                faults.at(pointer, &why);
                None
            }
        };
        let mut named = |section: &str, pairs: BTreeMap<String, String>| -> Vec<(String, String, S)> {
            let place = |name: &str| ["/", section, "/", &name.replace('~', "~0").replace('/', "~1")].concat();
            pairs
                .into_iter()
                .filter_map(|(name, written)| {
                    let pointer = place(&name);
                    let source = read(&pointer, &written)?;
                    Some((pointer, name, source))
                })
                .collect()
        };
        let (vars, headers) = (named("vars", vars), named("headers", headers));
        for (pointer, name, _) in &vars {
            if name == METHOD {
                faults.at(pointer, "the filter itself says in `auth.method` how an identity was proven");
            } else if !matches!(Source::parse(name), Ok(Source::Var(_))) {
                let words =
                    ["`", name, "` is not a variable: words of a-z, 0-9, _ and - with dots between, as `user.id`"];
                faults.at(pointer, &words.concat());
            }
        }
        for (pointer, name, _) in &headers {
            fields::check_name(faults, pointer, name);
            // Whatever else the host refuses was told just now.
            if let Err(Refusal::TooLarge) = setup::own_header(name) {
                faults.at(pointer, "a filter sets at most 64 fields of its own");
            }
        }
        let bare =
            |named: Vec<(String, String, S)>| named.into_iter().map(|(_, name, source)| (name, source)).collect();
        Self { vars: bare(vars), headers: bare(headers) }
    }

    /// Tells of an identity that was proven by `method`; `value` is what a source has of it.
    pub fn tell<'a>(
        &self,
        request: &mut Request,
        method: &str,
        value: impl Fn(&S) -> Option<Cow<'a, str>>,
    ) -> Result<(), Refusal> {
        let values: Vec<_> = self.vars.iter().map(|(name, source)| (name.as_str(), value(source))).collect();
        let told = values.iter().map(|(name, value)| (*name, value.as_deref()));
        exchange::set_vars([(METHOD, Some(method))].into_iter().chain(told))?;
        for (name, source) in &self.headers {
            match value(source) {
                Some(value) => request.set_header(name, encoded(&value).as_bytes())?,
                None => request.remove_header(name)?,
            }
        }
        Ok(())
    }
}

/// A text that can stand in any field and means the same to whoever decodes it: what is not visible ASCII, and `%`, is
/// percent-encoded.
///
/// ```
/// assert_eq!(weir::identity::encoded("ada@example.com"), "ada@example.com");
/// assert_eq!(weir::identity::encoded("Zoë 100%\r\n"), "Zo%C3%AB%20100%25%0D%0A");
/// ```
pub fn encoded(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'%';
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut written = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if is_plain(byte) {
            written.push(char::from(byte));
        } else {
            let digit = |four: u8| char::from(b"0123456789ABCDEF"[usize::from(four)]);
            written.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    Cow::Owned(written)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Mapping;
    use crate::testing::Host;
    use crate::{Faults, Request};

    #[derive(serde::Deserialize, weir::Config)]
    struct Config {
        vars: BTreeMap<String, String>,
        headers: BTreeMap<String, String>,
    }

    struct Ada(Mapping<String>);

    #[weir::filter]
    impl Ada {
        fn configure(config: Config) -> Result<Self, Faults> {
            let mut faults = Faults::default();
            let known = |source: &str| match source {
                "nonsense" => Err("there is no such source".to_owned()),
                _ => Ok(source.to_owned()),
            };
            let mapping = Mapping::new(config.vars, config.headers, &mut faults, known);
            faults.or(Self(mapping))
        }

        fn on_request(&self, request: &mut Request) -> crate::Result<()> {
            self.0.tell(request, "key", |source| (source == "id").then(|| "ada".into()))?;
            Ok(())
        }
    }

    #[test]
    fn what_an_identity_does_not_have_is_removed() {
        let mut host = Host::new();
        host.vars.extend([("auth.roles".into(), "admin".into()), ("user.plan".into(), "gold".into())]);
        host.request.header("x-plan", "gold").header("x-user", "eve");
        let ada: Ada = host
            .configure(
                r#"{"vars": {"user.id": "id", "auth.roles": "roles"}, "headers": {"x-user": "id", "x-plan": "plan"}}"#,
            )
            .unwrap();
        host.on_request(&ada);
        let vars: Vec<_> = host.vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(vars, [("auth.method", "key"), ("user.id", "ada"), ("user.plan", "gold")]);
        assert_eq!((host.request.all("x-user"), host.request.get("x-plan")), (vec!["ada"], None));
        assert_eq!(host.own_headers, ["x-plan", "x-user"]);
    }

    #[test]
    fn what_cannot_be_told_is_a_fault_where_it_stands() {
        let config = r#"{
            "vars": {"User.Id": "id", "auth.method": "id", "user.id": "nonsense", "client.ip": "id"},
            "headers": {"content-length": "id", "x~y": "nonsense", "x user": "id"}
        }"#;
        let faults = Host::new().configure::<Ada>(config).err().unwrap();
        let places: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        let vars = ["/vars/user.id", "/headers/x~0y", "/vars/User.Id", "/vars/auth.method", "/vars/client.ip"];
        assert_eq!(places, [&vars[..], &["/headers/content-length", "/headers/x user"]].concat());
    }
}
