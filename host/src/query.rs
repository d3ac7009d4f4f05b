//! The parameters of a query, `a=1&b`: finding them by their names, and leaving them out. What is not meant keeps its bytes
//! and its order.

use std::borrow::Cow;

/// The parameters as they are written: a name, and what follows the `=` if there is one.
pub fn parameters(query: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    query.split('&').map(parts)
}

fn parts(parameter: &str) -> (&str, Option<&str>) {
    parameter.split_once('=').map_or((parameter, None), |(name, value)| (name, Some(value)))
}

/// As forms are encoded: `+` is a space, `%XX` a byte; what is no escape stays.
pub fn decoded(text: &str) -> Cow<'_, [u8]> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text.as_bytes());
    }
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let (bytes, mut decoded, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while at < bytes.len() {
        let (byte, length) = match (bytes[at], digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'+', ..) => (b' ', 1),
            (b'%', Some(high), Some(low)) => (u8::try_from(high * 16 + low).unwrap_or_default(), 3),
            (byte, ..) => (byte, 1),
        };
        decoded.push(byte);
        at += length;
    }
    Cow::Owned(decoded)
}

/// The query without the parameters of this decoded name; none if it has none of them.
pub fn without(query: &str, name: &str) -> Option<String> {
    changed(query, name, |_| None)
}

/// Path and query with `*` for the values of these parameters; none if there are none of them.
pub fn concealed(target: &str, name: &str) -> Option<String> {
    let (path, query) = target.split_once('?')?;
    let shown = changed(query, name, |parameter| {
        let (name, value) = parts(parameter);
        Some(value.map_or(Cow::Borrowed(name), |_| Cow::Owned(format!("{name}=*"))))
    })?;
    Some(format!("{path}?{shown}"))
}

/// The query with what stands for the parameters of this decoded name; none if it has none of them.
fn changed<'a>(query: &'a str, name: &str, instead: impl Fn(&'a str) -> Option<Cow<'a, str>>) -> Option<String> {
    let is = |parameter: &str| decoded(parts(parameter).0) == name.as_bytes();
    query.split('&').any(is).then(|| {
        let left = query.split('&').filter_map(|other| if is(other) { instead(other) } else { Some(other.into()) });
        left.collect::<Vec<_>>().join("&")
    })
}

#[cfg(test)]
mod tests {
    use super::{concealed, decoded, without};

    #[test]
    fn names_are_compared_without_their_escapes() {
        for (text, bytes) in
            [("a+b", &b"a b"[..]), ("%61pi%5Fkey", b"api_key"), ("%zz%", b"%zz%"), ("%C3%bc", "ü".as_bytes())]
        {
            assert_eq!(*decoded(text), *bytes, "{text}");
        }
    }

    #[test]
    fn a_parameter_is_left_out_and_the_others_stay_as_they_are() {
        for (query, left) in [
            ("api_key=1", Some("")),
            ("a=%31&%61pi_key=x=y&&b;c&api_key&d=+", Some("a=%31&&b;c&d=+")),
            ("api_key2=1&Api_Key=2&a=api_key", None),
            ("", None),
        ] {
            assert_eq!(without(query, "api_key").as_deref(), left, "{query}");
        }
    }

    #[test]
    fn a_parameters_values_are_concealed_and_its_name_stays() {
        for (target, shown) in [
            ("/a?api_key=1", Some("/a?api_key=*")),
            ("/?b&%61pi_key=x=y&api_key=&c=1&api_key", Some("/?b&%61pi_key=*&api_key=*&c=1&api_key")),
            ("/api_key=1", None),
            ("/?api=key", None),
        ] {
            assert_eq!(concealed(target, "api_key").as_deref(), shown, "{target}");
        }
    }
}
