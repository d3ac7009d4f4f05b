//! Pages in a real browser: Chromium without a window.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tempfile::TempDir;

use crate::{Lines, Origin, command};

/// A page, on a port of its own. The same page is of another origin under each name of this machine: `localhost`,
/// `127.0.0.1`, `shop.localhost`.
#[derive(Debug)]
pub struct Page {
    server: Origin,
    script: Arc<Mutex<String>>,
}

/// Runs the script, and tells what came of it.
const PAGE: &str = "<!doctype html><title>page</title><script type=module>
const run = async () => { SCRIPT };
const value = await run().catch(error => ({ thrown: String(error) }));
await fetch('/report', { method: 'POST', body: JSON.stringify(value) });
</script>";

impl Page {
    /// Begins to serve it.
    pub fn start() -> Self {
        let script = Arc::new(Mutex::new(String::new()));
        let told = Arc::clone(&script);
        let server = Origin::raw(move |received, stream| {
            let body = match received.line.as_str() {
                "GET / HTTP/1.1" => PAGE.replace("SCRIPT", &told.lock().unwrap()),
                _ => String::new(),
            };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).is_ok()
        });
        Self { server, script }
    }

    /// Its origin under this name.
    pub fn origin(&self, host: &str) -> String {
        format!("http://{host}:{}", self.server.address.port())
    }

    /// Has a new browser open it under this name, and run the script: the body of an asynchronous function, whose value
    /// this is.
    pub fn visit(&self, host: &str, script: &str) -> Value {
        script.clone_into(&mut self.script.lock().unwrap());
        let _browser = Browser::open(&self.origin(host));
        loop {
            let received = self.server.next();
            if received.line.starts_with("POST /report ") {
                return serde_json::from_slice(&received.body).expect("the page reports JSON");
            }
        }
    }
}

/// A browser with a profile of its own, which is ended with its owner.
struct Browser {
    child: Child,
    said: Lines,
    _profile: TempDir,
}

impl Browser {
    fn open(url: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut child = command("chromium", "chromium")
            .args(["--headless", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"])
            // It shows this page only, and is to reach nothing else.
            .args(["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-sync"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // So that its many processes can be ended at once.
            .process_group(0)
            .spawn()
            .expect("chromium runs");
        let said = Lines::of(child.stderr.take().unwrap());
        Self { child, said, _profile: profile }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.child.id())]).status();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the browser said:\n{}", self.said.so_far().join("\n"));
        }
    }
}
