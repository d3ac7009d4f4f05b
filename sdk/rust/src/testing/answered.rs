//! What a filter answered.

/// An answer that the filter made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answered {
    /// The status code.
    pub status: u16,
    /// All fields in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
    /// The trailer fields.
    pub trailers: Vec<(String, Vec<u8>)>,
    /// Why, for metrics and logs.
    pub code: String,
    /// Why, for the log.
    pub detail: String,
}

impl Answered {
    /// The first value of the field, if it is text.
    pub fn get(&self, name: &str) -> Option<&str> {
        super::message::first(&self.headers, name)
    }

    /// The body, if it is text.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok()
    }
}
