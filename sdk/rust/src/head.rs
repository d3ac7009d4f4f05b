//! The heads of the exchange's request and response, and how their bodies are steered while they stay in the host.

use crate::host::{body, chunks, request, response};
use crate::{Coding, Flow, Origin, Refusal};

/// A field stands several times where it may stand only once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Several;

impl std::fmt::Display for Several {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a field stands several times that may stand only once")
    }
}

impl std::error::Error for Several {}

/// The request of the current exchange. Where a hook gets `&Request` it can be read only.
///
/// A body can be changed while it passes; each call may come to another instance of the filter:
///
/// ```
/// use weir::{Request, Result, testing::Host};
///
/// #[derive(Default)]
/// struct Shout;
///
/// #[weir::filter]
/// impl Shout {
///     fn on_request(&self, request: &mut Request) -> Result<()> {
///         if request.header_str("content-type").is_some_and(|kind| kind.starts_with("text/")) {
///             request.rewrite()?;
///         }
///         Ok(())
///     }
///
///     fn on_request_chunk(&self, bytes: Vec<u8>, end: bool) -> Vec<u8> {
///         let mut bytes = bytes.to_ascii_uppercase();
///         if end {
///             bytes.push(b'!');
///         }
///         bytes
///     }
/// }
///
/// let mut host = Host::new();
/// host.request.header("content-type", "text/plain");
/// host.on_request(&Shout);
/// assert!(host.request.rewritten);
/// assert_eq!(host.on_request_chunk(&Shout, "hello", true).unwrap(), b"HELLO!");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Request;

/// The response of the current exchange.
///
/// ```
/// use weir::{Coding, Origin, Request, Response, Result, testing::Host};
///
/// #[derive(Default)]
/// struct Compress;
///
/// #[weir::filter]
/// impl Compress {
///     fn on_response(&self, request: &Request, response: &mut Response) -> Result<()> {
///         let takes = request.header_str("accept-encoding").unwrap_or_default();
///         if response.source() == Origin::Upstream && takes.contains("gzip") {
///             // The host encodes; the bytes never enter the filter.
///             response.encode(Coding::Gzip, None)?;
///             response.append_header("vary", "accept-encoding")?;
///         }
///         Ok(())
///     }
/// }
///
/// let mut host = Host::new();
/// host.request.header("accept-encoding", "gzip");
/// host.on_response(&Compress);
/// assert_eq!(host.response.encoded, Some((Coding::Gzip, None)));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Response;

#[doc(hidden)]
pub fn request() -> Request {
    Request
}

#[doc(hidden)]
pub fn response() -> Response {
    Response
}

