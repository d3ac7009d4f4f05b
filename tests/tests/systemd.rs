//! Weir as a service manager has it: sockets that are there before it, and what it says about itself.

use std::net::SocketAddr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

use weir_tests::{Client, Origin, PATIENCE, Proxy, command, free_port, get, weir};

/// Opens sockets as NAME=ADDRESS says, and becomes the command behind `--`, as systemd does.
const MANAGER: &str = r#"
import fcntl, os, socket, sys
end = sys.argv.index("--")
names, numbers = [], []
for index, wish in enumerate(sys.argv[1:end]):
    name, kind, address = wish.split("=")
    if kind == "unix":
        opened = socket.socket(socket.AF_UNIX)
        opened.bind(address)
    else:
        opened = socket.socket()
        host, port = address.rsplit(":", 1)
        opened.bind((host, int(port)))
    opened.listen()
    names.append(name)
    numbers.append(fcntl.fcntl(opened.fileno(), fcntl.F_DUPFD_CLOEXEC, 100))
for index, number in enumerate(numbers):
    os.dup2(number, 3 + index, inheritable=True)
os.environ.update(LISTEN_FDS=str(len(numbers)), LISTEN_FDNAMES=":".join(names), LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[end + 1], sys.argv[end + 1:])
"#;

/// The command with the sockets that it gets.
fn passing(sockets: &[String]) -> Command {
    let mut manager = command("python3", "python3");
    manager.args(["-c", MANAGER]).args(sockets).arg("--").arg(weir().get_program());
    manager.env("WEIR_CACHE_DIR", Path::new(env!("GUESTS")).join("cache"));
    manager
}

/// The end of the socket that a service manager reads.
struct Manager(UnixDatagram);

