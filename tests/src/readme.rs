//! READMEs of examples, as they are written: every command is run in bash, and must print what stands below it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

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

/// Runs what the README in `example` shows, in a copy of that folder with these files beside its own.
pub fn follow_readme(example: &Path, files: &[(&str, &Path)], patience: Duration) {
    let readme = std::fs::read_to_string(example.join("README.md")).expect("an example has a README");
    let commands = commands(&readme);
    assert!(commands.len() > 2, "{} shows no commands", example.display());
    let folder = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").arg("-r").arg(example.join(".")).arg(folder.path()).status().unwrap();
    assert!(copied.success());
    for (name, path) in files {
        std::fs::copy(path, folder.path().join(name)).unwrap();
    }
    run(folder.path(), &commands, patience);
}

fn run(folder: &Path, commands: &[(String, String)], patience: Duration) {
    let tools = tempfile::tempdir().unwrap();
    let weir = weir();
    std::os::unix::fs::symlink(weir.get_program(), tools.path().join("weir")).unwrap();
    let mut script = String::from("exec 2>&1\ntrap 'kill $(jobs -p) 2>/dev/null' EXIT\n");
    for (command, _) in commands {
        script += &format!("{command}\necho '--- end'\n");
    }
    let mut bash = Command::new("timeout");
    bash.args([&patience.as_secs().to_string(), "bash", "-mc", &script]).current_dir(folder);
    bash.env("PATH", format!("{}:{}", tools.path().display(), std::env::var("PATH").unwrap()));
    bash.envs(weir.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = bash.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let mut parts = said.split("--- end\n");
    for (command, expected) in commands {
        let printed = parts.next().unwrap_or_else(|| panic!("the example ended before `{command}`"));
        assert_eq!(printed, expected, "`{command}` prints something else");
    }
}
