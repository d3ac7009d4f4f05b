//! `Permissions-Policy`, as a text or as features with who may use them.

use weir::{Fault, Faults, fields};

use crate::switch::{self, Policy};

/// The header's value; what is wrong is noted.
pub(crate) fn header(policy: Option<Policy>, faults: &mut Faults, pointer: &str) -> Option<String> {
    let text = match policy? {
        Policy::Text(text) => text,
        Policy::Parts(features) => {
            let features: Vec<String> =
                features.iter().map(|(name, origins)| feature(name, origins, faults, pointer)).collect();
            features.join(", ")
        }
    };
    if text.trim().is_empty() {
        faults.at(pointer, "an empty policy does nothing; write `false` to send none");
    }
    fields::check_value(faults, pointer, &text);
    Some(text)
}

/// A feature as a member of a structured dictionary (RFC 9651): `camera=()`, `fullscreen=*`, `usb=(self "https://a.example")`.
fn feature(name: &str, origins: &[String], faults: &mut Faults, pointer: &str) -> String {
    let pointer = switch::part(pointer, name);
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || !name.bytes().all(is_name) {
        faults
            .push(Fault::at(&pointer, format!("`{name}` is not a feature's name, as `camera` or `screen-wake-lock`")));
    }
    if matches!(origins, [all] if all == "*") {
        return format!("{name}=*");
    }
    let mut list = Vec::new();
    for origin in origins {
        if origin == "self" || origin == "src" {
            list.push(origin.clone());
        } else if is_origin(origin) {
            list.push(format!("\"{origin}\""));
        } else {
            let message = format!(
                "`{origin}` is not one who may use a feature: `self`, `*` alone, or an origin, as https://a.example"
            );
            faults.at(&pointer, &message);
        }
    }
    format!("{name}=({})", list.join(" "))
}

/// Whether this is `scheme://host`, with a port at most.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:*[]".contains(&byte);
    !host.is_empty() && host.bytes().all(is_host)
}
