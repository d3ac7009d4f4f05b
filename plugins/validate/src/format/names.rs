//! Names of hosts, mailboxes and things.

use std::net::{Ipv4Addr, Ipv6Addr};

/// RFC 1123, 2.1: labels of letters, digits and hyphens.
pub(super) fn is_hostname(text: &str) -> bool {
    (1..=253).contains(&text.len()) && text.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
        // `xn--` and nothing that could be decoded.
        && label.get(..4).is_none_or(|start| !start.eq_ignore_ascii_case("xn--") || label.len() > 5)
}

/// RFC 5321, 4.1.2, and with other than ASCII RFC 6531.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    is_local(local) && is_domain(domain)
}

fn is_local(local: &str) -> bool {
    let is_atom = |character: char| {
        character.is_ascii_alphanumeric() || !character.is_ascii() || "!#$%&'*+-/=?^_`{|}~".contains(character)
    };
    if let Some(quoted) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        let mut characters = quoted.chars();
        while let Some(character) = characters.next() {
            let is_fine = match character {
                '\\' => characters.next().is_some_and(|escaped| !escaped.is_control()),
                '"' => false,
                _ => !character.is_control(),
            };
            if !is_fine {
                return false;
            }
        }
        return true;
    }
    (1..=64).contains(&local.len()) && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom))
}

fn is_domain(domain: &str) -> bool {
    match domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(literal) => match literal.strip_prefix("IPv6:") {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => literal.parse::<Ipv4Addr>().is_ok(),
        },
        None if domain.is_ascii() => is_hostname(domain),
        None => {
            let is_letter =
                |character: char| !character.is_ascii() || character.is_ascii_alphanumeric() || character == '-';
            domain.split('.').all(|label| (1..=63).contains(&label.chars().count()) && label.chars().all(is_letter))
        }
    }
}

/// RFC 4122, 3.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
