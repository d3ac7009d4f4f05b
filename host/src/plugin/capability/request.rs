//! The request's head.

use http::header::{HOST, HeaderMap};
use wasmtime::Result;

use crate::plugin::bindings::request::Host;
use crate::plugin::bindings::types::Refusal;
use crate::plugin::instance::{Guest, Hook};
use crate::plugin::fields;

impl Guest {
    fn request_headers(&mut self) -> Result<&HeaderMap> {
        Ok(&self.exchange()?.request.headers)
    }

    /// Runs an edit, in the hook that comes before the request leaves.
    fn edit_request(&mut self, edit: impl FnOnce(&mut HeaderMap) -> Result<(), Refusal>) -> Result<Result<(), Refusal>> {
        let is_open = self.hook == Hook::Request;
        let headers = &mut self.exchange()?.request.headers;
        Ok(if is_open { edit(headers) } else { Err(Refusal::WrongHook) })
    }
}

impl Host for Guest {
    fn method(&mut self) -> Result<String> {
        Ok(self.exchange()?.request.method.as_str().to_owned())
    }

    fn scheme(&mut self) -> Result<String> {
        self.exchange()?;
        Ok("http".to_owned())
    }

    fn authority(&mut self) -> Result<String> {
        let host = self.request_headers()?.get(HOST);
        Ok(host.map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned()).unwrap_or_default())
    }

    fn path(&mut self) -> Result<String> {
        Ok(self.exchange()?.request.uri.path().to_owned())
    }

    fn query(&mut self) -> Result<Option<String>> {
        Ok(self.exchange()?.request.uri.query().map(str::to_owned))
    }

    fn header(&mut self, name: String) -> Result<Option<Vec<u8>>> {
        Ok(fields::first(self.request_headers()?, &name))
    }

    fn header_values(&mut self, name: String) -> Result<Vec<Vec<u8>>> {
        Ok(fields::values(self.request_headers()?, &name))
    }

    fn headers(&mut self, max: u32) -> Result<Vec<(String, Vec<u8>)>> {
        Ok(fields::all(self.request_headers()?, max))
    }

    fn set_header(&mut self, name: String, value: Vec<u8>) -> Result<Result<(), Refusal>> {
        self.edit_request(|headers| fields::set(headers, &name, &value))
    }

    fn append_header(&mut self, name: String, value: Vec<u8>) -> Result<Result<(), Refusal>> {
        self.edit_request(|headers| fields::append(headers, &name, &value))
    }

    fn remove_header(&mut self, name: String) -> Result<Result<(), Refusal>> {
        self.edit_request(|headers| fields::remove(headers, &name))
    }
}
