//! Components that must not be loaded: damaged, of something else, too large, or ill-behaved before a hook runs. Each is
//! refused in words that name the plugin's line, at the start and at a reload, and what runs goes on.

use std::fs;
use std::path::Path;

use weir_tests::{Origin, Proxy, ProxyBuilder, get, guest, weir};

/// A number as WebAssembly writes it.
fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id], leb(content.len()).as_slice(), content].concat()
}

/// A core module of these sections.
fn module(sections: &[Vec<u8>]) -> Vec<u8> {
    [b"\0asm\x01\0\0\0".as_slice(), &sections.concat()].concat()
}

/// A module with one function without parameters and results, which runs at once if it `starts`.
fn function(body: &[u8], starts: bool) -> Vec<u8> {
    let code = [&leb(body.len()), body].concat();
    let start = if starts { section(8, &[0]) } else { Vec::new() };
    module(&[
        section(1, b"\x01\x60\x00\x00"),
        section(3, b"\x01\x00"),
        start,
        section(10, &[b"\x01".as_slice(), &code].concat()),
    ])
}

/// A module with so many memories of so many pages.
fn memories(count: usize, pages: usize) -> Vec<u8> {
    let memory = [b"\0".as_slice(), &leb(pages)].concat();
    module(&[section(5, &[leb(count), memory.repeat(count)].concat())])
}

/// A module with a table of so many entries.
fn table(entries: usize) -> Vec<u8> {
    module(&[section(4, &[b"\x01\x70\x00".as_slice(), &leb(entries)].concat())])
}

/// A filter that does nothing, with one more core module in it, of which it makes so many instances before a hook runs.
fn grafted(module: &[u8], instances: usize) -> Vec<u8> {
    let filter = fs::read(guest("noop")).unwrap();
    let (mut modules, mut rest) = (0, &filter[8..]);
    while let [id, after @ ..] = rest {
        modules += usize::from(*id == 1);
        let (mut length, mut digits) = (0, 0);
        while after[digits] & 0x80 != 0 {
            length |= usize::from(after[digits] & 0x7f) << (7 * digits);
            digits += 1;
        }
        length |= usize::from(after[digits]) << (7 * digits);
        rest = &after[digits + 1 + length..];
    }
    let instance = [b"\0".as_slice(), &leb(modules), b"\0"].concat();
    let made = section(2, &[leb(instances), instance.repeat(instances)].concat());
    [filter, section(1, module), if instances > 0 { made } else { Vec::new() }].concat()
}

/// A function that takes any compiler long: so many additions that all depend on each other.
fn long_to_compile(additions: usize) -> Vec<u8> {
    const LOCALS: usize = 5000;
    let mut body = [b"\x01".as_slice(), &leb(LOCALS), b"\x7e"].concat();
    for number in 0..additions {
        for (operation, local) in [(0x20, number), (0x20, number * 7 + 1), (0x7c, 0), (0x21, number * 13 + 5)] {
            body.push(operation);
            if operation != 0x7c {
                body.extend(leb(local % LOCALS));
            }
        }
    }
    body.push(0x0b);
    function(&body, false)
}

fn config(origin: &Origin, component: &Path, limits: &str) -> ProxyBuilder {
    let text = format!("plugins: {{ ill: {{ file: \"{}\", limits: {{ {limits} }} }} }}", component.display());
    Proxy::builder().top(&text).filter("ill").route("/*", "app", origin.address)
}

/// What `validate` says of it, and a proxy that it is to be reloaded into.
fn refused(name: &str, bytes: &[u8], limits: &str, words: &str) {
    let folder = tempfile::tempdir().unwrap();
    let component = folder.path().join("ill.wasm");
    fs::write(&component, bytes).unwrap();
    refused_file(name, &component, limits, words);
}

