//! Rows, bars, and whether they are met.

/// Bars that were measured, printed behind all rows.
#[derive(Default)]
pub(crate) struct Report {
    bars: Vec<Bar>,
}

struct Bar {
    name: String,
    measured: f64,
    limit: f64,
    unit: &'static str,
    /// Whether it is a control, which must be over its limit.
    is_control: bool,
}

/// A cost in nanoseconds.
pub(crate) fn row(name: &str, nanoseconds: f64) {
    println!("{nanoseconds:8.0} ns  {name}");
}

impl Report {
    /// Holds a figure to a bar. The limit is part of the name.
    pub(crate) fn bar(&mut self, name: &str, measured: f64, limit: f64, unit: &'static str) {
        self.bars.push(Bar { name: name.to_owned(), measured, limit, unit, is_control: false });
    }

    /// A fault that was planted: a figure that must be over the bar.
    pub(crate) fn control(&mut self, name: &str, measured: f64, limit: f64, unit: &'static str) {
        let name = format!("negative control: {name} > {limit}{unit}");
        self.bars.push(Bar { name, measured, limit, unit, is_control: true });
    }

    pub(crate) fn print(&self) {
        println!("\n| bar | measured | |\n| --- | --- | --- |");
        for Bar { name, measured, limit, unit, is_control } in &self.bars {
            let verdict = match (measured <= limit, is_control) {
                (true, false) => "met",
                (false, false) => "MISSED",
                (false, true) => "caught",
                (true, true) => "NOT CAUGHT: trust nothing above",
            };
            println!("| {name} | {measured:.2}{unit} | {verdict} |");
        }
    }
}
