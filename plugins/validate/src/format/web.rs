//! URIs and IRIs (RFC 3986, RFC 3987), and templates of them (RFC 6570).

use std::net::Ipv6Addr;

/// With a scheme.
pub(super) fn is_uri(text: &str, ascii_only: bool) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    is_scheme(scheme) && is_rest(rest, ascii_only)
}

/// With a scheme or without.
pub(super) fn is_reference(text: &str, ascii_only: bool) -> bool {
    if is_uri(text, ascii_only) {
        return true;
    }
    // The first segment of a path without a scheme has no colon.
    let segment = text.split(['/', '?', '#']).next().unwrap_or_default();
    !segment.contains(':') && is_rest(text, ascii_only)
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn is_rest(rest: &str, ascii_only: bool) -> bool {
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    is_authority(authority, ascii_only)
        && is_made_of(path, ":@/", ascii_only)
        && is_made_of(query, ":@/?", ascii_only)
        && is_made_of(fragment, ":@/?", ascii_only)
}

fn is_authority(authority: &str, ascii_only: bool) -> bool {
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (host, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            if !is_address(address) || !(port.is_empty() || port.starts_with(':')) {
                return false;
            }
            ("", port.strip_prefix(':').unwrap_or_default())
        }
        None => host.split_once(':').unwrap_or((host, "")),
    };
    is_made_of(user, ":", ascii_only)
        && is_made_of(host, "", ascii_only)
        && port.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_address(address: &str) -> bool {
    // `v1.name`: an address of a kind that is yet to come.
    address.parse::<Ipv6Addr>().is_ok() || address.starts_with('v') && is_made_of(address, ":", true)
}

/// Unreserved characters, those that separate, escapes, and these.
fn is_made_of(text: &str, others: &str, ascii_only: bool) -> bool {
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let is_fine = match character {
            '%' => (0..2).all(|_| characters.next().is_some_and(|digit| digit.is_ascii_hexdigit())),
            _ if !character.is_ascii() => !ascii_only && !character.is_control(),
            _ => {
                character.is_ascii_alphanumeric() || "-._~!$&'()*+,;=".contains(character) || others.contains(character)
            }
        };
        if !is_fine {
            return false;
        }
    }
    true
}

/// A text in which expressions stand in braces.
pub(super) fn is_template(text: &str) -> bool {
    let mut rest = text;
    loop {
        let Some(brace) = rest.find(['{', '}']) else { return is_literal(rest) };
        let (literal, behind) = rest.split_at(brace);
        let Some((expression, behind)) = behind.strip_prefix('{').and_then(|behind| behind.split_once('}')) else {
            return false;
        };
        if !is_literal(literal) || !is_expression(expression) {
            return false;
        }
        rest = behind;
    }
}

fn is_literal(text: &str) -> bool {
    !text.contains(|character: char| character.is_control() || " \"'<>\\^`|".contains(character))
}

fn is_expression(expression: &str) -> bool {
    let variables = expression.strip_prefix(['+', '#', '.', '/', ';', '?', '&']).unwrap_or(expression);
    variables.split(',').all(|variable| {
        let name = variable.strip_suffix('*').unwrap_or(variable);
        let name = match name.split_once(':') {
            Some((name, length))
                if (1..=4).contains(&length.len()) && length.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                name
            }
            Some(_) => return false,
            None => name,
        };
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.%".contains(&byte))
    })
}
