//! What a process says, line by line.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use crate::PATIENCE;

/// The lines so far, and a way to wait for one.
#[derive(Clone, Debug, Default)]
pub struct Lines(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    lines: Mutex<(Vec<String>, bool)>,
    more: Condvar,
}

impl Lines {
    /// Collects what comes out of `stream` until it ends.
    pub fn of(stream: impl Read + Send + 'static) -> Self {
        let lines = Self::default();
        let writer = lines.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                writer.0.lines.lock().unwrap().0.push(String::from_utf8_lossy(&line).into_owned());
                writer.0.more.notify_all();
            }
            writer.0.lines.lock().unwrap().1 = true;
            writer.0.more.notify_all();
        });
        lines
    }

    /// The first line that has `text`, now or later.
    pub fn wait(&self, text: &str) -> String {
        self.wait_for(text, |lines| lines.iter().find(|line| line.contains(text)).cloned())
    }

    /// The `count` first lines that have `text`, now or later.
    pub fn wait_many(&self, text: &str, count: usize) -> Vec<String> {
        self.wait_for(text, |lines| {
            let found: Vec<String> = lines.iter().filter(|line| line.contains(text)).take(count).cloned().collect();
            (found.len() == count).then_some(found)
        })
    }

    /// Everything, once the stream has ended.
    pub fn all(&self) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut guard = self.0.lines.lock().unwrap();
        while !guard.1 {
            let left = deadline.checked_duration_since(Instant::now()).expect("the stream did not end");
            guard = self.0.more.wait_timeout(guard, left).unwrap().0;
        }
        guard.0.clone()
    }

    /// Everything so far.
    pub fn so_far(&self) -> Vec<String> {
        self.0.lines.lock().unwrap().0.clone()
    }

    fn wait_for<T>(&self, what: &str, find: impl Fn(&[String]) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut guard = self.0.lines.lock().unwrap();
        loop {
            if let Some(found) = find(&guard.0) {
                return found;
            }
            let left = deadline.checked_duration_since(Instant::now()).filter(|_| !guard.1);
            let Some(left) = left else {
                let lines = guard.0.join("\n");
                // Whoever shows the log because of this panic needs the lock.
                drop(guard);
                panic!("no line with {what:?} came; there were:\n{lines}");
            };
            guard = self.0.more.wait_timeout(guard, left).unwrap().0;
        }
    }
}
