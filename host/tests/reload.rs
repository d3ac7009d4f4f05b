//! A server in this process, reloaded at moments that only its owner can choose.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{mpsc, oneshot};
use weir_host::config::{self, Source as Text};
use weir_host::plugin::{CompiledCache, Engine};
use weir_host::server::{Inherited, Outcome, Server, Source};

/// What a test has of the server; the test runs on a thread of its own.
struct Control {
    text: Arc<Mutex<String>>,
    loads: Arc<AtomicUsize>,
    asked: mpsc::UnboundedSender<Asked>,
}

enum Asked {
    Reload(oneshot::Sender<Outcome>),
    Addresses(oneshot::Sender<Vec<(String, SocketAddr)>>),
}

impl Control {
    fn write(&self, text: String) {
        *self.text.lock().unwrap() = text;
    }

    /// Asks for a reload; it has been asked for when this returns.
    fn reload(&self) -> oneshot::Receiver<Outcome> {
        let (answer, answered) = oneshot::channel();
        assert!(self.asked.send(Asked::Reload(answer)).is_ok());
        self.address("main");
        answered
    }

    fn address(&self, name: &str) -> Option<SocketAddr> {
        let (answer, answered) = oneshot::channel();
        assert!(self.asked.send(Asked::Addresses(answer)).is_ok());
        let addresses = answered.blocking_recv().unwrap();
        addresses.into_iter().find(|(known, _)| known == name).map(|(_, address)| address)
    }
}

/// Runs a test against a server.
fn serve(text: String, run: impl FnOnce(&Control) + Send + 'static) {
    let (asked, mut asks) = mpsc::unbounded_channel();
    let control = Control { text: Arc::new(Mutex::new(text)), loads: Arc::default(), asked };
    let (text, loads) = (Arc::clone(&control.text), Arc::clone(&control.loads));
    let load = move || {
        loads.fetch_add(1, Ordering::SeqCst);
        config::parse(Text { path: "test.yaml".into(), text: text.lock().unwrap().clone() })
    };
    let source = Source { name: "the test".into(), is_watched: false, load: Arc::new(load) };
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).unwrap();
    runtime.block_on(async {
        let engine = Arc::new(Engine::new(CompiledCache::from_environment()).unwrap());
        let mut server = Server::start(source, engine, Inherited::default()).await.unwrap();
        let mut run = tokio::task::spawn_blocking(move || run(&control));
        loop {
            tokio::select! {
                Some(asked) = asks.recv() => match asked {
                    Asked::Reload(answer) => server.reload(Some(answer)),
                    Asked::Addresses(answer) => {
                        let addresses = server.addresses().map(|(name, _, address)| (name.to_owned(), address));
                        let _ = answer.send(addresses.collect());
                    }
                },
                duty = server.duty() => server.perform(duty).await,
                done = &mut run => break done.unwrap(),
            }
        }
        server.close().await;
        server.end(tokio::time::Instant::now()).await;
    });
}

fn text(listeners: &str, more: &str) -> String {
    format!(
        "version: 1\nworkers: 2\naccess_log: false\ndrain: {{ grace: 300ms }}\nlisteners: {{ {listeners} }}\n{more}\n"
    )
}

#[test]
fn whoever_asks_during_a_build_gets_one_that_begins_afterwards_and_they_share_it() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let main = "main: { address: 127.0.0.1:0 }";
    serve(text(main, "sites: [{ routes: [] }]"), move |server| {
        // Whoever builds this waits for the pipe's other end.
        let slow = format!("plugins: {{ slow: {{ file: {} }} }}\nsites: [{{ routes: [] }}]", pipe.display());
        server.write(text(main, &slow));
        let first = server.reload();
        let mut end = std::fs::OpenOptions::new().write(true).open(&pipe).unwrap();
        server.write(text(main, "sites: [{ routes: [] }]"));
        let later: Vec<_> = (0..3).map(|_| server.reload()).collect();
        assert_eq!(server.loads.load(Ordering::SeqCst), 2);
        end.write_all(b"no component").unwrap();
        drop(end);
        let refused = first.blocking_recv().unwrap().unwrap_err();
        assert!(refused.contains("this is not a filter"), "{refused}");
        for later in later {
            assert_eq!(later.blocking_recv().unwrap(), Ok(Vec::new()));
        }
        assert_eq!(server.loads.load(Ordering::SeqCst), 3);
    });
}

/// Switches every connection to another protocol, and says nothing in it.
fn silent_origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
                let head = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: silence\r\n\r\n";
                let _ = (&stream).write_all(head);
                let _ = (&stream).read(&mut [0]);
            });
        }
    });
    address
}

fn upgraded(address: SocketAddr) -> TcpStream {
    let mut client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: silence\r\n\r\n").unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    assert!(head.starts_with(b"HTTP/1.1 101"));
    client
}

#[test]
fn what_a_listener_that_is_gone_still_has_is_closed_after_the_grace() {
    let (both, one) = (
        "main: { address: 127.0.0.1:0 }, gone: { address: 127.0.0.1:0 }".to_owned(),
        "main: { address: 127.0.0.1:0 }".to_owned(),
    );
    let sites = format!("sites: [{{ routes: [{{ path: /*, upstream: \"http://{}\" }}] }}]", silent_origin());
    let grace = Duration::from_millis(300);
    serve(text(&both, &sites), move |server| {
        let mut kept = upgraded(server.address("main").unwrap());
        let mut gone = upgraded(server.address("gone").unwrap());
        server.write(text(&one, &sites));
        let asked = Instant::now();
        assert_eq!(server.reload().blocking_recv().unwrap(), Ok(Vec::new()));
        assert_eq!(server.address("gone"), None);
        assert_eq!(gone.read(&mut [0]).unwrap_or(0), 0);
        assert!(asked.elapsed() >= grace, "it had no time to end");
        // Nothing is said on the other, and it does not end.
        kept.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        assert!(kept.read(&mut [0]).is_err());
    });
}
