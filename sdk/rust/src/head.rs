//! The heads of the exchange's request and response.

use crate::bindings::weir::filter::{request, response};
use crate::{Origin, Refusal};

/// The request of the current exchange. In `on_response` it can be read only.
#[derive(Debug)]
#[non_exhaustive]
pub struct Request;

/// The response of the current exchange.
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

/// The methods that both heads have.
macro_rules! fields {
    ($interface:ident) => {
        /// The field's value; the first one if it stands there several times.
        pub fn header(&self, name: &str) -> Option<Vec<u8>> {
            $interface::header(name)
        }

        /// As [`Self::header`], where the value is UTF-8.
        pub fn header_str(&self, name: &str) -> Option<String> {
            self.header(name).and_then(|value| String::from_utf8(value).ok())
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

    /// The path without the query.
    pub fn path(&self) -> String {
        request::path()
    }

    /// What follows the `?`.
    pub fn query(&self) -> Option<String> {
        request::query()
    }

    fields!(request);
}

impl Response {
    /// The status code.
    pub fn status(&self) -> u16 {
        response::status()
    }

    /// Changes the status.
    pub fn set_status(&mut self, status: u16) -> Result<(), Refusal> {
        response::set_status(status)
    }

    /// Who made the response.
    pub fn source(&self) -> Origin {
        response::source()
    }

    fields!(response);
}
