//! Does nothing, in both hooks: what a filter costs by itself.

use weir::Flow;

#[derive(Default)]
struct Noop;

#[weir::filter]
impl Noop {
    fn on_request(&self) -> Flow {
        Flow::Next
    }

    fn on_response(&self) -> Flow {
        Flow::Next
    }
}