/// The methods that both messages have.
macro_rules! message {
    ($interface:ident, $rewrite:literal, $observe:literal) => {
        /// The field's value; the first one if it stands there several times.
        pub fn header(&self, name: &str) -> Option<Vec<u8>> {
            $interface::header(name)
        }

        /// As [`Self::header`], where the value is UTF-8.
        pub fn header_str(&self, name: &str) -> Option<String> {
            self.header(name).and_then(|value| String::from_utf8(value).ok())
        }

        /// The field's value where it may stand only once, as credentials; [`Several`] if it stands there several times.
        pub fn sole_header(&self, name: &str) -> Result<Option<Vec<u8>>, Several> {
            $interface::sole_header(name).map_err(|()| Several)
        }

        /// Every value of the field, in order.
        pub fn header_values(&self, name: &str) -> Vec<Vec<u8>> {
            $interface::header_values(name)
        }

        /// All fields in order, at most `max`.
        pub fn headers(&self, max: u32) -> Vec<(String, Vec<u8>)> {
            $interface::headers(max)
        }

        /// Replaces every value of the field by this one.
        pub fn set_header(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), Refusal> {
            $interface::set_header(name, value.as_ref())
        }

        /// Adds a value and keeps those that are there.
        pub fn append_header(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), Refusal> {
            $interface::append_header(name, value.as_ref())
        }

        /// Removes every value of the field.
        pub fn remove_header(&mut self, name: &str) -> Result<(), Refusal> {
            $interface::remove_header(name)
        }

        /// Ends the hook so that the host reads the body up to `max` bytes; then the filter goes on with the whole of
        /// it. Return what this returns.
        pub fn buffer(&mut self, max: u32) -> crate::Result {
            body::buffer(max)?;
            Ok(Flow::Pause)
        }

        /// Replaces the whole body, buffered or not. The host sets the length and removes what described the old
        /// bytes; `content-type` is the filter's.
        pub fn replace_body(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Refusal> {
            body::replace(bytes.as_ref())
        }

        /// Encodes the body as it streams. A level is the coding's own; `vary` is the filter's.
        pub fn encode(&mut self, coding: Coding, level: Option<u8>) -> Result<(), Refusal> {
            body::encode(coding, level)
        }

        /// Decodes the body as it streams; more than `max` bytes cut the message off.
        pub fn decode(&mut self, coding: Coding, max: u64) -> Result<(), Refusal> {
            body::decode(coding, max)
        }

        /// As [`Self::decode`]; more than `ratio` bytes for each one that goes in cut the message off, too, but for
        /// the first 64 KiB.
        pub fn decode_within(&mut self, coding: Coding, max: u64, ratio: u32) -> Result<(), Refusal> {
            body::decode_within(coding, max, ratio)
        }

        #[doc = concat!("From here on `", $rewrite, "` gets the body's bytes and says what goes on.")]
        pub fn rewrite(&mut self) -> Result<(), Refusal> {
            chunks::rewrite()
        }

        #[doc = concat!("`", $observe, "` sees the body's bytes; nothing about the message changes.")]
        pub fn observe(&mut self) -> Result<(), Refusal> {
            chunks::observe()
        }

        /// Keeps one instance for all chunks of this body, so that memory of the filter lasts from one to the next.
        pub fn pin(&mut self) -> Result<(), Refusal> {
            chunks::pin()
        }
    };
}

impl Request {
    /// The method: `GET`.
    pub fn method(&self) -> String {
        request::method()
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> String {
        request::scheme()
    }

    /// The host, and port if one was sent, that the client asked for.
    pub fn authority(&self) -> String {
        request::authority()
    }

    /// The path that the client asked for, without the query: what rules should look at.
    pub fn path(&self) -> String {
        request::path()
    }

    /// What follows the `?` of what the client asked for.
    pub fn query(&self) -> Option<String> {
        request::query()
    }

    /// The path that goes to the upstream.
    pub fn upstream_path(&self) -> String {
        request::upstream_path()
    }

    /// The query that goes to the upstream.
    pub fn upstream_query(&self) -> Option<String> {
        request::upstream_query()
    }

    /// Sets the path that goes to the upstream, as it is: nothing is stripped from it.
    pub fn set_path(&mut self, path: &str) -> Result<(), Refusal> {
        request::set_path(path)
    }

    /// Sets the query that goes to the upstream; `None` removes it with its `?`.
    pub fn set_query(&mut self, query: Option<&str>) -> Result<(), Refusal> {
        request::set_query(query)
    }

    /// Removes every parameter of this (decoded) name from the query that goes to the upstream, and has `*` stand for its
    /// value where the proxy tells of the exchange. [`Self::query`] still has it, for the filters that follow.
    ///
    /// ```
    /// # use weir::testing::Host;
    /// # use weir::{Request, Result};
    /// # #[derive(Default)]
    /// # struct Conceal;
    /// # #[weir::filter]
    /// # impl Conceal {
    /// fn on_request(&self, request: &mut Request) -> Result<()> {
    ///     request.conceal_parameter("key")?;
    ///     Ok(())
    /// }
    /// # }
    /// let mut host = Host::new();
    /// host.request.query("a=1&k%65y=sesame&b");
    /// host.on_request(&Conceal);
    /// assert_eq!(host.request.upstream_query(), Some("a=1&b"));
    /// assert_eq!(host.concealed, ["key"]);
    /// ```
    pub fn conceal_parameter(&mut self, name: &str) -> Result<(), Refusal> {
        request::conceal_parameter(name)
    }

    message!(request, "on_request_chunk", "observe_request_chunk");
}

impl Response {
    /// The status code.
    pub fn status(&self) -> u16 {
        response::status()
    }

    /// Changes the status; not to or from one that has no body (204, 304).
    pub fn set_status(&mut self, status: u16) -> Result<(), Refusal> {
        response::set_status(status)
    }

    /// Who made the response.
    pub fn source(&self) -> Origin {
        response::source()
    }

    message!(response, "on_response_chunk", "observe_response_chunk");
}
