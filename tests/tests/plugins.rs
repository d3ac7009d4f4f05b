//! `weir plugin`: from a project to a component that the proxy runs, and what a component tells those who are to run it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use weir_tests::{Origin, Proxy, get, guest, weir};

fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (status.code().unwrap_or(-1), text(&stdout), text(&stderr))
}

/// `weir plugin build` in a folder, with the target folder that the project has by itself.
fn build(folder: &Path) -> Command {
    let mut weir = weir();
    weir.args(["plugin", "build"]).current_dir(folder).env_remove("CARGO_TARGET_DIR");
    weir
}

fn inspect(what: &Path) -> (i32, String, String) {
    run(weir().args(["plugin", "inspect"]).arg(what))
}

fn inspect_json(what: &Path) -> (i32, Value) {
    let (code, said, error) = run(weir().args(["plugin", "inspect", "--json"]).arg(what));
    (code, serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}{error}")))
}

/// Names and texts.
type Files<'a> = &'a [(&'a str, &'a str)];

fn project(files: Files<'_>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// A guest with some of its bytes replaced by as many others, everywhere.
fn changed(name: &str, changes: &[(&str, &str)]) -> tempfile::NamedTempFile {
    let mut bytes = fs::read(guest(name)).unwrap();
    for (from, to) in changes {
        assert_eq!(from.len(), to.len());
        let places: Vec<usize> =
            (0..bytes.len()).filter(|place| bytes[*place..].starts_with(from.as_bytes())).collect();
        assert!(!places.is_empty(), "{from} is not in {name}");
        for place in places {
            bytes[place..place + to.len()].copy_from_slice(to.as_bytes());
        }
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    file
}

/// A copy of the example and of all that it builds on, in a place that is kept for the next run. What cargo built there
/// stays; the sources are these.
fn copy_of_hello(place: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join(place);
    let hello = copy.join("examples/hello-filter");
    fs::create_dir_all(&hello).unwrap();
    for name in ["sdk", "wit", "examples/hello-filter/src"] {
        let _ = fs::remove_dir_all(copy.join(name));
    }
    for name in [
        "Cargo.toml",
        "rust-toolchain.toml",
        "sdk",
        "wit",
        "examples/hello-filter/src",
        "examples/hello-filter/Cargo.toml",
        "examples/hello-filter/Cargo.lock",
        "examples/hello-filter/weir-plugin.toml",
    ] {
        let to = copy.join(name);
        assert!(Command::new("cp").arg("-a").arg(root.join(name)).arg(&to).status().unwrap().success());
    }
    hello
}

#[test]
fn a_project_of_its_own_is_built_to_the_same_bytes_wherever_it_lies_and_runs() {
    let folders = ["reproducible/here", "reproducible/far/away/there"].map(copy_of_hello);
    let commands = folders.each_ref().map(|folder| {
        let piped = |command: &mut Command| command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        piped(&mut build(folder))
    });
    let said = commands.map(|command| {
        let output = command.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    });
    let built = folders.each_ref().map(|folder| fs::read(folder.join("hello.wasm")).unwrap());
    assert!(built[0] == built[1], "two builds of the same source differ");
    assert_eq!(said[0], said[1]);
    let bytes = String::from_utf8_lossy(&built[0]);
    assert!(!bytes.contains(env!("CARGO_TARGET_TMPDIR")) && !bytes.contains(".cargo/"), "folders are in the component");

    // What it prints for the configuration is what runs, pin and all.
    let component = folders[1].join("hello.wasm");
    let declaration = said[0].split("In the configuration:\n\n").nth(1).expect("there is something to paste");
    let declaration = declaration.replace("hello.wasm", &component.display().to_string());
    let origin = Origin::text("from the upstream");
    let text = Proxy::builder()
        .route("/*", "app", origin.address)
        .filter("{ plugin: hello, config: { greeting: Good day } }")
        .text("127.0.0.1:0");
    let proxy = Proxy::of(&format!("{text}\n{declaration}"), &[]);
    assert_eq!(get(proxy.address, "/hello").text(), "Good day\n");
    assert_eq!(get(proxy.address, "/other").text(), "from the upstream");

    let (code, about) = inspect_json(&component);
    assert_eq!(code, 0, "{about}");
    for (key, value) in [
        ("name", "hello"),
        ("version", "0.1.0"),
        ("description", "Answers /hello, and lets everything else pass"),
        ("contract", "0.1.1"),
        ("place", "answer"),
    ] {
        assert_eq!(about[key], value, "{about}");
    }
    assert_eq!(about["hooks"], serde_json::json!(["configure", "on-request"]));
    assert_eq!(about["schema"]["properties"]["greeting"]["description"], "What it says.", "{about}");
    let description = about["description"].as_str().unwrap();
    assert_eq!(bytes.matches(description).count(), 1, "what the manifest says is shipped twice");
    assert!(
        !bytes.contains("weir:schema") && !bytes.contains("weir:package"),
        "what the manifest says is shipped twice"
    );
    assert!(said[0].contains(about["sha256"].as_str().unwrap()), "the digest that was printed is another");
}

const MEMBER: &str = "[package]\nname = \"empty\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
const CARGO: &str = "[package]\nname = \"empty\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
const CDYLIB: &str = "[package]\nname = \"empty\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n\
                      [lib]\ncrate-type = [\"cdylib\"]\n";

#[test]
fn a_project_that_cannot_be_built_says_what_to_do() {
    let cases: [(Files, &[&str]); 7] = [
        (&[("readme", "")], &["has neither a Cargo.toml nor a weir-plugin.toml with `build`"]),
        (&[("Cargo.toml", CARGO), ("src/lib.rs", "")], &["makes no module", "crate-type = [\"cdylib\", \"rlib\"]"]),
        (
            &[("Cargo.toml", "[workspace]\nmembers = [\"a\"]\n"), ("a/Cargo.toml", MEMBER), ("a/src/lib.rs", "")],
            &["is a workspace; name the folder of the one crate"],
        ),
        (&[("Cargo.toml", "[package\n")], &["Cargo.toml:1", "cargo cannot read"]),
        (&[("Cargo.toml", CDYLIB), ("src/lib.rs", "fn x() -> u8 { \"\" }")], &["E0308", "cargo could not build"]),
        (&[("Cargo.toml", CDYLIB), ("src/lib.rs", "")], &["empty is not a filter", "`#[weir::filter]`"]),
        (
            &[("Cargo.toml", CDYLIB), ("src/lib.rs", ""), ("weir-plugin.toml", "\nplase = \"edge\"\n")],
            &["weir-plugin.toml:2: unknown field `plase`", "`place`"],
        ),
    ];
    for (files, words) in cases {
        let folder = project(files);
        let (code, said, error) = run(&mut build(folder.path()));
        assert_eq!((code, said.as_str()), (1, ""), "{files:?}: {error}");
        for words in words {
            assert!(error.contains(words), "{words:?} is missing for {files:?} in:\n{error}");
        }
    }
    let (code, _, error) = run(weir().args(["plugin", "build", "/nowhere"]));
    assert!(code == 1 && error.contains("there is no folder /nowhere"), "{error}");
}

#[test]
fn a_toolchain_that_is_not_there_is_named() {
    let folder = project(&[("Cargo.toml", CDYLIB), ("src/lib.rs", "")]);
    let (code, _, error) = run(build(folder.path()).env("CARGO", "/nowhere/cargo"));
    assert!(code == 1 && error.contains("there is no `/nowhere/cargo` here"), "{error}");
    // A compiler that has no target installed at all.
    let rustc = folder.path().join("rustc");
    let script = format!("#!/bin/sh\nexec rustc --sysroot {} \"$@\"\n", folder.path().display());
    fs::write(&rustc, script).unwrap();
    fs::set_permissions(&rustc, fs::Permissions::from_mode(0o755)).unwrap();
    let (code, _, error) = run(build(folder.path()).env("RUSTC", &rustc));
    assert!(code == 1 && error.contains("run `rustup target add wasm32-unknown-unknown`"), "{error}");
}

/// A project in a language whose compiler is `cp`.
fn foreign(build: &str, more: &str) -> tempfile::TempDir {
    let toml =
        format!("name = \"banner\"\nhooks = [\"on-request\"]\ncapabilities = [\"log\"]\nbuild = {build:?}\n{more}");
    let folder = project(&[("weir-plugin.toml", &toml), ("schema.json", r#"{ "type": "object", "properties": {} }"#)]);
    symlink(guest("noop"), folder.path().join("noop.wasm")).unwrap();
    folder
}

#[test]
fn any_language_is_built_by_the_projects_own_command() {
    let build_command = "test -d {wit} && cp {wit}/filter.wit seen-{world} && echo talk && cp noop.wasm {output}";
    let folder = foreign(
        build_command,
        "version = \"2.0.0\"\nplace = \"limits\"\nschema = \"schema.json\"\n[grants]\nvars = [\"user.\"]\n",
    );
    let (code, said, error) = run(build(folder.path()).args(["-o", "out.wasm"]));
    assert_eq!(code, 0, "{said}{error}");
    // Standard output has the result; what the command says is beside it.
    assert!(said.starts_with("out.wasm: ") && !said.contains("talk") && error.contains("talk"), "{said}{error}");
    assert!(said.contains("  banner: { file: out.wasm, sha256: "), "{said}");
    let world = fs::read_to_string(folder.path().join("seen-filter")).unwrap();
    for line in ["import log;", "export configure;", "export on-request;"] {
        assert!(world.contains(line), "{world}");
    }
    assert_eq!(world.matches("port ").count(), 3, "{world}");
    let (_, about) = inspect_json(&folder.path().join("out.wasm"));
    assert_eq!((about["name"].as_str(), about["version"].as_str()), (Some("banner"), Some("2.0.0")));
    assert_eq!((&about["place"], &about["schema"]["type"]), (&"limits".into(), &"object".into()));
    assert_eq!(about["grants"]["vars"], serde_json::json!(["user."]));
}

#[test]
fn a_command_that_makes_no_filter_says_why() {
    for (command, more, words) in [
        ("echo the compiler says no >&2; exit 3", "", "the compiler says no"),
        ("echo the compiler says no >&2; exit 3", "", "`build` of weir-plugin.toml failed (exit status: 3)"),
        ("true", "", "name what it writes as `output`"),
        ("true", "output = \"made.wasm\"\n", "made.wasm"),
        ("echo x > {output}", "", "is not a filter: it is no component"),
    ] {
        let folder = foreign(command, more);
        let (code, said, error) = run(&mut build(folder.path()));
        assert!(code == 1 && said.is_empty() && error.contains(words), "{command}: {error}");
    }
    let folder = project(&[("weir-plugin.toml", "name = \"a\"\nbuild = \"x\"\nhooks = [\"on-requst\"]\n")]);
    let (_, _, error) = run(&mut build(folder.path()));
    assert!(
        error.contains("weir-plugin.toml:3: the contract has no hook `on-requst`; did you mean `on-request`?"),
        "{error}"
    );
    // A hook that is listed but not there.
    let folder = project(&[(
        "weir-plugin.toml",
        &format!("name = \"a\"\nbuild = \"cp {} {{output}}\"\nhooks = [\"on-tick\"]\n", guest("noop").display()),
    )]);
    let (_, _, error) = run(&mut build(folder.path()));
    assert!(error.contains("lists the hook `on-tick`, but the component does not export it"), "{error}");
}

#[test]
fn a_filter_that_does_nothing_is_small() {
    let size = fs::read(guest("noop")).unwrap().len();
    assert!(size <= 20 << 10, "a filter with two empty hooks has {size} bytes");
}

#[test]
fn what_a_filter_can_do_is_told_without_running_it() {
    let (code, said, error) = inspect(Path::new("request-id"));
    assert_eq!(code, 0, "{error}");
    for words in [
        "request-id 0.1.0\n",
        "sha256 ",
        "place          edge",
        "hooks          configure, on-request, on-response",
        "no: its hooks never wait",
        "no grants",
    ] {
        assert!(said.contains(words), "{words:?} is missing in:\n{said}");
    }
    let (can, cannot) = said.split_once("it cannot\n").unwrap();
    assert!(can.contains("  change the fields of requests\n"), "{said}");
    for words in ["open files or sockets", "read the heads of responses", "read whole bodies", "send requests to"] {
        assert!(cannot.contains(words) && !can.contains(words), "{words:?}:\n{said}");
    }
    let (code, about) = inspect_json(&guest("trap"));
    assert_eq!((code, &about["problem"], &about["waits"]), (0, &Value::Null, &false.into()));
    // Nobody reads on, as after `| head -1`: that is no failure.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = weir().args(["plugin", "inspect", "request-id"]).stdout(writer).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn what_is_no_filter_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(guest("noop")).unwrap();
    let mut twice = whole.clone();
    let section = b"\0\x11\x0dweir:manifest{} ";
    twice.extend_from_slice(section);
    for (name, bytes, words) in [
        ("core.wasm", b"\0asm\x01\0\0\0".as_slice(), "componentize it with `weir plugin build`"),
        ("text.wasm", b"hello", "it is not a WebAssembly component"),
        ("empty.wasm", b"", "it is not a WebAssembly component"),
        ("cut.wasm", &whole[..whole.len() / 2], "the file was cut off"),
        ("manifest.wasm", &twice, "weir:manifest"),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        let (code, said, error) = inspect(&file);
        assert!(code == 1 && said.is_empty() && error.contains(words), "{name}: {error}");
        assert!(error.contains(name) && error.contains("is not a filter"), "{name}: {error}");
    }
    // No place of a damaged component makes it more than words.
    for end in (8..whole.len()).step_by(499) {
        let file = folder.path().join("torn.wasm");
        let mut torn = whole[..end].to_vec();
        torn.extend(whole[end..].iter().map(|byte| byte ^ 0x5a));
        fs::write(&file, torn).unwrap();
        let (code, _, error) = inspect(&file);
        assert!(code == 1 && error.starts_with("error: ") && !error.contains("panicked"), "{end}: {error}");
    }
    let huge = folder.path().join("huge.wasm");
    fs::File::create(&huge).unwrap().set_len(65 << 20).unwrap();
    let (code, _, error) = inspect(&huge);
    assert!(code == 1 && error.contains("a component may have 64 MiB"), "{error}");
    let (code, _, error) = inspect(Path::new("no-such-plugin"));
    assert!(code == 2 && error.contains("neither a file nor a bundled plugin `no-such-plugin`"), "{error}");
    assert!(error.contains("request-id"), "{error}");
    let (code, _, error) = inspect(Path::new("./none.wasm"));
    assert!(code == 1 && error.contains("cannot read ./none.wasm"), "{error}");
}

#[test]
fn a_filter_of_another_contract_is_told_from_one_that_fits() {
    for (changes, words) in [
        // Later patch releases add; what is not used of them is not missed.
        (&[("@0.1.1", "@0.1.7")][..], None),
        (
            &[("@0.1.1", "@0.1.7"), ("set-header", "sot-header")],
            Some("built for the contract 0.1.7, and this weir speaks 0.1.1, which lacks `request.sot-header`"),
        ),
        (&[("@0.1.1", "@0.1.7"), ("on-response", "on-rispense")], Some("lacks the hook `on-rispense`")),
        (&[("@0.1.1", "@0.2.0")], Some("it speaks weir:filter@0.2.0, and this weir speaks 0.1")),
        (&[("set-header", "sot-header")], Some("which the contract 0.1.1 does not have: build it again")),
        (&[("weir:filter/response@", "mine:filter/response@")], Some("`mine:filter/response@0.1.1`, which is no part")),
        (&[("configure", "configare")], Some("does not export weir:filter/configure")),
    ] {
        let file = changed("headers", changes);
        let (code, said, error) = inspect(file.path());
        match words {
            None => assert_eq!(code, 0, "{changes:?}: {error}"),
            Some(words) => {
                assert!(code == 1 && error.contains("this weir cannot run"), "{changes:?}: {error}");
                assert!(error.contains(words), "{words:?} is missing in: {error}");
            }
        }
        // What it is, is told all the same.
        assert!(said.contains("it can\n") && said.contains("sha256"), "{said}");
    }
    let file = changed("headers", &[("weir:filter/response@", "wasi:filter/response@")]);
    let (code, said, _) = inspect(file.path());
    assert!(code == 0 && said.contains("needs `wasi: stub` in its declaration: wasi:filter/response@0.1.1"), "{said}");
}

#[test]
fn a_filter_of_a_later_contract_runs_if_it_uses_nothing_of_it() {
    let later = changed("headers", &[("@0.1.1", "@0.1.7")]);
    let origin = Origin::text("from the upstream");
    let text = Proxy::builder().route("/*", "app", origin.address).filter("{ plugin: later }").text("127.0.0.1:0");
    let proxy = Proxy::of(&format!("{text}\nplugins: {{ later: {{ file: {} }} }}", later.path().display()), &[]);
    let reply = get(proxy.address, "/");
    assert_eq!((reply.text(), reply.header("x-added")), ("from the upstream".into(), Some("by the filter")));
}

#[test]
fn the_help_of_each_plugin_command_has_an_example() {
    for command in [&["plugin", "--help"][..], &["plugin", "build", "--help"], &["plugin", "inspect", "--help"]] {
        let (code, said, _) = run(weir().args(command));
        assert!(code == 0 && said.contains("Example: weir plugin"), "{command:?}: {said}");
    }
}
