//! A foreign process that is spoken with: an order in JSON on a line of its input, the answer on a line of its output.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use serde_json::Value;

/// A running process; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Dialogue {
    child: Child,
    lines: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Dialogue {
    /// Starts it. What it complains about is shown with the test.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the process starts");
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, lines: Mutex::new((input, BufReader::new(output))) }
    }

    /// The next line that it says by itself.
    pub(crate) fn said(&self) -> Value {
        read(&mut self.lines.lock().unwrap().1)
    }

    /// What it answers to an order.
    pub(crate) fn ask(&self, order: &Value) -> Value {
        let mut lines = self.lines.lock().unwrap();
        writeln!(lines.0, "{order}").expect("the process takes orders");
        let mut answer = read(&mut lines.1);
        drop(lines);
        assert!(answer.get("done").is_some(), "{order} failed: {answer}");
        answer["done"].take()
    }
}

fn read(output: &mut BufReader<ChildStdout>) -> Value {
    let mut line = String::new();
    output.read_line(&mut line).expect("the process speaks UTF-8");
    serde_json::from_str(&line).unwrap_or_else(|_| panic!("the process ended, or said no JSON: {line:?}"))
}

impl Drop for Dialogue {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
