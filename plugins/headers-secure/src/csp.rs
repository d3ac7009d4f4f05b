//! `Content-Security-Policy`, as a text or as directives. What a browser would ignore without a word is a fault here.

use weir::{Faults, fields};

use crate::switch::{self, Policy};

/// Those of Content Security Policy Level 3 and its companions.
const DIRECTIVES: [&str; 26] = [
    "base-uri",
    "child-src",
    "connect-src",
    "default-src",
    "fenced-frame-src",
    "font-src",
    "form-action",
    "frame-ancestors",
    "frame-src",
    "img-src",
    "manifest-src",
    "media-src",
    "object-src",
    "report-to",
    "report-uri",
    "require-trusted-types-for",
    "sandbox",
    "script-src",
    "script-src-attr",
    "script-src-elem",
    "style-src",
    "style-src-attr",
    "style-src-elem",
    "trusted-types",
    "upgrade-insecure-requests",
    "worker-src",
];

/// Words that mean something only in quotes; without them they are names of hosts.
const QUOTED: [&str; 9] = [
    "none",
    "self",
    "strict-dynamic",
    "report-sample",
    "unsafe-eval",
    "unsafe-hashes",
    "unsafe-inline",
    "wasm-unsafe-eval",
    "inline-speculation-rules",
];

/// The header's value; what is wrong is noted.
pub(crate) fn header(policy: Option<Policy>, faults: &mut Faults, pointer: &str) -> Option<String> {
    let text = match policy? {
        Policy::Text(text) => text,
        Policy::Parts(directives) => {
            let directives: Vec<String> =
                directives.iter().map(|(name, sources)| directive(name, sources, faults, pointer)).collect();
            directives.join("; ")
        }
    };
    if text.trim().is_empty() {
        faults.at(pointer, "an empty policy does nothing; write `false` to send none");
    }
    fields::check_value(faults, pointer, &text);
    Some(text)
}

fn directive(name: &str, sources: &[String], faults: &mut Faults, pointer: &str) -> String {
    let pointer = switch::part(pointer, name);
    if !DIRECTIVES.contains(&name) {
        let message = format!("browsers know no directive `{name}`; a policy that is one text may have others");
        faults.at(&pointer, &message);
    }
    let mut text = name.to_owned();
    for source in sources {
        if source.is_empty() || source.contains(|character: char| character.is_whitespace() || ";,".contains(character))
        {
            let message = format!("`{source}` is not one source; write a list with one in each item");
            faults.at(&pointer, &message);
        }
        let has_hosts = ["-src", "-src-attr", "-src-elem"].iter().any(|kind| name.ends_with(kind))
            || ["base-uri", "form-action", "frame-ancestors"].contains(&name);
        if has_hosts && QUOTED.contains(&source.as_str()) {
            faults.at(&pointer, &format!("`{source}` is a host here; the keyword is \"'{source}'\""));
        }
        text.push(' ');
        text.push_str(source);
    }
    text
}

/// Whether the policy says who may frame the page.
pub(crate) fn has_ancestors(policy: &str) -> bool {
    policy.split([';', ',']).any(|directive| {
        directive.split_ascii_whitespace().next().is_some_and(|name| name.eq_ignore_ascii_case("frame-ancestors"))
    })
}
