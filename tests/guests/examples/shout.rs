//! Rewrites bodies byte by byte: letters become large.

use weir::{Refuse, Request, Response};

#[derive(Default)]
struct Shout;

#[weir::filter]
impl Shout {
    fn on_request(&self, request: &mut Request) -> weir::Result<()> {
        request.rewrite()?;
        Ok(())
    }

    fn on_response(&self, response: &mut Response) -> weir::Result<()> {
        response.rewrite()?;
        Ok(())
    }

    fn on_request_chunk(&self, bytes: Vec<u8>, _end: bool) -> Result<Vec<u8>, Refuse> {
        Ok(shout(bytes))
    }

    fn on_response_chunk(&self, bytes: Vec<u8>, _end: bool) -> Result<Vec<u8>, Refuse> {
        Ok(shout(bytes))
    }
}

fn shout(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.make_ascii_uppercase();
    bytes
}
