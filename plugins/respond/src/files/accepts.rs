//! Which codings a client takes (RFC 9110, 12.5.3).

use super::config::Coding;

/// Those of them that these values of `accept-encoding` let pass, in the operator's order.
pub(crate) fn among(codings: &[Coding], values: &[Vec<u8>]) -> Vec<Coding> {
    codings.iter().copied().filter(|coding| is_taken(coding.name(), values)).collect()
}

fn is_taken(name: &str, values: &[Vec<u8>]) -> bool {
    let mut others = false;
    for value in values {
        for item in value.split(|byte| *byte == b',') {
            let mut parts = item.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
            let coding = parts.next().unwrap_or_default();
            let is_refused = parts.any(is_zero);
            if coding.eq_ignore_ascii_case(name.as_bytes()) || name == "gzip" && coding.eq_ignore_ascii_case(b"x-gzip")
            {
                return !is_refused;
            }
            if coding == b"*" {
                others = !is_refused;
            }
        }
    }
    others
}

/// Whether it is a weight of nothing: `q=0`, `q=0.000`.
fn is_zero(parameter: &[u8]) -> bool {
    let Some((b'q' | b'Q', rest)) = parameter.split_first() else { return false };
    let Some((b'=', weight)) = rest.trim_ascii_start().split_first() else { return false };
    let weight = weight.trim_ascii_start();
    weight.starts_with(b"0") && weight.iter().all(|byte| matches!(byte, b'0' | b'.'))
}
