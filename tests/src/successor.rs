//! Processes that a proxy has started to take over from it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::Proxy;

/// A process that a proxy has started, ended with the test.
#[derive(Debug)]
pub struct Successor(u32);

impl Successor {
    /// Its number.
    pub fn pid(&self) -> u32 {
        self.0
    }

    /// The process that the `count`th upgrade has led to.
    pub fn of(proxy: &Proxy, count: usize) -> Self {
        let line = proxy.log.wait_many("upgraded: process", count).pop().unwrap();
        Self::numbered(line.split("upgraded: process ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap())
    }

    /// The process of this number.
    pub fn numbered(pid: &str) -> Self {
        let pid = pid.trim().parse().expect("a process has a number");
        // To `kill`, 0 is whoever calls it, with all its family.
        assert!(pid > 1);
        Self(pid)
    }

    /// Sends a signal: `USR2`, `TERM`.
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([&format!("-{signal}"), &self.0.to_string()]).status().unwrap();
        assert!(status.success(), "process {} has gone", self.0);
    }

    /// Whether it has not ended.
    pub fn is_there(&self) -> bool {
        // A zombie that nobody has waited for has no command line.
        fs::read(format!("/proc/{}/cmdline", self.0)).is_ok_and(|line| !line.is_empty())
    }

    /// The file that it runs.
    pub fn program(&self) -> PathBuf {
        fs::read_link(format!("/proc/{}/exe", self.0)).unwrap()
    }
}

impl Drop for Successor {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-KILL", &self.0.to_string()]).stderr(std::process::Stdio::null()).status();
    }
}
