//! How a hook that rewrites a body ends.

use crate::{Error, Result};

/// Refuses a message while its body is on its way: the request is cut off (400 if no response has begun), the
/// response is cut off visibly.
///
/// ```
/// # use weir::Refuse;
/// fn on_request_chunk(bytes: Vec<u8>, _end: bool) -> Result<Vec<u8>, Refuse> {
///     if bytes.contains(&0) {
///         return Err(Refuse::new("binary").detail("a zero byte in what should be text"));
///     }
///     Ok(bytes.to_ascii_uppercase())
/// }
/// # assert!(on_request_chunk(vec![0], true).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refuse {
    pub(crate) code: String,
    pub(crate) detail: String,
}

impl Refuse {
    /// `code` says why, for metrics and logs: a short kebab-case word, few distinct ones.
    pub fn new(code: impl Into<String>) -> Self {
        Self { code: code.into(), detail: String::new() }
    }

    /// What the operator's log says beside the code; the client never sees it.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// As the reason's code.
    pub fn code(&self) -> &str {
        &self.code
    }
}

/// What a hook that rewrites a body may return: the bytes that go on, or a result of that with [`Refuse`] (the message
/// is at fault) or [`Error`] (the filter failed).
#[diagnostic::on_unimplemented(
    message = "a hook that rewrites a body cannot return `{Self}`",
    note = "it returns `Vec<u8>`, `Result<Vec<u8>, weir::Refuse>` or `weir::Result<Vec<u8>>`"
)]
pub trait Rewritten {
    /// What goes on; outside it why the filter failed, inside it why the message is refused.
    fn rewritten(self) -> Result<std::result::Result<Vec<u8>, Refuse>>;
}

impl Rewritten for Vec<u8> {
    fn rewritten(self) -> Result<std::result::Result<Vec<u8>, Refuse>> {
        Ok(Ok(self))
    }
}

impl Rewritten for std::result::Result<Vec<u8>, Refuse> {
    fn rewritten(self) -> Result<Self> {
        Ok(self)
    }
}

impl Rewritten for std::result::Result<Vec<u8>, Error> {
    fn rewritten(self) -> Result<std::result::Result<Vec<u8>, Refuse>> {
        self.map(Ok)
    }
}
