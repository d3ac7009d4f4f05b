//! The examples, as they are written: every command of their READMEs is run in bash, and must print what stands there.

use std::path::Path;
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

#[test]
fn every_example_prints_what_its_readme_says() {
    let _ = command("curl", "curl");
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut count = 0;
    for example in std::fs::read_dir(&examples).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        let readme = std::fs::read_to_string(example.join("README.md")).expect("an example has a README");
        let commands = commands(&readme);
        assert!(commands.len() > 2, "{} shows no commands", example.display());
        let folder = tempfile::tempdir().unwrap();
        let copied = Command::new("cp").arg("-r").arg(example.join(".")).arg(folder.path()).status().unwrap();
        assert!(copied.success());
        run(folder.path(), &commands);
        count += 1;
    }
    assert!(count > 0);
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
    bash.args(["60", "bash", "-mc", &script]).current_dir(folder);
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
