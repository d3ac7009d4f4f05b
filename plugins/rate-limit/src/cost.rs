//! What a request costs, in permits.

use weir::Request;

/// How much is taken for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    /// The same for each.
    Each(i64),
    /// By method; the number is that of the others.
    Methods(Vec<(String, i64)>, i64),
    /// One for so many bytes of the answer that have begun; the first of them before the answer is known.
    Answer(i64),
}

impl Cost {
    /// What is taken before the request goes on.
    pub(crate) fn of(&self, request: &Request) -> i64 {
        match self {
            Self::Each(cost) => *cost,
            Self::Methods(methods, others) => {
                let method = request.method();
                methods.iter().find(|(known, _)| *known == method).map_or(*others, |(_, cost)| *cost)
            }
            Self::Answer(_) => 1,
        }
    }

    /// What is still to be charged for an answer of so many bytes.
    pub(crate) fn rest(&self, sent: u64) -> i64 {
        match self {
            Self::Answer(size) => {
                let units = sent.div_ceil(size.unsigned_abs().max(1)).saturating_sub(1);
                i64::try_from(units).unwrap_or(i64::MAX)
            }
            Self::Each(_) | Self::Methods(..) => 0,
        }
    }

    /// The most that is taken at once.
    pub(crate) fn most(&self) -> i64 {
        match self {
            Self::Each(cost) => *cost,
            Self::Methods(methods, others) => methods.iter().map(|(_, cost)| *cost).fold(*others, i64::max),
            Self::Answer(_) => 1,
        }
    }

    /// Bytes that one permit stands for.
    pub(crate) fn bytes(&self) -> Option<i64> {
        if let Self::Answer(size) = self { Some(*size) } else { None }
    }
}