fn refused_file(name: &str, component: &Path, limits: &str, words: &str) {
    let origin = Origin::text("still here");
    let bad = config(&origin, component, limits);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("weir.yaml"), bad.text("127.0.0.1:0")).unwrap();
    let output = weir().current_dir(folder.path()).arg("validate").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{name}: {said}");
    assert!(said.contains(words) && said.contains("weir.yaml:"), "{name}: {words:?} is missing in:\n{said}");
    assert!(!said.contains("panicked"), "{name}: {said}");
    let proxy = Proxy::builder().route("/*", "app", origin.address).start();
    proxy.write(&bad);
    proxy.signal("HUP");
    // Meanwhile, too.
    assert_eq!(get(proxy.address, "/").text(), "still here", "{name}");
    proxy.log.wait("not reloaded");
    assert_eq!(get(proxy.address, "/").text(), "still here", "{name}");
}

#[test]
fn what_is_no_component_is_refused() {
    let whole = fs::read(guest("noop")).unwrap();
    let header = &whole[..8];
    let zeros = vec![0; 60 << 20];
    for (name, bytes, words) in [
        ("a core module", module(&[]), "it is a core WebAssembly module, not a component"),
        ("text", b"hello".to_vec(), "it is not a WebAssembly component"),
        ("nothing", Vec::new(), "it is not a WebAssembly component"),
        ("half of one", whole[..whole.len() / 2].to_vec(), "the file was cut off"),
        (
            "60 MiB of zeros after a header",
            [header, &zeros].concat(),
            "this is not a filter that this weir can run: it",
        ),
        ("a component without hooks", header.to_vec(), "it does not export weir:filter/configure"),
        ("an unknown section", [&whole, b"\x63\x00".as_slice()].concat(), "it is damaged"),
        (
            "a module that is none",
            [whole.clone(), section(1, b"\0asm\x01\0\0\0\x0a\xff")].concat(),
            "the file was cut off",
        ),
        ("a capability of nobody", fs::read(guest("greedy")).unwrap(), "it asks for the capability `everything`"),
    ] {
        refused(name, &bytes, "", words);
    }
}

#[test]
fn what_is_too_large_is_refused_unread() {
    for (name, length) in [("100 MB of zeros after a header", 100_000_000_u64), ("a byte too many", (64 << 20) + 1)] {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), b"\0asm\x0d\0\x01\0").unwrap();
        file.as_file().set_len(length).unwrap();
        refused_file(name, file.path(), "", "a component may have 64 MiB");
    }
}

#[test]
fn what_takes_long_to_compile_is_given_up() {
    refused("a long function", &grafted(&long_to_compile(600_000), 0), "compile: 50ms", "compiling it takes longer");
}

#[test]
fn what_loops_before_a_hook_runs_is_refused() {
    // loop, br 0, end, end; no locals.
    let endless = function(b"\x00\x03\x40\x0c\x00\x0b\x0b", true);
    let words = "it used more CPU time than its limit for reading its configuration";
    refused("an endless start", &grafted(&endless, 1), "configure: 50ms", words);
}

#[test]
fn what_takes_too_much_before_a_hook_runs_is_refused() {
    let memory = "more memory than its limit";
    for (name, bytes, words) in [
        ("a large memory", grafted(&memories(1, 1024), 1), memory),
        ("many instances with a small memory", grafted(&memories(1, 64), 10), memory),
        ("many small memories", grafted(&memories(1, 1), 20), "memory count too high"),
        ("many memories in one module", grafted(&memories(20, 1), 1), "exceeds the per-instance limit"),
        ("a large table", grafted(&table(1_000_000), 1), "exceeds the limit of"),
        ("many tables", grafted(&table(15_000), 10), "`ill` cannot be used"),
        ("many instances", grafted(&module(&[]), 2000), "`ill` cannot be used"),
    ] {
        refused(name, &bytes, "", words);
    }
    // Within its limits the same graft does no harm.
    let folder = tempfile::tempdir().unwrap();
    let component = folder.path().join("well.wasm");
    fs::write(&component, grafted(&memories(1, 1), 2)).unwrap();
    let origin = Origin::text("served");
    assert_eq!(get(config(&origin, &component, "").start().address, "/").text(), "served");
}
