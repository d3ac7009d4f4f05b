//! docs/mistakes.md shows Weir's words: its blocks are those of the golden files, and its commands print what stands there.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use weir_tests::{command, free_port, weir};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn parts() -> Vec<String> {
    let document = fs::read_to_string(root().join("../docs/mistakes.md")).unwrap();
    document.split("\n### ").skip(1).map(str::to_owned).collect()
}

/// The first block of a kind.
fn block<'a>(part: &'a str, kind: &str) -> Option<&'a str> {
    part.split_once(&format!("```{kind}\n"))?.1.split_once("\n```").map(|(block, _)| block)
}

#[test]
fn mistakes_in_the_file_are_told_as_the_document_says() {
    let bad = root().join("configs/bad");
    let mut shown = 0;
    for part in parts() {
        let Some(name) = part.split_once("<!-- ").and_then(|(_, rest)| rest.split_once(" -->")).map(|(name, _)| name)
        else {
            continue;
        };
        let written = fs::read_to_string(bad.join(name).with_extension("yaml")).unwrap();
        let folder = name.split_once('/').map(|(folder, _)| format!("{folder}/weir"));
        let said = fs::read_to_string(bad.join(folder.as_deref().unwrap_or(name)).with_extension("txt")).unwrap();
        let (lines, words) = (block(&part, "yaml").unwrap(), block(&part, "text").unwrap());
        assert!(format!("\n{written}").contains(&format!("\n{lines}\n")), "{name}.yaml has no lines\n{lines}");
        assert!(said.contains(&format!("{words}\n")), "about {name}.yaml Weir does not say\n{words}\nbut\n{said}");
        shown += 1;
    }
    assert!(shown >= 20, "{shown} mistakes");
}

/// Whoever runs the tests, this is a user who may do nothing special; the command must be readable to all.
fn as_nobody(program: &Path) -> Command {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !is_root {
        return Command::new(program);
    }
    let mut command = command("setpriv", "util-linux");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(program);
    command
}

#[test]
fn mistakes_on_the_command_line_are_told_as_the_document_says() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let allow = |name: &str, mode| fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).unwrap();
    let (taken, free) = (TcpListener::bind("127.0.0.1:0").unwrap(), free_port());
    let taken = (taken.local_addr().unwrap().port(), taken);
    let text = |port: u16| {
        format!(
            "version: 1\nlisteners:\n  public: {{ address: 127.0.0.1:{port} }}\nsites:\n  - routes:\n      - {{ path: /*, upstream: http://127.0.0.1:3000 }}\n"
        )
    };
    fs::write(at("weir.yaml"), text(taken.0)).unwrap();
    fs::write(at("port-80.yaml"), text(80)).unwrap();
    fs::write(at("private.yaml"), text(8080)).unwrap();
    fs::copy(weir().get_program(), at("weir")).unwrap();
    allow("", 0o755);
    allow("weir", 0o755);
    // Root's own for root, nobody's for others.
    allow("private.yaml", 0o000);
    // Some systems let everybody have every port.
    let anybody =
        fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").is_ok_and(|port| port.trim() == "0");
    let mut shown = 0;
    for part in parts() {
        let Some((line, expected)) =
            block(&part, "console").and_then(|block| block.strip_prefix("$ weir ")?.split_once('\n'))
        else {
            continue;
        };
        shown += 1;
        if anybody && line.contains("port-80") {
            continue;
        }
        let line = line.replace("9180", &free.to_string());
        let output = as_nobody(&at("weir"))
            .args(["--log", "error"])
            .args(line.split(' '))
            .current_dir(folder.path())
            .env("WEIR_CACHE_DIR", at("cache"))
            .output()
            .unwrap();
        // Ports are as long as those in the document, or the caret would move.
        let said = String::from_utf8_lossy(&output.stderr).replace(&free.to_string(), "9180");
        let (wide, narrow) = (format!("127.0.0.1:{}", taken.0), "127.0.0.1:8080");
        let said = said.replace(&wide, narrow).replace(&"^".repeat(wide.len()), &"^".repeat(narrow.len()));
        assert_eq!(said.trim_end(), expected, "weir {line}");
        assert_ne!(output.status.code(), Some(0), "weir {line}");
    }
    assert!(shown >= 8, "{shown} commands");
}
