//! The answer to one request.

use weir::escape::Destination;
use weir::template::{Part, Template};
use weir::{Faults, Reply, Request, fields};

use crate::body::Body;
use crate::fill::fill;
use crate::location::Location;
use crate::written::Pairs;

/// A field's name and its value.
pub(crate) type Field = (String, Vec<Part>);

/// What is answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<Field>,
    pub(crate) body: Body,
    pub(crate) location: Option<Location>,
    pub(crate) is_closed: bool,
}

impl Answer {
    /// Why it is answered, for records.
    pub(crate) fn code(&self) -> &'static str {
        match &self.location {
            Some(_) => "redirect",
            None if self.is_closed => "maintenance",
            None => "configured",
        }
    }

    /// The answer with the request's values in it. `None` if they are too long.
    pub(crate) fn reply(&self, request: &Request) -> Option<Reply> {
        let mut reply = Reply::new(self.status);
        for (name, value) in &self.headers {
            reply = reply.header(name, fill(value, request, |_| Destination::Header)?);
        }
        if let Some(location) = &self.location {
            reply = reply.header("location", location.fill(request)?);
        }
        Some(reply.body(self.body.fill(request)?))
    }
}

/// The fields that are written, with what is wrong noted.
pub(crate) fn headers(written: &Pairs<String>, faults: &mut Faults) -> Vec<Field> {
    let mut headers = Vec::new();
    for (name, value) in &written.0 {
        let pointer = ["/headers/", &name.replace('~', "~0").replace('/', "~1")].concat();
        fields::check_name(faults, &pointer, name);
        fields::check_value(faults, &pointer, value);
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        match Template::parse(value) {
            Err(why) => faults.at(&pointer, &why),
            Ok(_) if is("location") || is("refresh") => {
                let words = "a client is led elsewhere with `redirect: { to: ... }`, which is checked";
                faults.at(&pointer, words);
            }
            Ok(value) if is("content-type") && value.has_values() => {
                let words = "the type says how values are written into the body, so it has none itself";
                faults.at(&pointer, words);
            }
            Ok(value) => headers.push((name.clone(), value.parts().to_vec())),
        }
    }
    headers
}
