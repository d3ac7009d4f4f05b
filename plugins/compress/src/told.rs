//! What the request told, kept for its response: three bytes or so.

use weir::{Coding, Refusal, exchange};

use crate::accept::Accept;

const FOREIGN: u8 = 1;
const NO_IDENTITY: u8 = 2;

/// What the request told. Nothing is kept of one that takes no coding.
#[derive(Debug)]
pub(crate) struct Told {
    /// The best first.
    pub(crate) codings: Vec<Coding>,
    /// Who asks brings credentials from elsewhere.
    pub(crate) is_foreign: bool,
    /// The client does not take the body as it is.
    pub(crate) refuses_identity: bool,
}

impl Told {
    /// Of `Accept-Encoding`; none if none of the codings is taken.
    pub(crate) fn of(takes: &[Vec<u8>], codings: &[(Coding, u8)], is_foreign: impl FnOnce() -> bool) -> Option<Self> {
        if takes.is_empty() {
            return None;
        }
        let accept = Accept::of(takes);
        let codings = accept.rank(codings.iter().map(|(coding, _)| *coding));
        if codings.is_empty() {
            return None;
        }
        Some(Self { codings, is_foreign: is_foreign(), refuses_identity: accept.refuses_identity() })
    }

    /// Keeps it with the exchange.
    pub(crate) fn keep(&self) -> Result<(), Refusal> {
        let flags = if self.is_foreign { FOREIGN } else { 0 } | if self.refuses_identity { NO_IDENTITY } else { 0 };
        let mut slot = vec![flags];
        slot.extend(self.codings.iter().map(|coding| *coding as u8));
        exchange::set_slot(&slot)
    }

    /// What was kept of this exchange's request.
    pub(crate) fn kept() -> Option<Self> {
        let slot = exchange::slot();
        let (flags, codings) = slot.split_first()?;
        let all = [Coding::Gzip, Coding::Brotli, Coding::Zstd];
        let codings = codings.iter().filter_map(|number| all.into_iter().find(|coding| *coding as u8 == *number));
        Some(Self {
            codings: codings.collect(),
            is_foreign: flags & FOREIGN != 0,
            refuses_identity: flags & NO_IDENTITY != 0,
        })
    }
}
