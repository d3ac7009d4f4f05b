//! Checks the password in the request's `x-password` against the hash in `x-hash`, and answers with what came of it.

use weir::{Reply, Request, Result, password};

#[derive(Default)]
struct Doorman;

#[weir::filter]
impl Doorman {
    fn on_request(&self, request: &Request) -> Result {
        let hash = request.header_str("x-hash").unwrap_or_default();
        let verified = password::verify(&hash, request.header("x-password").unwrap_or_default());
        let said = verified.map_or_else(|error| error.name().to_owned(), |is_right| is_right.to_string());
        Reply::new(200).text(said).send("checked")
    }
}
