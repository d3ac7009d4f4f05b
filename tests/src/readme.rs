//! READMEs of examples, as they are written: every command is run in bash, and must print what stands there.
//! `...` stands for what differs from one machine or run to the next.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::weir;

/// A command and the lines that follow it.
fn commands(readme: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    let blocks = readme.split("```console\n").skip(1).filter_map(|block| block.split("```").next());
    for line in blocks.flat_map(str::lines) {
        match line.strip_prefix("$ ") {
            Some(command) => commands.push((command.to_owned(), String::new())),
            None => commands.last_mut().expect("a block begins with a command").1.push_str(&format!("{line}\n")),
        }
    }
    commands
}

/// Whether this is what was expected, `...` being anything within a line.
fn is_meant(printed: &str, expected: &str) -> bool {
    let is_line = |printed: &str, expected: &str| {
        let mut parts = expected.split("...");
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = printed.strip_prefix(first) else { return false };
        let mut is_open = false;
        for part in parts {
            let Some(place) = rest.find(part) else { return false };
            rest = &rest[place + part.len()..];
            is_open = part.is_empty();
        }
        rest.is_empty() || is_open
    };
    printed.lines().count() == expected.lines().count()
        && printed.lines().zip(expected.lines()).all(|(printed, expected)| is_line(printed, expected))
}

/// Runs what the README of the example in `folder` shows; cargo keeps its files in `target`.
pub fn follow_readme(folder: &Path, target: &Path) {
    let readme = std::fs::read_to_string(folder.join("README.md")).expect("an example has a README");
    let commands = commands(&readme);
    assert!(commands.len() > 2, "{} shows no commands", folder.display());
    let tools = tempfile::tempdir().unwrap();
    let weir = weir();
    symlink(weir.get_program(), tools.path().join("weir")).unwrap();
    let mut script = String::from("exec 2>&1\ntrap 'kill $(jobs -p) 2>/dev/null' EXIT\n");
    for (command, _) in &commands {
        script += &format!("{command}\necho '--- end'\n");
    }
    let mut bash = Command::new("timeout");
    bash.args(["300", "bash", "-mc", &script]).current_dir(folder);
    bash.env("PATH", format!("{}:{}", tools.path().display(), std::env::var("PATH").unwrap()));
    bash.envs(weir.get_envs().filter_map(|(name, value)| Some((name, value?))));
    bash.env("CARGO_TARGET_DIR", target);
    let output = bash.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let mut parts = said.split("--- end\n");
    for (command, expected) in &commands {
        let printed = parts.next().unwrap_or_else(|| panic!("the example ended before `{command}`"));
        if !is_meant(printed, expected) {
            assert_eq!(printed, expected, "`{command}` prints something else");
        }
    }
}
