//! Finds thousands of faults in any configuration, each told at length and with orders for a terminal.

use weir::{Fault, Faults};

struct Faulty;

#[weir::filter]
impl Faulty {
    fn configure() -> Result<Self, Faults> {
        let long = "x".repeat(2000);
        let fault = |number| Fault::at("/none\u{7}", format!("\u{1b}[2Jcleared {number} {long}"));
        Err((0..4000).map(fault).collect::<Vec<_>>().into())
    }

    fn on_request(&self) {}
}