impl Manager {
    /// One in the file system, or with a name of its own.
    fn at(address: &std::os::unix::net::SocketAddr) -> Self {
        let socket = UnixDatagram::bind_addr(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(socket)
    }

    fn next(&self) -> String {
        let mut room = [0; 4096];
        let length = self.0.recv(&mut room).expect("the service manager is told something");
        String::from_utf8_lossy(&room[..length]).into_owned()
    }

    /// What is there already.
    fn waiting(&self) -> Vec<String> {
        self.0.set_nonblocking(true).unwrap();
        let mut room = [0; 4096];
        let mut all = Vec::new();
        while let Ok(length) = self.0.recv(&mut room) {
            all.push(String::from_utf8_lossy(&room[..length]).into_owned());
        }
        self.0.set_nonblocking(false).unwrap();
        all
    }
}

/// A proxy with a service manager in the file system.
fn managed(text: &str, environment: &[(&str, &str)]) -> (Proxy, Manager, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = Manager::at(&std::os::unix::net::SocketAddr::from_pathname(&path).unwrap());
    let mut command = weir();
    command.env("NOTIFY_SOCKET", &path).envs(environment.iter().copied());
    (Proxy::by(command, text), manager, folder)
}

fn port(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

#[test]
fn sockets_are_taken_by_name_or_by_address_and_the_others_are_told_of() {
    let origin = Origin::text("x");
    let folder = tempfile::tempdir().unwrap();
    let (named, addressed, admin, stray) = (free_port(), free_port(), free_port(), free_port());
    let sockets = [
        format!("stray=tcp=127.0.0.1:{stray}"),
        format!("weir.socket=tcp=127.0.0.1:{addressed}"),
        format!("main=tcp=127.0.0.1:{named}"),
        format!("weir.socket=tcp=127.0.0.1:{admin}"),
        format!("local=unix={}", folder.path().join("socket").display()),
    ];
    // `main` is asked for on any port: only its name leads to its socket.
    let text = Proxy::builder()
        .top(&format!("admin: {{ address: \"127.0.0.1:{admin}\" }}"))
        .route("/*", "app", origin.address)
        .text("127.0.0.1:0")
        .replace("upstreams:", &format!("  other: {{ address: \"127.0.0.1:{addressed}\" }}\nupstreams:"));
    let proxy = Proxy::by(passing(&sockets), &text);
    assert_eq!((proxy.address, proxy.listener("other")), (port(named), port(addressed)));
    for address in [proxy.address, proxy.listener("other")] {
        assert_eq!(get(address, "/").text(), "x");
    }
    assert_eq!(get(port(admin), "/status").status, 403, "a name of the test is no address");
    let said = proxy.log.wait("passed the socket `stray`");
    assert!(said.contains(&stray.to_string()) && said.contains("FileDescriptorName="), "{said}");
    assert!(std::net::TcpStream::connect(port(stray)).is_err());
    proxy.log.wait("passed the socket `local`");
    // What was passed goes to the next process, too, and nowhere else.
    proxy.signal("USR2");
    let line = proxy.log.wait("upgraded: process");
    let pid = line.split("upgraded: process ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    assert_eq!(get(port(named), "/").text(), "x");
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
}

#[test]
fn the_real_activation_works() {
    let origin = Origin::text("waited for");
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let file = folder.path().join("weir.yaml");
    std::fs::write(&file, Proxy::builder().route("/*", "app", origin.address).text("127.0.0.1:0")).unwrap();
    let mut activate = command("systemd-socket-activate", "systemd");
    activate.args(["-l", &format!("127.0.0.1:{port}"), "--fdname=main"]);
    activate.arg("-E").arg(format!("WEIR_CACHE_DIR={}/cache", env!("GUESTS")));
    activate.arg(weir().get_program()).args(["run", "-c"]).arg(&file);
    let mut child = activate.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    // The first connection starts it, and waits in the socket until then.
    let deadline = std::time::Instant::now() + PATIENCE;
    let stream = loop {
        match std::net::TcpStream::connect(address) {
            Ok(stream) => break stream,
            Err(error) => assert!(std::time::Instant::now() < deadline, "{error}"),
        }
        std::thread::yield_now();
    };
    assert_eq!(Client::of(stream).get("/", "").text(), "waited for");
    let _ = child.kill();
    let _ = child.wait();
}

#[test]
fn the_units_are_sound_and_the_service_can_do_little() {
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging");
    let folder = tempfile::tempdir().unwrap();
    for name in ["weir.service", "weir.socket"] {
        let text = std::fs::read_to_string(packaging.join(name)).unwrap();
        // What this machine has: its systemd may be too old for the one, and has no weir installed.
        let text = text.replace("notify-reload", "notify").replace("/usr/local/bin/weir", "/bin/true");
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let analyze = |arguments: &[&str]| {
        let mut analyze = command("systemd-analyze", "systemd");
        let output = analyze.args(arguments).arg("weir.service").arg("weir.socket").current_dir(folder.path()).output();
        let output = output.unwrap();
        (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let (is_sound, said) = analyze(&["verify"]);
    assert!(is_sound && said.is_empty(), "{said}");
    let (_, said) = analyze(&["security", "--offline=yes", "--threshold=20"]);
    assert!(said.contains("Overall exposure level for weir.service: 1.8"), "{said}");
}

#[test]
fn the_service_manager_hears_of_every_turn() {
    let text = Proxy::builder().text("127.0.0.1:0");
    let (mut proxy, manager, _folder) = managed(&text, &[]);
    assert_eq!(manager.next(), "READY=1\nSTATUS=serving 1 listeners");
    proxy.signal("HUP");
    let reloading = manager.next();
    let time = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").and_then(|rest| rest.lines().next());
    let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
    let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
    let time: f64 = time.and_then(|time| time.parse().ok()).unwrap_or_else(|| panic!("{reloading}"));
    assert!((uptime - time / 1e6).abs() < 60.0, "{time} is no time of the clock that has {uptime}");
    assert_eq!(manager.next(), "READY=1\nSTATUS=serving 1 listeners");
    proxy.write_text("version: 7");
    proxy.signal("HUP");
    assert!(manager.next().starts_with("RELOADING=1"));
    let refused = manager.next();
    assert!(
        refused.starts_with("READY=1\nSTATUS=serving 1 listeners; the last change was refused: error:"),
        "{refused}"
    );
    proxy.write_text(&text);
    proxy.signal("USR2");
    let main = manager.next();
    let pid: u32 = main.strip_prefix("MAINPID=").and_then(|pid| pid.parse().ok()).unwrap_or_else(|| panic!("{main}"));
    // From here on the new process speaks, and the old one is silent.
    assert_eq!(manager.next(), "READY=1\nSTATUS=serving 1 listeners");
    assert_eq!(proxy.exit().code(), Some(0));
    assert!(Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap().success());
    assert_eq!(manager.next(), "STOPPING=1\nSTATUS=draining");
    assert_eq!(manager.waiting(), Vec::<String>::new());
}

#[test]
fn only_the_main_process_gives_signs_of_life() {
    let origin = Origin::raw(|_, stream| {
        let _ = std::io::Read::read(stream, &mut [0]);
        false
    });
    let text = Proxy::builder().top("upgrade: { grace: 500ms }").route("/*", "app", origin.address);
    let (mut proxy, manager, _folder) = managed(&text.text("127.0.0.1:0"), &[("WATCHDOG_USEC", "40000")]);
    // It holds the old process for its grace while the new one serves.
    let mut client = Client::connect(proxy.address);
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    origin.next();
    proxy.signal("USR2");
    let line = proxy.log.wait("upgraded: process");
    let pid = line.split("upgraded: process ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    proxy.log.wait("exchanges in progress may end");
    // With the new one gone, all that comes now would be the old one's.
    assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    manager.waiting();
    assert_eq!(proxy.exit().code(), Some(0));
    assert_eq!(manager.waiting(), Vec::<String>::new());
}

#[test]
fn a_service_manager_may_have_an_abstract_name() {
    let name = format!("weir-test-{}", std::process::id());
    let manager = Manager::at(&std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap());
    let mut command = weir();
    command.env("NOTIFY_SOCKET", format!("@{name}"));
    let _proxy = Proxy::by(command, &Proxy::builder().text("127.0.0.1:0"));
    assert!(manager.next().starts_with("READY=1"));
}

#[test]
fn the_watchdog_is_fed_only_as_long_as_workers_go_on() {
    let text = Proxy::builder().top("workers: 1").limited_guest("spin", "spin", "", "cpu: 60s").text("127.0.0.1:0");
    let (proxy, manager, _folder) = managed(&text, &[("WATCHDOG_USEC", "200000")]);
    let fed = |message: String| message == "WATCHDOG=1";
    assert!(manager.next().starts_with("READY=1"));
    assert!((0..3).all(|_| fed(manager.next())));
    let mut client = Client::connect(proxy.address);
    client.send("GET / HTTP/1.1\r\nHost: x\r\nX-Spin: 1\r\n\r\n");
    proxy.log.wait("gets no sign of life");
    manager.waiting();
    proxy.log.wait_many("gets no sign of life", 3);
    assert_eq!(manager.waiting(), Vec::<String>::new());
}
