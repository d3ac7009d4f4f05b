//! Declares metrics with names that could be taken for others', and counts what the request's `x-label` says.

use weir::metrics::{Counter, Gauge, Histogram};
use weir::{Fault, Flow, Request, setup};

struct Figures {
    hits: Counter<3>,
    level: Gauge,
    count: Gauge,
    size: Histogram,
}

#[weir::filter]
impl Figures {
    fn configure() -> std::result::Result<Self, Fault> {
        Ok(Self {
            hits: setup::counter("hits_total", "Says \"hits\",\nand C:\\hits.", ["le", "site", "what"])?,
            level: setup::gauge("hits", "A gauge of the counter's name.", [])?,
            count: setup::gauge("size_count", "As a part of the histogram.", [])?,
            size: setup::histogram("size", "Sizes.", [], &[1.0, 2.5])?,
        })
    }

    fn on_request(&self, request: &mut Request) -> Flow {
        let what = request.header_str("x-label").unwrap_or_default();
        self.hits.add(["one", "two", &what], 3);
        self.level.set([], -1.5);
        self.count.set([], 7.0);
        self.size.observe([], 2.0);
        self.size.observe([], 20.0);
        Flow::Next
    }
}
