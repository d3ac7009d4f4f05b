//! Returns `stop` without an answer.

use weir::Flow;

#[derive(Default)]
struct Stop;

#[weir::filter]
impl Stop {
    fn on_request(&self) -> Flow {
        Flow::Stop
    }
}
