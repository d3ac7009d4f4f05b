//! Pauses, but has no hook to go on with.

use weir::{Request, Result};

#[derive(Default)]
struct Deaf;

#[weir::filter]
impl Deaf {
    fn on_request(&self, request: &mut Request) -> Result {
        request.buffer(1 << 10)
    }
}
