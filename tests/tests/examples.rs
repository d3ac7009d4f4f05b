//! The examples, as they are written: every command of their READMEs is run in bash, and must print what stands there.
//! `...` stands for what differs from one machine or run to the next.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use weir_tests::{command, weir};

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

/// An empty folder for copies of examples, with what examples may build on where they expect it. Always the same one, so
/// that what was built for the last run need not be built for this one.
fn workshop(root: &Path) -> PathBuf {
    let workshop = Path::new(env!("CARGO_TARGET_TMPDIR")).join("workshop");
    let _ = fs::remove_dir_all(&workshop);
    fs::create_dir_all(workshop.join("examples")).unwrap();
    for name in ["Cargo.toml", "sdk", "wit"] {
        symlink(root.join(name), workshop.join(name)).unwrap();
    }
    workshop.join("examples")
}

#[test]
fn every_example_prints_what_its_readme_says() {
    let _ = command("curl", "curl");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    let workshop = workshop(&root);
    let mut count = 0;
    for example in fs::read_dir(root.join("examples")).unwrap().map(|entry| entry.unwrap().path()) {
        if !example.is_dir() {
            continue;
        }
        let readme = fs::read_to_string(example.join("README.md")).expect("an example has a README");
        let commands = commands(&readme);
        assert!(commands.len() > 2, "{} shows no commands", example.display());
        let folder = workshop.join(example.file_name().unwrap());
        fs::create_dir(&folder).unwrap();
        // What somebody built in there by hand is none of it.
        let parts = fs::read_dir(&example).unwrap().map(|entry| entry.unwrap().path());
        let parts: Vec<PathBuf> = parts.filter(|part| !part.ends_with("target")).collect();
        assert!(Command::new("cp").arg("-a").args(&parts).arg(&folder).status().unwrap().success());
        run(&folder, &commands);
        count += 1;
    }
    assert!(count > 0);
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

fn run(folder: &Path, commands: &[(String, String)]) {
    let tools = tempfile::tempdir().unwrap();
    let weir = weir();
    std::os::unix::fs::symlink(weir.get_program(), tools.path().join("weir")).unwrap();
    let mut script = String::from("exec 2>&1\ntrap 'kill $(jobs -p) 2>/dev/null' EXIT\n");
    for (command, _) in commands {
        script += &format!("{command}\necho '--- end'\n");
    }
    let mut bash = Command::new("timeout");
    bash.args(["300", "bash", "-mc", &script]).current_dir(folder);
    bash.env("PATH", format!("{}:{}", tools.path().display(), std::env::var("PATH").unwrap()));
    bash.envs(weir.get_envs().filter_map(|(name, value)| Some((name, value?))));
    bash.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("workshop-target"));
    let output = bash.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let mut parts = said.split("--- end\n");
    for (command, expected) in commands {
        let printed = parts.next().unwrap_or_else(|| panic!("the example ended before `{command}`"));
        if !is_meant(printed, expected) {
            assert_eq!(printed, expected, "`{command}` prints something else");
        }
    }
}
