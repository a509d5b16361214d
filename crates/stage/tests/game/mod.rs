//! Small games for tests: shell scripts, and programs in C against the libraries that real games use.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use playhouse_play::control::{GameSpec, Host};

/// Longest wait for anything, on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A game that is a shell script; its home is in `folder`.
pub(crate) fn shell(folder: &Path, script: &str) -> GameSpec {
    GameSpec {
        title: "shell".to_owned(),
        host: Host::Wayland,
        command: ["sh", "-c", script].map(str::to_owned).to_vec(),
        env: BTreeMap::new(),
        files: None,
        home: folder.join("home"),
        network: false,
        memory_mib: 256,
        processes: 64,
        seconds: 3600,
        seats: 1,
    }
}

/// A game compiled from `tests/clients/<name>.c` against SDL 2.
pub(crate) fn sdl(folder: &Path, name: &str, arguments: &[&str]) -> GameSpec {
    compile(folder, name, name, &[]);
    let command =
        [format!("./{name}")].into_iter().chain(arguments.iter().map(|&word| word.to_owned())).collect();
    GameSpec { title: name.to_owned(), command, files: Some(folder.join("files")), ..shell(folder, "") }
}

/// The same game as a plug-in of a program that is not linked to SDL.
pub(crate) fn sdl_plug_in(folder: &Path, name: &str) -> GameSpec {
    compile(folder, name, "plugin.so", &["-shared", "-fPIC"]);
    compile(folder, "plugin", "plugin", &["-Wl,--as-needed"]);
    let command = ["./plugin", "/title/plugin.so"].map(str::to_owned).to_vec();
    GameSpec { title: name.to_owned(), command, files: Some(folder.join("files")), ..shell(folder, "") }
}

fn compile(folder: &Path, name: &str, output: &str, options: &[&str]) {
    let files = folder.join("files");
    std::fs::create_dir_all(&files).expect("a folder can be made");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name).with_extension("c");
    let flags = Command::new("pkg-config").args(["--cflags", "--libs", "sdl2"]).output();
    let flags = String::from_utf8(flags.expect("pkg-config is installed").stdout).expect("flags are text");
    let status = Command::new("cc")
        .arg("-O1")
        .args(options)
        .arg(source)
        .arg("-o")
        .arg(files.join(output))
        .args(flags.split_whitespace())
        .arg("-lm")
        .status();
    assert!(
        status.expect("a C compiler is installed").success(),
        "{name}.c does not compile; is libsdl2-dev there?"
    );
}

/// Waits for a condition.
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}
