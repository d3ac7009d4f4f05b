//! The response's head.

use http::{HeaderMap, StatusCode, response::Parts};
use wasmtime::{Result, format_err};

use super::reply::final_status;
use crate::plugin::bindings::response::{Host, Origin};
use crate::plugin::bindings::types::Refusal;
use crate::plugin::exchange;
use crate::plugin::fields;
use crate::plugin::instance::{Guest, Hook};

impl Guest {
    fn response(&mut self) -> Result<&mut Parts> {
        let is_there = self.hook == Hook::Response;
        let response = self.exchange()?.response.as_mut().filter(|_| is_there);
        response.ok_or_else(|| format_err!("the response can be read in `on-response` only"))
    }

    fn edit_response(&mut self, edit: impl FnOnce(&mut HeaderMap) -> Result<(), Refusal>) -> Result<Result<(), Refusal>> {
        if self.hook != Hook::Response {
            return Ok(Err(Refusal::WrongHook));
        }
        Ok(edit(&mut self.response()?.headers))
    }
}

impl Host for Guest {
    fn source(&mut self) -> Result<Origin> {
        self.response()?;
        Ok(match self.exchange()?.origin {
            exchange::Origin::Upstream => Origin::Upstream,
            exchange::Origin::Filter(_) => Origin::Filter,
            exchange::Origin::Host => Origin::Host,
        })
    }

    fn status(&mut self) -> Result<u16> {
        Ok(self.response()?.status.as_u16())
    }

    fn set_status(&mut self, status: u16) -> Result<Result<(), Refusal>> {
        if self.hook != Hook::Response {
            return Ok(Err(Refusal::WrongHook));
        }
        let response = self.response()?;
        let has_body = |status| ![StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::NOT_MODIFIED].contains(&status);
        Ok(match final_status(status) {
            Ok(status) if status != response.status && !(has_body(status) && has_body(response.status)) => Err(Refusal::Forbidden),
            Ok(status) => {
                response.status = status;
                Ok(())
            }
            Err(refusal) => Err(refusal),
        })
    }

    fn header(&mut self, name: String) -> Result<Option<Vec<u8>>> {
        Ok(fields::first(&self.response()?.headers, &name))
    }

    fn header_values(&mut self, name: String) -> Result<Vec<Vec<u8>>> {
        Ok(fields::values(&self.response()?.headers, &name))
    }

    fn headers(&mut self, max: u32) -> Result<Vec<(String, Vec<u8>)>> {
        Ok(fields::all(&self.response()?.headers, max))
    }

    fn set_header(&mut self, name: String, value: Vec<u8>) -> Result<Result<(), Refusal>> {
        self.edit_response(|headers| fields::set(headers, &name, &value))
    }

    fn append_header(&mut self, name: String, value: Vec<u8>) -> Result<Result<(), Refusal>> {
        self.edit_response(|headers| fields::append(headers, &name, &value))
    }

    fn remove_header(&mut self, name: String) -> Result<Result<(), Refusal>> {
        self.edit_response(|headers| fields::remove(headers, &name))
    }
}
