//! What a client takes: `Accept-Encoding` (RFC 9110, 12.5.3).

use weir::Coding;

use crate::lists;

/// Members that are read; what is behind them counts as not there.
const MOST: usize = 32;

/// Weights in thousandths, of what is mentioned. Of what is mentioned twice, the first counts.
#[derive(Debug, Default)]
pub(crate) struct Accept {
    gzip: Option<u16>,
    brotli: Option<u16>,
    zstd: Option<u16>,
    identity: Option<u16>,
    any: Option<u16>,
}

impl Accept {
    /// Of all values of the field. A member that is malformed counts as not there.
    pub(crate) fn of(values: &[Vec<u8>]) -> Self {
        let mut accept = Self::default();
        for (name, weight) in lists::items(values).take(MOST).filter_map(member) {
            let place = match name.to_ascii_lowercase().as_str() {
                "gzip" | "x-gzip" => &mut accept.gzip,
                "br" => &mut accept.brotli,
                "zstd" => &mut accept.zstd,
                "identity" => &mut accept.identity,
                "*" => &mut accept.any,
                _ => continue,
            };
            place.get_or_insert(weight);
        }
        accept
    }

    /// Which of these to use, the best first: by weight, and of the same weight in this order. None of them if the client
    /// would rather have the body as it is.
    pub(crate) fn rank(&self, codings: impl Iterator<Item = Coding>) -> Vec<Coding> {
        let least = self.identity.unwrap_or(0).max(1);
        let weighed = codings.map(|coding| (self.weight(coding), coding));
        let mut ranked: Vec<_> = weighed.filter(|(weight, _)| *weight >= least).collect();
        ranked.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        ranked.into_iter().map(|(_, coding)| coding).collect()
    }

    /// Whether the client says that it does not take the body as it is.
    pub(crate) fn refuses_identity(&self) -> bool {
        self.identity.or(self.any) == Some(0)
    }

    fn weight(&self, coding: Coding) -> u16 {
        let mentioned = match coding {
            Coding::Gzip => self.gzip,
            Coding::Brotli => self.brotli,
            Coding::Zstd => self.zstd,
            Coding::Deflate => None,
        };
        mentioned.or(self.any).unwrap_or(0)
    }
}

/// A name and its weight, if that is what stands there.
fn member(member: &str) -> Option<(&str, u16)> {
    let mut parts = member.split(';').map(str::trim_ascii);
    let name = parts.next()?;
    let mut weight = 1000;
    for parameter in parts {
        let (key, value) = parameter.split_once('=')?;
        if key.trim_ascii().eq_ignore_ascii_case("q") {
            weight = thousandths(value.trim_ascii())?;
        }
    }
    Some((name, weight))
}

/// `0`, `0.5`, `1.000`: three places at most, and not more than one.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    if !matches!(whole, "0" | "1") || places.len() > 3 || !places.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let padded = places.bytes().chain(std::iter::repeat(b'0')).take(3);
    let thousandths = padded.fold(u16::from(whole == "1"), |sum, digit| sum * 10 + u16::from(digit - b'0'));
    (thousandths <= 1000).then_some(thousandths)
}
